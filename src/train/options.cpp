#include "train/options.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"

namespace minke {
namespace {

constexpr int64_t kMany = int64_t(1) << 40;

std::vector<std::string> paths(Fields& f, const char* key) {
  std::vector<std::string> out;
  const nlohmann::ordered_json* list = f.raw(key);
  if (!list) return out;
  if (!list->is_array()) f.fail_at(key, "a list of paths, like [\"data/books/train\"]");
  for (const auto& item : *list) {
    if (!item.is_string() || item.get<std::string>().empty()) f.fail_at(key, "a list of paths, like [\"data/books/train\"]");
    out.push_back(item.get<std::string>());
  }
  return out;
}

// problem_shares = [facts, chains, programs, instructions], problem_chains = ["task weight [levels]", ...]
MixWeights problem_mix(Fields& f) {
  MixWeights mix;
  const std::string four = fmt::format("{} shares from 0, like [20, 20, 10, 10]: facts, chains, programs, instructions", kMixForms);
  if (const nlohmann::ordered_json* shares = f.raw("problem_shares")) {
    if (!shares->is_array() || shares->size() != size_t(kMixForms)) f.fail_at("problem_shares", four);
    for (int i = 0; i < kMixForms; ++i) {
      const auto& share = (*shares)[size_t(i)];
      if (!share.is_number() || !(share.get<double>() >= 0)) f.fail_at("problem_shares", four);
      mix.share[i] = share.get<double>();
    }
  }
  const char* kChains = "a list like [\"countdown-a3 0.5\", \"expressions-b3 0.5 2-5\"]: task, weight, levels";
  if (const nlohmann::ordered_json* chains = f.raw("problem_chains")) {
    if (!chains->is_array()) f.fail_at("problem_chains", kChains);
    for (const auto& chain : *chains) {
      if (!chain.is_string()) f.fail_at("problem_chains", kChains);
      try {
        mix.chains.push_back(parse_chain_weight(chain.get<std::string>()));
      } catch (const UsageError& e) {
        fail("{}problem_chains: {}", f.where(), e.what());
      }
    }
  }
  return mix;
}

DataOptions read_data(Fields f, DataOptions d) {
  d.tokenizer = f.text("tokenizer", d.tokenizer);
  d.text = paths(f, "text");
  d.held_out = paths(f, "held_out");
  d.problem_weight = f.number("problem_weight", 0, 1, d.problem_weight);
  d.problem_mix = problem_mix(f);
  d.mask_segments = f.boolean("mask_segments", d.mask_segments);
  d.chat = paths(f, "chat");
  d.held_out_share = f.number("held_out_share", 0, 0.9, d.held_out_share);
  const std::vector<std::string_view> ways = {"error", "truncate", "drop"};
  d.long_examples = ways[f.choice("long_examples", ways, 0)];
  if (!d.chat.empty() && (!d.text.empty() || d.problem_weight > 0)) f.fail_at("chat", "conversations alone, without text or problem_weight");
  f.reject_unknown();
  return d;
}

TrainOptions read_train(Fields f, TrainOptions t) {
  const auto whole = [&f](const char* key, int64_t& field, int64_t low) { field = f.integer(key, low, kMany, field); };
  const auto number = [&f](const char* key, double& field, double low, double high) { field = f.number(key, low, high, field); };
  const auto share = [&number](const char* key, double& field) { number(key, field, 0, 1); };
  const std::vector<std::string_view> formats = {"bf16", "f32"};
  whole("tokens", t.tokens, 0);
  number("minutes", t.minutes, 0, 1e7);
  number("epochs", t.epochs, 0, 1e6);
  t.model = f.text("model", t.model);
  t.mtp_only = f.choice("trainable", {"all", "mtp"}, t.mtp_only) == 1;
  whole("sequence_length", t.sequence_length, 1);
  whole("batch_sequences", t.batch_sequences, 1);
  whole("micro_batch_sequences", t.micro_batch_sequences, 0);
  const auto format = [&](const char* key, std::string& field) { field = formats[f.choice(key, formats, field == "f32")]; };
  std::vector<std::string_view> names;
  size_t own = 0;
  for (const Recipe& r : recipes()) {
    if (t.precision == r.name) own = names.size();
    names.push_back(r.name);
  }
  t.precision = names[f.choice("precision", names, own)];
  format("moments", t.moments);
  t.seed = uint64_t(f.integer("seed", 0, INT64_MAX, int64_t(t.seed)));
  number("lr", t.lr, 0, 10);
  number("lr_final", t.lr_final, 0, 10);
  share("warmup", t.warmup);
  share("decay_from", t.decay_from);
  share("decay_until", t.decay_until);
  number("beta1", t.beta1, 0, 0.99999);
  number("beta2", t.beta2, 0, 0.99999);
  number("eps", t.eps, 1e-30, 1);
  number("weight_decay", t.weight_decay, 0, 10);
  number("clip", t.clip, 0, 1e9);
  number("gamma", t.gamma, 0, 1);
  share("gamma_decay_from", t.gamma_decay_from);
  share("gamma_until", t.gamma_until);
  number("balance_alpha", t.balance_alpha, 0, 10);
  number("mtp_lambda", t.mtp_lambda, 0, 10);
  number("mtp_lambda_final", t.mtp_lambda_final, 0, 10);
  share("mtp_switch", t.mtp_switch);
  whole("max_skipped", t.max_skipped, 1);
  if (t.gamma_decay_from > t.gamma_until) f.fail_at("gamma_decay_from", fmt::format("at most gamma_until, {}", t.gamma_until));
  if (t.decay_from > t.decay_until) f.fail_at("decay_from", fmt::format("at most decay_until, {}", t.decay_until));
  if (t.epochs > 0 && (t.tokens > 0 || t.minutes > 0)) f.fail_at("epochs", "one budget: epochs, tokens or minutes");
  if (t.mtp_only && t.gamma > 0) f.fail_at("gamma", "0 with trainable = \"mtp\": the routers' biases stay");
  if (t.mtp_only && !(t.mtp_lambda > 0 && t.mtp_lambda_final > 0)) f.fail_at("mtp_lambda", "above 0 with trainable = \"mtp\", and mtp_lambda_final too");
  f.reject_unknown();
  return t;
}

RunOptions read_run(Fields f, RunOptions r) {
  read_run_folder(f, r);
  r.eval_tokens = f.integer("eval_tokens", 1, kMany, r.eval_tokens);
  f.reject_unknown();
  return r;
}

}  // namespace

void read_run_folder(Fields& f, RunFolderOptions& r) {
  r.out = f.text("out", r.out);
  r.checkpoint_every = f.integer("checkpoint_every", 0, kMany, r.checkpoint_every);
  r.checkpoint_minutes = f.number("checkpoint_minutes", 0.01, 1e6, r.checkpoint_minutes);
  r.keep_checkpoints = f.integer("keep_checkpoints", 1, kMany, r.keep_checkpoints);
  r.eval_every = f.integer("eval_every", 0, kMany, r.eval_every);
  r.eval_seconds = f.number("eval_seconds", 1, 1e7, r.eval_seconds);
  r.price_per_core_hour = f.number("price_per_core_hour", 0, 1e6, r.price_per_core_hour);
}

const Recipe& TrainOptions::recipe() const { return recipe_named(precision); }
DType TrainOptions::moment_dtype() const { return dtype_named(moments); }

RunConfig RunConfig::from_toml(std::string_view source, const std::string& path) { return from_toml(source, path, {}); }

RunConfig RunConfig::from_toml(std::string_view source, const std::string& path, const RunConfig& defaults) {
  const nlohmann::ordered_json file = parse_toml(source, path);
  for (const auto& [key, value] : file.items()) {
    if (key != "model" && key != "data" && key != "train" && key != "run")
      fail("{}: unknown section or key \"{}\"; expected [model], [data], [train] and [run]", path, key);
    if (!value.is_object()) fail("{}: {} must be a section, written [{}]", path, key, key);
  }
  const nlohmann::ordered_json empty = nlohmann::ordered_json::object();
  const auto section = [&](const char* name) {
    const auto it = file.find(name);
    return Fields(it == file.end() ? empty : *it, fmt::format("{}: [{}] ", path, name));
  };
  return {read_data(section("data"), defaults.data), read_train(section("train"), defaults.train), read_run(section("run"), defaults.run)};
}

}  // namespace minke
