#include "train/options.h"

#include <functional>
#include <map>
#include <toml++/toml.h>

#include "base/error.h"

namespace minke {
namespace {

// One key of a section: how its value is read and what it must be.
struct Key {
  std::function<bool(const toml::node&)> read;  // false: the wrong kind or out of range
  const char* expected;
};
using Section = std::map<std::string, Key>;

Key number(double& field, double low, double high, const char* expected) {
  return {[&field, low, high](const toml::node& n) {
            const auto v = n.value<double>();
            if (!v || !(*v >= low && *v <= high)) return false;
            field = *v;
            return true;
          },
          expected};
}

Key whole(int64_t& field, int64_t low, const char* expected) {
  return {[&field, low](const toml::node& n) {
            if (!n.is_integer() || n.as_integer()->get() < low) return false;
            field = n.as_integer()->get();
            return true;
          },
          expected};
}

Key text(std::string& field, const char* expected) {
  return {[&field](const toml::node& n) {
            if (!n.is_string() || n.as_string()->get().empty()) return false;
            field = n.as_string()->get();
            return true;
          },
          expected};
}

Key one_of(std::string& field, std::vector<std::string> allowed, const char* expected) {
  return {[&field, allowed](const toml::node& n) {
            const auto v = n.value<std::string>();
            for (const std::string& a : allowed)
              if (v && *v == a) {
                field = a;
                return true;
              }
            return false;
          },
          expected};
}

Key flag(bool& field) {
  return {[&field](const toml::node& n) {
            if (!n.is_boolean()) return false;
            field = n.as_boolean()->get();
            return true;
          },
          "true or false"};
}

Key paths(std::vector<std::string>& field) {
  return {[&field](const toml::node& n) {
            if (!n.is_array()) return false;
            field.clear();
            for (const toml::node& item : *n.as_array()) {
              if (!item.is_string()) return false;
              field.push_back(item.as_string()->get());
            }
            return true;
          },
          "a list of paths, like [\"data/books\"]"};
}

void read_section(const toml::table& root, const char* name, const Section& keys, const std::string& path) {
  const toml::node* node = root.get(name);
  if (!node) return;
  const toml::table* table = node->as_table();
  if (!table) fail("{}: {} must be a section, written [{}]", path, name, name);
  for (const auto& [key, value] : *table) {
    const auto it = keys.find(std::string(key.str()));
    if (it == keys.end()) {
      std::string known;
      for (const auto& [k, ignored] : keys) known += (known.empty() ? "" : ", ") + k;
      fail("{}:{}: [{}] has no key \"{}\"; known: {}", path, value.source().begin.line, name, key.str(), known);
    }
    if (!it->second.read(value)) fail("{}:{}: [{}] {}: expected {}", path, value.source().begin.line, name, key.str(), it->second.expected);
  }
}

}  // namespace

DType TrainOptions::compute() const { return *dtype_by_name(precision); }
DType TrainOptions::moment_dtype() const { return *dtype_by_name(moments); }

RunConfig RunConfig::from_toml(std::string_view source, const std::string& path) {
  toml::table root;
  try {
    root = toml::parse(source, path);
  } catch (const toml::parse_error& e) {
    fail("{}:{}:{}: not TOML: {}", path, e.source().begin.line, e.source().begin.column, e.description());
  }
  for (const auto& [key, value] : root)
    if (key != "model" && key != "data" && key != "train" && key != "run")
      fail("{}:{}: unknown section or key \"{}\"; expected [model], [data], [train], [run]", path, value.source().begin.line, key.str());

  RunConfig c;
  DataOptions& d = c.data;
  read_section(root, "data",
               {{"tokenizer", text(d.tokenizer, "the folder of a tokenizer.json")},
                {"text", paths(d.text)},
                {"held_out", paths(d.held_out)},
                {"problem_weight", number(d.problem_weight, 0, 1, "a share from 0 to 1")},
                {"mask_segments", flag(d.mask_segments)}},
               path);
  TrainOptions& t = c.train;
  int64_t seed = int64_t(t.seed);
  const char* share = "a share of the budget from 0 to 1";
  read_section(root, "train",
               {{"tokens", whole(t.tokens, 0, "a whole number of tokens, or 0 to go by minutes")},
                {"minutes", number(t.minutes, 0, 1e7, "minutes, or 0 to go by tokens")},
                {"sequence_length", whole(t.sequence_length, 1, "at least 1")},
                {"batch_sequences", whole(t.batch_sequences, 1, "at least 1")},
                {"micro_batch_sequences", whole(t.micro_batch_sequences, 0, "0 (the whole batch) or more")},
                {"precision", one_of(t.precision, {"bf16", "f32"}, "\"bf16\" or \"f32\"")},
                {"moments", one_of(t.moments, {"bf16", "f32"}, "\"bf16\" or \"f32\"")},
                {"seed", whole(seed, 0, "0 or more")},
                {"lr", number(t.lr, 0, 10, "0 to 10")},
                {"lr_final", number(t.lr_final, 0, 10, "0 to 10")},
                {"warmup", number(t.warmup, 0, 1, share)},
                {"decay_from", number(t.decay_from, 0, 1, share)},
                {"beta1", number(t.beta1, 0, 0.99999, "0 up to 0.99999")},
                {"beta2", number(t.beta2, 0, 0.99999, "0 up to 0.99999")},
                {"eps", number(t.eps, 1e-30, 1, "more than 0")},
                {"weight_decay", number(t.weight_decay, 0, 10, "0 to 10")},
                {"clip", number(t.clip, 0, 1e9, "0 (off) or the largest gradient norm")},
                {"gamma", number(t.gamma, 0, 1, "0 (off) to 1")},
                {"gamma_decay_from", number(t.gamma_decay_from, 0, 1, share)},
                {"gamma_until", number(t.gamma_until, 0, 1, share)},
                {"balance_alpha", number(t.balance_alpha, 0, 10, "0 (off) to 10")},
                {"mtp_lambda", number(t.mtp_lambda, 0, 10, "0 to 10")},
                {"mtp_lambda_final", number(t.mtp_lambda_final, 0, 10, "0 to 10")},
                {"mtp_switch", number(t.mtp_switch, 0, 1, share)},
                {"max_skipped", whole(t.max_skipped, 1, "at least 1")}},
               path);
  t.seed = uint64_t(seed);
  if (t.gamma_decay_from > t.gamma_until) fail("{}: [train] gamma_decay_from {} is past gamma_until {}", path, t.gamma_decay_from, t.gamma_until);
  RunOptions& r = c.run;
  read_section(root, "run",
               {{"out", text(r.out, "a folder to write")},
                {"checkpoint_every", whole(r.checkpoint_every, 0, "steps, or 0 to go by checkpoint_minutes")},
                {"checkpoint_minutes", number(r.checkpoint_minutes, 0.01, 1e6, "more than 0.01")},
                {"keep_checkpoints", whole(r.keep_checkpoints, 1, "at least 1")},
                {"eval_every", whole(r.eval_every, 0, "steps, or 0 to go by eval_seconds")},
                {"eval_seconds", number(r.eval_seconds, 1, 1e7, "at least 1")},
                {"eval_tokens", whole(r.eval_tokens, 1, "at least 1")},
                {"price_per_core_hour", number(r.price_per_core_hour, 0, 1e6, "US dollars")}},
               path);
  return c;
}

}  // namespace minke
