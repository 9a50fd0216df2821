#include "report/curves.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "report/run_metrics.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string run, out, title;
};

void run_curves(const Arguments& arguments) {
  if (!fs::is_directory(arguments.run)) {
    fail("{}: expected a run's folder (what minke train --out was given), found {}", arguments.run,
         file_exists(arguments.run) ? "a file" : "nothing");
  }
  const fs::path folder = fs::path(arguments.run).lexically_normal();
  const std::string metrics = (folder / "metrics.jsonl").string();
  if (!file_exists(metrics))
    fail("{}: no such file; minke train writes it, a line a step. Is {} a run's folder?", metrics, arguments.run);
  const RunMetrics run = read_run_metrics(metrics);
  const fs::path name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  const std::string title = arguments.title.empty() ? "Training run " + name.string() : arguments.title;
  const std::string out = arguments.out.empty() ? (folder / "curves.svg").string() : arguments.out;
  write_file_atomic(out, draw_curves(run, title));
  std::printf("%s: %zu steps\n", out.c_str(), run.rows());
}

}  // namespace

void add_curves(CLI::App& app) {
  auto* command = app.add_subcommand("curves", "draw a run's loss, held-out and expert-load curves as one SVG");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("run", arguments->run, "a run's folder, with metrics.jsonl")->required()->type_name("RUN");
  command->add_option("-o,--out", arguments->out, "where to write (default: RUN/curves.svg)")->type_name("FILE.svg");
  command->add_option("--title", arguments->title, "the picture's title (default: the run's name)");
  command->footer(
      "Works on a run in progress too. The file follows the reader's light or dark scheme.\n"
      "Examples:\n"
      "  minke curves out/tiny\n"
      "  minke curves out/tiny --out docs/curves.svg --title 'tiny: 4M tokens on two cores'");
  command->callback([arguments] { run_curves(*arguments); });
}

}  // namespace minke
