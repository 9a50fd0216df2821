#include <cstdio>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "reason/tasks/task.h"

namespace minke {
namespace {

struct ProblemsOptions {
  std::string task, split = "train";
  int level = 0;
  int64_t n = 10;
  uint64_t seed = 1;
};

void print_problems(const ProblemsOptions& o) {
  for (const Problem& p : draw_problems(find_family(o.task), o.level, parse_split(o.split), o.seed, o.n)) {
    const nlohmann::ordered_json line = {{"id", p.id},     {"family", p.family}, {"level", p.level}, {"prompt", p.prompt},
                                         {"gold", p.gold}, {"canonical_key", p.canonical_key}, {"text", p.text}};
    std::printf("%s\n", line.dump().c_str());
  }
}

void add_problems(CLI::App& data) {
  auto* command = data.add_subcommand("problems", "writes generated problems as JSON lines");
  auto o = std::make_shared<ProblemsOptions>();
  command->add_option("task", o->task, "a family, e.g. countdown-a3")->required();
  command->add_option("--level", o->level, "one level; without it all in turn")->check(CLI::Range(1, 1000));
  command->add_option("--split", o->split, "train, calibration or test")->required();
  command->add_option("--n", o->n, "how many")->required()->check(CLI::Range(int64_t(1), int64_t(1) << 40));
  command->add_option("--seed", o->seed, "which ones")->required();
  std::string footer = "Tasks:\n";
  for (const Family& family : families())
    footer += fmt::format("  {:<15} {} (levels {}-{})\n", family.name, family.about, family.min_level, family.max_level);
  command->footer(footer + "Example:\n  minke data problems expressions-b3 --level 4 --split test --n 512 --seed 1 > test.jsonl");
  command->callback([o] { print_problems(*o); });
}

}  // namespace

void add_data(CLI::App& app) {
  auto* data = app.add_subcommand("data", "text and problems: generate, pack, show");
  data->require_subcommand(1);
  add_problems(*data);
}

}  // namespace minke
