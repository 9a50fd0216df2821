#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/run_folder.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string run, out, title;
};

void run_curves(const Arguments& arguments) {
  const AnyRun run = read_run(arguments.run);
  const fs::path folder = fs::path(arguments.run).lexically_normal();
  const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  const std::string title = arguments.title.empty() ? fmt::format("{} run {}", run.kind(), name.string()) : arguments.title;
  const std::string out = arguments.out.empty() ? (folder / "curves.svg").string() : arguments.out;
  write_file_atomic(out, run.picture(title));
  std::printf("%s: %lld steps\n", out.c_str(), static_cast<long long>(run.steps()));
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
      "  minke curves out/tiny-base\n"
      "  minke curves out/learn\n"
      "  minke curves out/tiny-base --out docs/curves.svg --title 'tiny: 4M tokens on two cores'");
  command->callback([arguments] { run_curves(*arguments); });
}

}  // namespace minke
