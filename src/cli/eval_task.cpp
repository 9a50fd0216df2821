#include "cli/eval_task.h"

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "eval/compare.h"
#include "eval/mtp_acceptance.h"
#include "eval/summary.h"

namespace minke {
namespace {

// A text under a heading, indented and cut to some lines.
std::string indented(const std::string& text) {
  constexpr int kMostLines = 16;
  constexpr size_t kMostBytes = 1200;
  std::string out = "  ";
  int lines = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && ++lines > kMostLines) return out + " ...";
    if (i > kMostBytes && (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return out + " ...";
    out += text[i];
    if (text[i] == '\n') out += "  ";
  }
  return out;
}

void print_example(const char* title, const std::vector<SampleRow>& rows, const std::vector<Problem>& problems, bool right) {
  for (const SampleRow& r : rows) {
    if (r.correct != right || r.outcome == Outcome::kUngradable) continue;
    for (const Problem& p : problems)
      if (p.id == r.id) {
        std::printf("\n%s (%s, sample %lld, %lld tokens; %s; a right answer is %s)\n%s\n%s\n", title, r.id.c_str(), static_cast<long long>(r.sample),
                    static_cast<long long>(r.total_tokens), outcome_name(r.outcome), p.gold.c_str(), indented(p.prompt).c_str(), indented(r.text).c_str());
        return;
      }
  }
}

}  // namespace

void run_eval_task(const EvalTaskFlags& f) {
  const Split split = parse_split(f.split);
  if (split == Split::kTrain) usage_fail("--split train: expected test or calibration; problems of the train split may have been learnt");
  std::optional<CommandGrader> grader;
  if (!f.grader.empty()) grader.emplace(f.grader);
  const TaskEvalOptions options = f.settled(grader ? &*grader : nullptr);
  const ProblemSource source = f.source();
  const std::vector<Problem> problems = source.held_out(split, options.seed, f.count(source, split));

  if (f.json && !f.against.empty()) usage_fail("--against adds to the table; give it without --json");
  std::vector<SampleRow> before;
  if (!f.against.empty()) before = read_rows(f.against);
  std::optional<RowFile> file;
  if (!f.rows.empty()) file.emplace(f.rows, f.made_by(f.split.c_str()));
  const std::vector<SampleRow> rows = answer_problems(f, options, problems, file ? &*file : nullptr);

  TaskSummary all = summarise(rows);
  if (f.mtp) {
    const std::unique_ptr<Transformer> model = load_model(f.model, f.dtype, WeightUse::kInference);
    const MtpAcceptance mtp = mtp_acceptance(*model, Tokenizer::load(f.model), problems, options.max_tokens, [] { return interrupted(); });
    if (interrupted()) throw Interrupted();
    all.mtp_acceptance = mtp.share();
  }
  const std::vector<TaskSummary> levels = summarise_levels(rows);
  if (f.json) {
    for (const SampleRow& r : rows) std::printf("%s\n", row_json(r, false).c_str());
    std::printf("%s\n", summary_json(all, levels).c_str());
    return;
  }
  std::printf("%s, %s split, seed %llu: %lld problems x %lld answers, temperature %g, top-p %g\n", source.name().c_str(), f.split.c_str(),
              static_cast<unsigned long long>(options.seed), static_cast<long long>(problems.size()), static_cast<long long>(options.samples),
              options.temperature, options.top_p);
  if (options.effort) std::printf("effort %s; an answer's tokens are those of all its samples\n", options.effort->asked.c_str());
  std::printf("%s", summary_table(all, levels).c_str());
  if (!before.empty()) {
    int64_t paired = 0;
    const std::vector<Comparison> changes = compare_rows(rows, before, options.seed, &paired);
    std::printf("\nagainst %s, %lld problems in both, paired bootstrap, p after Holm:\n", f.against.c_str(), static_cast<long long>(paired));
    for (const Comparison& c : changes) {
      const double unit = c.name == "tokens" ? 1 : 100;
      std::printf("%-28s %+6.1f [%+.1f, %+.1f]  p %.4f\n", c.name.c_str(), unit * c.difference.mean, unit * c.difference.ci95.low,
                  unit * c.difference.ci95.high, c.holm);
    }
  }
  print_example("solved", rows, problems, true);
  print_example("unsolved", rows, problems, false);
}

}  // namespace minke
