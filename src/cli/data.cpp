#include <cstdio>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli/commands.h"
#include "data/pack.h"
#include "reason/cold_start.h"
#include "reason/tasks/task.h"

namespace minke {
namespace {

struct ProblemsOptions {
  std::vector<std::string> tasks;
  std::string split = "train", form = "problems";
  int level = 0;
  int64_t n = 10, full_budget = 256;
  uint64_t seed = 1;
};

nlohmann::ordered_json problem_line(const Problem& p) {
  nlohmann::ordered_json line = {{"id", p.id},     {"family", p.family}, {"level", p.level}, {"prompt", p.prompt},
                                 {"gold", p.gold}, {"canonical_key", p.canonical_key}, {"text", p.text}};
  if (!p.group.empty()) line["group"] = p.group;
  return line;
}

// The example's chances follow from the seed and the problem alone, whatever tasks stand beside it.
nlohmann::ordered_json cold_start_line(const Problem& p, uint64_t seed) {
  Rng rng(seed, xxh3_64("cold-start/" + p.id));
  return {{"prompt", p.prompt}, {"completion", cold_start_completion(cold_start(p, rng))}};
}

// The same for a model with a dial: the pace is a system message.
nlohmann::ordered_json paced_line(const Problem& p, const ProblemsOptions& o) {
  Rng rng(o.seed, xxh3_64("paced/" + p.id));
  const ColdStart e = paced_start(p, o.full_budget, rng);
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  if (!e.system.empty()) messages.push_back({{"role", "system"}, {"content", e.system}});
  messages.push_back({{"role", "user"}, {"content", e.prompt}});
  messages.push_back({{"role", "assistant"}, {"content", cold_start_completion(e)}});
  return {{"messages", messages}};
}

// The first `n` of a stream that pacing keeps.
std::vector<Problem> draw_paced(const Family& family, const ProblemsOptions& o, Split split, int64_t n) {
  std::vector<Problem> kept;
  for (uint64_t i = 0; int64_t(kept.size()) < n; ++i) {
    Problem p = draw_problem(family, o.level, split, o.seed, i);
    Rng rng(o.seed, xxh3_64("keep/" + p.id));
    if (keep_for_pacing(p, rng)) kept.push_back(std::move(p));
  }
  return kept;
}

void print_problems(const ProblemsOptions& o) {
  const Split split = parse_split(o.split);
  if (o.form != "problems" && split == Split::kTest)
    usage_fail("--form {} is for training and calibration; test problems are for evaluation alone", o.form);
  std::vector<const Family*> tasks;
  for (const std::string& name : o.tasks) tasks.push_back(&find_family(name));
  const int64_t count = int64_t(tasks.size());
  std::vector<std::vector<Problem>> drawn;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t n = (o.n + count - 1 - i) / count;
    drawn.push_back(o.form == "paced" ? draw_paced(*tasks[size_t(i)], o, split, n) : draw_problems(*tasks[size_t(i)], o.level, split, o.seed, n));
  }
  for (int64_t i = 0; i < o.n; ++i) {
    const Problem& p = drawn[size_t(i % count)][size_t(i / count)];
    std::printf("%s\n", (o.form == "cold-start" ? cold_start_line(p, o.seed) : o.form == "paced" ? paced_line(p, o) : problem_line(p)).dump().c_str());
  }
}

void add_problems(CLI::App& data) {
  auto* command = data.add_subcommand("problems", "writes generated problems as JSON lines");
  auto o = std::make_shared<ProblemsOptions>();
  command->add_option("tasks", o->tasks, "families, e.g. countdown-a3; several take turns")->required();
  command->add_option("--level", o->level, "one level; without it all in turn")->check(CLI::Range(1, 1000));
  command->add_option("--split", o->split, "train, calibration or test")->required();
  command->add_option("--n", o->n, "how many in all")->required()->check(CLI::Range(int64_t(1), int64_t(1) << 40));
  command->add_option("--seed", o->seed, "which ones")->required();
  command->add_option("--form", o->form, "problems; cold-start: prompt and completion for `minke sft`; paced: the same for a model with an effort dial")
      ->check(CLI::IsMember({"problems", "cold-start", "paced"}))
      ->capture_default_str();
  command->add_option("--full-budget", o->full_budget, "of --form paced: tokens of thinking at effort high")->check(CLI::Range(64, 1 << 20))->capture_default_str();
  std::string footer = "Tasks:\n";
  for (const Family& family : families())
    footer += fmt::format("  {:<15} {} (levels {}-{})\n", family.name, family.about, family.min_level, family.max_level);
  command->footer(footer +
                  "Examples:\n"
                  "  minke data problems expressions-b3 --level 4 --split test --n 512 --seed 1 > test.jsonl\n"
                  "  minke data problems countdown-a3 words --split train --n 10000 --seed 1 --form cold-start > cold.jsonl");
  command->callback([o] { print_problems(*o); });
}

struct PackOptions {
  std::string tokenizer, out, kind = "prose";
  std::vector<std::string> inputs;
};

void pack(const PackOptions& o) {
  const TextKind kind = parse_text_kind(o.kind);
  const Tokenizer tokenizer = Tokenizer::load(o.tokenizer);
  AtomicFile file(o.out);
  ShardWriter writer(tokenizer, [&](const void* data, size_t bytes) { file.write(data, bytes); });
  pack_text(writer, tokenizer, o.inputs, kind);
  writer.finish();
  file.commit();
  std::printf("%s: %llu documents, %llu tokens, %.3f bytes a token\n", o.out.c_str(), (unsigned long long)(writer.documents()),
              (unsigned long long)(writer.tokens()), double(writer.source_bytes()) / double(writer.tokens()));
}

void add_pack(CLI::App& data) {
  auto* command = data.add_subcommand("pack", "encodes text once, into a shard that training maps");
  auto o = std::make_shared<PackOptions>();
  command->add_option("inputs", o->inputs, ".txt, .jsonl with \"text\", these as .gz or .zst, folders of them")->required();
  command->add_option("--tokenizer", o->tokenizer, "a model folder or a tokenizer.json")->required();
  command->add_option("--out", o->out, "the shard; replaced whole or not at all")->required();
  command->add_option("--kind", o->kind, "prose or problems: what kind of text this is, stored with each document")->capture_default_str();
  command->footer("Example:\n  minke data pack --tokenizer tokenizer --out out/books.minke data/books/train");
  command->callback([o] { pack(*o); });
}

struct ShowOptions {
  std::string file, tokenizer;
  int64_t documents = 0;
  bool json = false;
};

void show(const ShowOptions& o) {
  const auto shard = Shard::open(o.file);
  uint64_t of_kind[kTextKinds] = {};
  for (const ShardDocument& d : shard->documents()) of_kind[int(d.kind)] += d.source_bytes;
  nlohmann::ordered_json info = {{"file", o.file},
                                 {"file_bytes", shard->size()},
                                 {"documents", shard->documents().size()},
                                 {"tokens", shard->tokens()},
                                 {"source_bytes", shard->source_bytes()},
                                 {"prose_bytes", of_kind[0]},
                                 {"problems_bytes", of_kind[1]},
                                 {"bytes_per_token", double(shard->source_bytes()) / double(shard->tokens())},
                                 {"vocab_size", shard->vocab_size()},
                                 {"bytes_of_a_token", shard->token_bytes()},
                                 {"tokenizer", fmt::format("{:016x}", shard->tokenizer())},
                                 {"sources", shard->sources().size()}};
  if (o.json) {
    std::printf("%s\n", info.dump().c_str());
  } else {
    for (auto& [key, value] : info.items()) std::printf("%-16s %s\n", key.c_str(), value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  }
  if (o.documents == 0) return;
  if (o.tokenizer.empty()) usage_fail("--documents needs --tokenizer to read the ids");
  const Tokenizer tokenizer = Tokenizer::load(o.tokenizer);
  if (tokenizer_hash(tokenizer) != shard->tokenizer()) fail("{}: packed with another tokenizer than {}", o.file, o.tokenizer);
  const auto& documents = shard->documents();
  for (size_t i = 0; i < documents.size() && int64_t(i) < o.documents; ++i) {
    const uint64_t first = documents[i].first_token, end = i + 1 < documents.size() ? documents[i + 1].first_token : shard->tokens();
    std::vector<int32_t> ids(size_t(std::min<uint64_t>(end - first, 200)));
    shard->copy(first, ids.size(), ids.data());
    std::printf("\n[%zu] %s, %s, %llu tokens\n%s%s\n", i, shard->sources()[documents[i].source].c_str(), text_kind_name(documents[i].kind),
                (unsigned long long)(end - first), tokenizer.decode(ids).c_str(), end - first > ids.size() ? " ..." : "");
  }
}

void add_show(CLI::App& data) {
  auto* command = data.add_subcommand("show", "checks a shard and says what is in it");
  auto o = std::make_shared<ShowOptions>();
  command->add_option("file", o->file, "a shard")->required();
  command->add_option("--documents", o->documents, "also print the start of the first N documents")->check(CLI::NonNegativeNumber);
  command->add_option("--tokenizer", o->tokenizer, "for --documents");
  command->add_flag("--json", o->json, "one JSON object");
  command->footer("Example:\n  minke data show out/books.minke --documents 2 --tokenizer tokenizer");
  command->callback([o] { show(*o); });
}

}  // namespace

void add_data(CLI::App& app) {
  auto* data = app.add_subcommand("data", "text and problems: generate, pack, show");
  data->require_subcommand(1);
  add_problems(*data);
  add_pack(*data);
  add_show(*data);
}

}  // namespace minke
