#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/run_folder.h"
#include "report/page.h"

namespace minke {
namespace {

struct Arguments {
  std::vector<std::string> runs;
  std::string out = "report.html", title = "Minke: what was trained, and what it cost";
  double price = 0.02;
};

void run_report(const Arguments& arguments) {
  std::vector<ReportedRun> runs;
  std::vector<ReportedDial> dials;
  for (const std::string& folder : arguments.runs) {
    if (std::filesystem::is_regular_file(folder)) {
      const MappedFile file(folder);
      dials.push_back({folder, parse_dial_curves(file.text(), folder)});
      continue;
    }
    std::string name = std::filesystem::path(folder).lexically_normal().string();
    if (name.size() > 1 && name.ends_with('/')) name.pop_back();
    runs.push_back({std::move(name), read_run(folder)});
  }
  const std::string page = report_page(arguments.title, runs, dials, arguments.price);
  write_file_atomic(arguments.out, page);
  std::printf("%s: %zu %s, %.0f kB\n", arguments.out.c_str(), runs.size(), runs.size() == 1 ? "run" : "runs", double(page.size()) / 1000);
}

}  // namespace

void add_report(CLI::App& app) {
  auto* command = app.add_subcommand("report", "runs of train, sft, rl or learn as one HTML page, with their bill");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("runs", arguments->runs, "folders of runs, with metrics.jsonl, and files of `minke dial curve --json`")->required()->type_name("RUN|DIAL.jsonl");
  command->add_option("-o,--out", arguments->out, "where to write")->type_name("FILE.html")->capture_default_str();
  command->add_option("--title", arguments->title, "the page's title")->capture_default_str();
  command->add_option("--price", arguments->price, "US dollars per core-hour")->check(CLI::NonNegativeNumber)->capture_default_str();
  command->footer(
      "The panels of `minke curves`, held-out accuracy before and after by level, time and money, run after run. One file without scripts or\n"
      "links, light or dark as its reader is, narrow enough for a telephone. Works on runs in progress too. docs/report.md says what is in it.\n"
      "Examples:\n"
      "  minke report out/learn\n"
      "  minke report out/tiny-base out/learn out/dial.jsonl --out tour.html");
  command->callback([arguments] { run_report(*arguments); });
}

}  // namespace minke
