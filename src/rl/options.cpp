#include "rl/options.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/hash.h"
#include "reason/pace.h"
#include "reason/tasks/task.h"

namespace minke {
namespace {

constexpr int64_t kMany = int64_t(1) << 40;
const std::vector<std::string_view> kFormats = {"bf16", "f32"};

RlTask read_task(Fields f) {
  RlTask t;
  t.name = f.text("name");
  t.level = int(f.integer("level", 0, 1000, t.level));
  t.weight = f.number("weight", 0, 1e6, t.weight);
  t.data = f.text("data", t.data);
  t.skip_bad = f.boolean("skip_bad", t.skip_bad);
  f.reject_unknown();
  return t;
}

RewardOptions read_reward(Fields f) {
  RewardOptions r;
  const std::vector<std::string_view> kinds = {"task", "command", "random"};
  r.kind = RewardKind(f.choice("kind", kinds, f.has("command") ? 1 : 0));
  r.right = f.number("right", -100, 100, r.right);
  r.abstain = f.number("abstain", -100, 100, r.abstain);
  r.wrong = f.number("wrong", -100, 100, r.wrong);
  r.wrong_limit = f.number("wrong_limit", 0, 100, r.wrong_limit);
  r.format = f.number("format", 0, 100, r.format);
  r.command = f.text("command", r.command);
  r.command_timeout = f.number("command_timeout", 0.01, 1e5, r.command_timeout);
  f.reject_unknown();
  return r;
}

RlOptions read_rl(Fields f) {
  RlOptions r;
  GrpoOptions& g = r.grpo;
  for (const char* key : {"top_p", "top_k", "min_p"})
    if (f.has(key))
      f.fail_at(key, "nothing: a truncated draw is not the policy's, its log-probabilities would lie to the update; temperature alone may be set");
  const auto whole = [&f](const char* key, int64_t& field, int64_t low, int64_t high = kMany) { field = f.integer(key, low, high, field); };
  const auto number = [&f](const char* key, double& field, double low, double high) { field = f.number(key, low, high, field); };

  g = grpo_preset(f.text("preset", "drgrpo"));
  whole("prompts", g.prompts, 1, 1 << 20);
  whole("samples", g.samples, 2, 1 << 20);
  whole("minibatches", g.minibatches, 1, 1 << 20);
  const std::vector<std::string_view> estimators = {"none", "k1", "k2", "k3"}, norms = {"sequence", "token", "constant"}, overlong = {"none", "filter", "soft"};
  g.kl = KlEstimator(f.choice("kl", estimators, size_t(g.kl)));
  if (g.kl == KlEstimator::kNone && f.has("kl")) g.beta = 0, g.reference_every = 0;  // "none" takes a preset's whole term away
  number("beta", g.beta, 0, 100);
  whole("reference_every", g.reference_every, 0);
  number("clip_low", g.clip_low, 0, 1e6);
  number("clip_high", g.clip_high, 0, 1e6);
  number("clip_dual", g.clip_dual, 0, 1e6);
  g.normalisation = Normalisation(f.choice("normalisation", norms, size_t(g.normalisation)));
  g.divide_by_std = f.boolean("divide_by_std", g.divide_by_std);
  g.dynamic_sampling = f.boolean("dynamic_sampling", g.dynamic_sampling);
  whole("max_rounds", g.max_rounds, 1, 1000);
  g.overlong = Overlong(f.choice("overlong", overlong, size_t(g.overlong)));

  whole("think_min", r.limits.think_min, 1, 1 << 24);
  whole("think_max", r.limits.think_max, 1, 1 << 24);
  whole("answer_tokens", r.limits.answer_tokens, 1, 1 << 24);
  g.max_tokens = r.limits.max_completion();
  g.overlong_tokens = f.integer("overlong_tokens", 1, kMany, g.overlong == Overlong::kSoft ? g.max_tokens / 5 : 0);
  number("temperature", r.temperature, 0.01, 10);
  number("thinking_off", r.thinking_off, 0, 1);
  number("paced", r.paced, 0, 1);
  r.pace = f.text("pace", r.pace);
  if (!r.pace.empty() && r.paced == 0) f.fail_at("pace", "nothing without paced above 0");
  const std::vector<std::string_view> curricula = {"even", "pass_rate"};
  r.curriculum = CurriculumKind(f.choice("curriculum", curricula, 0));
  if (r.curriculum == CurriculumKind::kEven && f.has("curriculum_floor")) f.fail_at("curriculum_floor", "nothing without curriculum = \"pass_rate\"");
  number("curriculum_floor", r.curriculum_floor, 0.001, 1);
  r.seed = uint64_t(f.integer("seed", 0, INT64_MAX, int64_t(r.seed)));
  std::vector<std::string_view> precisions = {"auto"};
  for (const Recipe& recipe : recipes()) precisions.push_back(recipe.name);
  r.precision = precisions[f.choice("precision", precisions, 0)];
  const std::vector<std::string_view> caches = {"expanded", "latent"};
  r.cache = CacheForm(f.choice("cache", caches, size_t(r.cache)));
  whole("cache_mib", r.cache_mib, 0, int64_t(1) << 24);

  number("lr", r.lr, 0, 10);
  whole("warmup_steps", r.warmup_steps, 0);
  whole("decay_steps", r.decay_steps, 0);
  number("lr_final", r.lr_final, 0, 10);
  number("beta1", r.adamw.beta1, 0, 0.99999);
  number("beta2", r.adamw.beta2, 0, 0.99999);
  number("eps", r.adamw.eps, 1e-30, 1);
  number("weight_decay", r.adamw.weight_decay, 0, 10);
  number("clip", r.adamw.clip, 0, 1e9);
  r.adamw.moments = kFormats[f.choice("moments", kFormats, 1)];
  whole("max_skipped", r.adamw.max_skipped, 1);
  number("mtp_lambda", r.mtp_lambda, 0, 10);
  number("gamma", r.gamma, 0, 1);
  whole("rows_per_pass", r.rows_per_pass, 1, 1 << 24);
  whole("steps", r.steps, 0);
  number("minutes", r.minutes, 0, 1e7);
  whole("patience", r.patience, 1);
  number("mastered", r.mastered, 0, 1);
  f.reject_unknown();
  return r;
}

RlRunOptions read_run(Fields f) {
  RlRunOptions r;
  read_run_folder(f, r);
  r.eval_problems = f.integer("eval_problems", 1, kMany, r.eval_problems);
  r.eval_samples = f.integer("eval_samples", 1, 1024, r.eval_samples);
  const std::vector<std::string_view> splits = {"test", "calibration"};
  r.eval_split = splits[f.choice("eval_split", splits, 1)];
  r.eval_temperature = f.number("eval_temperature", 0, 100, r.eval_temperature);
  r.eval_top_p = f.number("eval_top_p", 1e-6, 1, r.eval_top_p);
  r.show_seconds = f.number("show_seconds", 0, 1e7, r.show_seconds);
  f.reject_unknown();
  return r;
}

// [task] is one, [[tasks]] are several.
std::vector<RlTask> read_tasks(const nlohmann::ordered_json& file, const std::string& path) {
  std::vector<RlTask> out;
  if (const auto it = file.find("task"); it != file.end()) {
    if (!it->is_object()) fail("{}: task must be a section, written [task]", path);
    out.push_back(read_task(Fields(*it, path + ": [task] ")));
  }
  if (const auto it = file.find("tasks"); it != file.end()) {
    if (!it->is_array()) fail("{}: tasks must be a list of sections, each written [[tasks]]", path);
    for (const auto& item : *it) {
      if (!item.is_object()) fail("{}: tasks must be a list of sections, each written [[tasks]]", path);
      out.push_back(read_task(Fields(item, fmt::format("{}: [[tasks]] number {} ", path, out.size() + 1))));
    }
  }
  return out;
}

}  // namespace

RlOptions::RlOptions() {
  adamw.weight_decay = 0;  // the model came trained: nothing is to be pulled to zero
  adamw.moments = "f32";
  grpo.max_tokens = limits.max_completion();
}

PolicyStepOptions RlOptions::policy_step() const {
  PolicyStepOptions o;
  o.grpo = grpo;
  o.grpo.max_tokens = limits.max_completion();
  o.temperature = temperature;
  o.mtp_lambda = mtp_lambda;
  o.gamma = gamma;
  o.rows_per_pass = rows_per_pass;
  o.adamw = adamw;
  return o;
}

double RlOptions::lr_at(int64_t step) const {
  if (step < warmup_steps) return lr * double(step + 1) / double(warmup_steps);
  if (decay_steps == 0) return lr;
  const double done = std::min(1.0, double(step - warmup_steps) / double(decay_steps));
  return lr + (lr_final - lr) * done;
}

RlConfig RlConfig::from_toml(std::string_view text, const std::string& path) {
  const nlohmann::ordered_json file = parse_toml(text, path);
  for (const auto& [key, value] : file.items()) {
    if (key == "task" || key == "tasks") continue;
    if (key != "model" && key != "reward" && key != "rl" && key != "run")
      fail("{}: unknown section or key \"{}\"; expected [model], [task] or [[tasks]], [reward], [rl] and [run]", path, key);
    if (!value.is_object()) fail("{}: {} must be a section, written [{}]", path, key, key);
  }
  const nlohmann::ordered_json empty = nlohmann::ordered_json::object();
  const auto section = [&](const char* name) {
    const auto it = file.find(name);
    return Fields(it == file.end() ? empty : *it, fmt::format("{}: [{}] ", path, name));
  };
  RlConfig c;
  Fields model = section("model");
  c.model = model.text("folder", "");
  c.tokenizer = model.text("tokenizer", "");
  model.reject_unknown();
  c.tasks = read_tasks(file, path);
  c.reward = read_reward(section("reward"));
  c.rl = read_rl(section("rl"));
  c.run = read_run(section("run"));
  c.validate(path + ": ");
  return c;
}

void RlConfig::validate(const std::string& where) const {
  if (tasks.empty()) fail("{}what to learn? Add a section [task] with a name, like \"countdown-a3\"", where);
  double weight = 0;
  for (const RlTask& t : tasks) weight += t.weight;
  if (!(weight > 0)) fail("{}[[tasks]] weight: at least one must be above 0", where);
  if (rl.limits.think_min > rl.limits.think_max)
    fail("{}[rl] think_min: expected at most think_max, {}, found {}", where, rl.limits.think_max, rl.limits.think_min);
  if (rl.precision != "auto" && !recipe_named(rl.precision).row_alone)
    fail("{}[rl] precision: {}'s scales are of whole tensors, so a rollout's log-probabilities would depend on the rows beside it and differ from "
         "training's; expected fp8, bf16 or f32", where, rl.precision);
  if (!rl.pace.empty()) find_pace(rl.pace, where + "[rl] pace");
  minke::validate(rl.policy_step().grpo, where + "[rl] ");
  if (reward.kind == RewardKind::kCommand && reward.command.empty()) fail("{}[reward] command: expected the grader to run, found nothing", where);
  if (reward.kind != RewardKind::kCommand && !reward.command.empty()) fail("{}[reward] command is given, but kind is not \"command\"", where);
  if (!(reward.right > reward.wrong)) fail("{}[reward] right: expected more than wrong, {}, found {}", where, reward.wrong, reward.right);
  if (reward.abstain > reward.right) fail("{}[reward] abstain: expected at most right, {}, found {}", where, reward.right, reward.abstain);
}

std::string RlConfig::fingerprint() const {
  std::string text = "rl";
  const auto add = [&text](const auto& value) { text += fmt::format("|{}", value); };
  add(model), add(tokenizer);
  for (const RlTask& t : tasks) add(t.name), add(t.level), add(t.weight), add(t.data), add(t.skip_bad);
  add(int(reward.kind)), add(reward.right), add(reward.abstain), add(reward.wrong), add(reward.wrong_limit), add(reward.format), add(reward.command);
  const GrpoOptions& g = rl.grpo;
  add(g.prompts), add(g.samples), add(g.minibatches), add(int(g.kl)), add(g.beta), add(g.reference_every), add(g.clip_low), add(g.clip_high);
  add(g.clip_dual), add(int(g.normalisation)), add(g.divide_by_std), add(g.dynamic_sampling), add(g.max_rounds), add(int(g.overlong));
  add(g.overlong_tokens), add(rl.limits.think_min), add(rl.limits.think_max), add(rl.limits.answer_tokens), add(rl.temperature);
  add(rl.thinking_off), add(rl.seed), add(rl.precision), add(rl.lr), add(rl.warmup_steps), add(rl.decay_steps), add(rl.lr_final);
  add(rl.adamw.beta1), add(rl.adamw.beta2), add(rl.adamw.eps), add(rl.adamw.weight_decay), add(rl.adamw.clip), add(rl.adamw.moments);
  add(rl.mtp_lambda), add(rl.gamma), add(rl.rows_per_pass);
  if (rl.curriculum != CurriculumKind::kEven) add("pass_rate"), add(rl.curriculum_floor);
  if (rl.cache == CacheForm::kLatent) add("latent");
  if (rl.paced > 0) add("paced"), add(rl.paced), add(rl.pace);
  return fmt::format("{:016x}", xxh3_64(text));
}

}  // namespace minke
