// minke plan: what a run will take, before it starts.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/plan.h"
#include "train/memory_plan.h"

namespace minke {
namespace {

struct PlanFlags {
  std::string config;
  bool json = false;
};

void print_memory(const PlanFlags& f) {
  const std::string text = read_file(f.config);
  const MemoryPlan plan = plan_memory(ModelConfig::from_toml(text, f.config), RunConfig::from_toml(text, f.config));
  if (f.json) {
    nlohmann::ordered_json kinds = nlohmann::ordered_json::object();
    for (const auto& [kind, bytes] : plan.by_kind) kinds[kind] = bytes;
    const nlohmann::ordered_json out = {{"peak_bytes", plan.peak_bytes}, {"by_kind", kinds}, {"threads", thread_count()}, {"machine_bytes", memory_bytes()}};
    std::printf("%s\n", out.dump().c_str());
    return;
  }
  const auto mib = [](int64_t bytes) { return double(bytes) / (1 << 20); };
  for (const auto& [kind, bytes] : plan.by_kind) std::printf("%-16s %12.1f MiB  %5.1f%%\n", kind.c_str(), mib(bytes), 100 * double(bytes) / double(plan.peak_bytes));
  std::printf("%-16s %12.1f MiB  of %.0f MiB here%s\n", "peak", mib(plan.peak_bytes), mib(memory_bytes()),
              plan.peak_bytes > memory_bytes() ? ": too much; fewer micro_batch_sequences, bf16 moments or a smaller model take less" : "");
}

}  // namespace

void add_plan(CLI::App& app) {
  auto* c = app.add_subcommand("plan", "what a run will take, before it starts");
  c->require_subcommand(1);
  auto* memory = c->add_subcommand("memory", "peak memory of a training run by kind, in MiB");
  auto f = std::make_shared<PlanFlags>();
  memory->add_option("config", f->config, "TOML, as minke train reads it; no data is opened")->required();
  memory->add_flag("--json", f->json, "one JSON object: peak_bytes, by_kind");
  memory->footer(
      "The step's own code says what it takes, run without computing. activations: what the forward keeps for the backward; workspace: the\n"
      "rest of a pass and the threads' scratch; packed_weights: for the products, both ways. Not counted: the program itself, the\n"
      "tokenizer, and text packed in memory (about 2 bytes a token).\n"
      "Example:\n  minke plan memory configs/small.toml");
  memory->callback([f] { print_memory(*f); });
}

}  // namespace minke
