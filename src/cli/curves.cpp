#include "report/curves.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "report/metrics_lines.h"
#include "report/rl_curves.h"
#include "report/run_metrics.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string run, out, title;
};

struct Picture {
  std::string svg;
  int64_t steps = 0;
};

// The lines say what kind of run they are of.
Picture picture_of(const std::string& metrics, const std::string& name, const std::string& title) {
  const MappedFile file(metrics);
  const auto titled = [&](const char* kind) { return title.empty() ? fmt::format("{} run {}", kind, name) : title; };
  if (is_rl_metrics(file.text())) {
    const RlMetrics run = parse_rl_metrics(file.text(), metrics);
    return {draw_rl_curves(run, titled("RL")), run.steps};
  }
  const RunMetrics run = parse_run_metrics(file.text(), metrics);
  const char* kind = run.fine_tuning ? "Fine-tuning" : "Training";
  return {draw_curves(run, titled(kind)), run.step.back()};
}

void run_curves(const Arguments& arguments) {
  if (!fs::is_directory(arguments.run)) {
    fail("{}: expected a run's folder (what minke train, sft, rl or learn was given as --out), found {}", arguments.run,
         file_exists(arguments.run) ? "a file" : "nothing");
  }
  const fs::path folder = fs::path(arguments.run).lexically_normal();
  const std::string metrics = (folder / "metrics.jsonl").string();
  if (!file_exists(metrics))
    fail("{}: no such file; minke train, sft, rl and learn write it, a line a step. Is {} a run's folder?", metrics, arguments.run);
  const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  const Picture picture = picture_of(metrics, name.string(), arguments.title);
  const std::string out = arguments.out.empty() ? (folder / "curves.svg").string() : arguments.out;
  write_file_atomic(out, picture.svg);
  std::printf("%s: %lld steps\n", out.c_str(), static_cast<long long>(picture.steps));
}

}  // namespace

void add_curves(CLI::App& app) {
  auto* command = app.add_subcommand("curves", "draw the curves of a run of train, sft, rl or learn as one SVG");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("run", arguments->run, "a run's folder, with metrics.jsonl")->required()->type_name("RUN");
  command->add_option("-o,--out", arguments->out, "where to write (default: RUN/curves.svg)")->type_name("FILE.svg");
  command->add_option("--title", arguments->title, "the picture's title (default: the run's name)");
  command->footer(
      "Of training and fine-tuning: loss, held-out data, expert loads. Of rl and learn: held-out accuracy with its interval, reward, lengths\n"
      "of right and wrong answers, entropy and KL, groups that teach nothing, habits of thought. Works on a run in progress too. The file\n"
      "follows the reader's light or dark scheme.\n"
      "Examples:\n"
      "  minke curves out/tiny\n"
      "  minke curves out/learn\n"
      "  minke curves out/tiny-base --out docs/curves.svg --title 'tiny: 4M tokens on two cores'");
  command->callback([arguments] { run_curves(*arguments); });
}

}  // namespace minke
