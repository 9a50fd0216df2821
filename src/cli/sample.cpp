#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/model_path.h"
#include "cli/task_flags.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

struct SampleFlags : TaskFlags {
  SampleFlags() {
    n = 1000;
    grade = "strict";
    options.samples = 8;
    options.temperature = 1;
    options.top_p = 1;
  }
  std::string out, split = "train";
  int64_t most = 0;
};

// `n` training problems, none twice: a small family's stream repeats itself.
std::vector<Problem> training_problems(const ProblemSource& source, uint64_t seed, int64_t n) {
  std::vector<Problem> out;
  std::unordered_set<std::string> keys;
  constexpr int64_t kMostRepeats = 10000;  // in a row, after which the stream counts as exhausted
  int64_t repeats = 0;
  for (uint64_t index = 0; int64_t(out.size()) < n; ++index) {
    Problem p = source.train(seed, index);
    if (keys.insert(p.canonical_key).second) {
      out.push_back(std::move(p));
      repeats = 0;
    } else if (++repeats > kMostRepeats) {
      usage_fail("--n {}: the train split of {} holds only {} problems", n, source.name(), out.size());
    }
  }
  return out;
}

struct Kept {
  std::string text;  // JSON lines
  int64_t right = 0, distinct = 0, solved = 0;
};

// Right answers that ended by themselves or at the cap, one for each thought (without thinking: for each answer).
Kept keep(const std::vector<SampleRow>& rows, const std::vector<Problem>& problems, int64_t most) {
  std::map<std::string_view, const Problem*> by_id;
  for (const Problem& p : problems) by_id[p.id] = &p;
  Kept out;
  std::map<std::string_view, std::set<std::string_view>> thoughts;
  for (const SampleRow& r : rows) {
    if (!r.correct) continue;
    ++out.right;
    if (r.exit == Exit::kLength) continue;
    std::set<std::string_view>& seen = thoughts[r.id];
    const size_t end = r.text.find("</think>");
    const std::string_view thought = end == 0 || end == std::string::npos ? std::string_view(r.text) : std::string_view(r.text).substr(0, end);
    if ((most > 0 && int64_t(seen.size()) >= most) || !seen.insert(thought).second) continue;
    out.text += Json{{"prompt", by_id.at(r.id)->prompt}, {"completion", r.text}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    ++out.distinct;
  }
  out.solved = int64_t(thoughts.size());
  return out;
}

void run_sample(const SampleFlags& f) {
  const Split split = parse_split(f.split);
  if (split != Split::kTrain) usage_fail("--split {}: what is held out must not be trained on; expected train", f.split);
  std::optional<CommandGrader> grader;
  if (!f.grader.empty()) grader.emplace(f.grader);
  const TaskEvalOptions options = f.settled(grader ? &*grader : nullptr);
  const ProblemSource source = f.source();
  const std::vector<Problem> problems = training_problems(source, options.seed, f.count(source, split));

  RowFile file(f.out + ".rows", f.made_by(f.split.c_str()));
  const std::vector<SampleRow> rows = answer_problems(f, options, problems, &file);
  const int64_t total = int64_t(rows.size());
  const Kept kept = keep(rows, problems, f.most);
  write_file_atomic(f.out, kept.text);
  if (f.json)
    std::printf("%s\n", Json{{"problems", problems.size()}, {"answers", total}, {"right", kept.right}, {"share_right", double(kept.right) / double(total)},
                             {"kept", kept.distinct}, {"problems_solved", kept.solved}, {"out", f.out}}
                            .dump()
                            .c_str());
  else
    std::printf("%lld of %lld answers right (%.1f%%); %lld of them, with different thoughts, to %lld of %zu problems: %s\n",
                static_cast<long long>(kept.right), static_cast<long long>(total), 100.0 * double(kept.right) / double(total),
                static_cast<long long>(kept.distinct), static_cast<long long>(kept.solved), problems.size(), f.out.c_str());
}

}  // namespace

void add_sample(CLI::App& app) {
  auto* c = app.add_subcommand("sample", "many answers per training problem; the right ones as data for minke sft");
  auto f = std::make_shared<SampleFlags>();
  f->add(*c)->required();
  c->add_option("--out", f->out, "the file to write; FILE.rows beside it keeps every answer, and the same command goes on from it")->required();
  c->add_option("--most", f->most, "of one problem's right answers keep at most this many; 0: all")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--split", f->split, "only train: what is held out is refused")->capture_default_str();
  c->add_option("--dtype", f->dtype, kDtypeHelp)->check(CLI::IsMember(dtype_names()))->capture_default_str();
  c->add_flag("--json", f->json, "one object: problems, answers, right, share_right, kept, problems_solved, out");
  c->footer(
      "Writes {\"prompt\", \"completion\"} lines: DeepSeek-R1's rejection sampling. Answers with the same thought are kept once.\n"
      "Examples:\n  minke sample --task countdown-a3 --n 2000 --samples 16 --out a3.jsonl\n"
      "  minke sft configs/sft.toml --model models/default --data a3.jsonl --out out/again");
  c->callback([f] {
    f->model = model_path(f->model);
    run_sample(*f);
  });
}

}  // namespace minke
