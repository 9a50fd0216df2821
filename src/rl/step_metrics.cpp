#include "rl/step_metrics.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "base/file.h"
#include "model/cost.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

Json number(double x) { return std::isfinite(x) ? Json(x) : Json(); }  // JSON has no NaN

struct Loads {
  double cv = 0;        // mean over layers of std / mean of the experts' loads
  int64_t dead = 0;     // experts no token chose
  double bias_norm = 0;
};

Loads loads_of(const Transformer& model) {
  Loads out;
  int64_t layers = 0;
  for (size_t l = 0; l < model.expert_loads().size(); ++l) {
    const std::vector<int64_t>& loads = model.expert_loads()[l];
    if (!model.router_biases()[l].empty()) {
      const float* bias = model.weights().master(model.router_biases()[l]);
      for (size_t e = 0; e < loads.size(); ++e) out.bias_norm += double(bias[e]) * double(bias[e]);
    }
    const double mean = double(std::accumulate(loads.begin(), loads.end(), int64_t(0))) / double(loads.size());
    if (mean == 0) continue;  // an MTP layer that did not run
    double squares = 0;
    for (const int64_t n : loads) {
      squares += (double(n) - mean) * (double(n) - mean);
      out.dead += n == 0;
    }
    out.cv += std::sqrt(squares / double(loads.size())) / mean;
    ++layers;
  }
  if (layers > 0) out.cv /= double(layers);
  out.bias_norm = std::sqrt(out.bias_norm);
  return out;
}

}  // namespace

RewardSummary summarise(const std::vector<Group>& groups) {
  RewardSummary r;
  double sum = 0, squares = 0, right_tokens = 0, tokens = 0;
  std::map<std::string, std::set<int>> levels;
  for (const Group& g : groups) levels[g.problem.family].insert(g.problem.level);
  for (const Group& g : groups) {
    ++r.groups;
    if (g.ungradable) {
      ++r.ungradable;
      continue;
    }
    const bool all_right = std::all_of(g.judged.begin(), g.judged.end(), [](const JudgedSample& j) { return j.right(); });
    r.zero_right += g.zero_variance && all_right;
    r.zero_wrong += g.zero_variance && !all_right;
    std::set<std::string> votes;
    std::string task = g.problem.family;
    if (levels[g.problem.family].size() > 1) task += fmt::format("/{}", g.problem.level);
    auto& [task_right, task_samples] = r.by_task[task];
    for (size_t i = 0; i < g.samples.size(); ++i) {
      const JudgedSample& j = g.judged[i];
      const RolloutSample& s = g.samples[i];
      const double n = double(s.policy.completion());
      ++r.samples, ++task_samples;
      r.right += j.right(), task_right += j.right();
      r.abstained += j.outcome == Outcome::kAbstained;
      r.no_answer += j.outcome == Outcome::kNoAnswer;
      r.truncated += s.truncated;
      r.cut += s.thinking_cut;
      r.well_formed += j.well_formed;
      sum += j.reward, squares += j.reward * j.reward;
      tokens += n, right_tokens += j.right() ? n : 0;
      r.think += double(s.think_tokens), r.answer += double(s.answer_tokens);
      r.len_max = std::max(r.len_max, s.policy.completion());
      if (!j.vote.empty()) votes.insert(j.vote);
      if (!s.thinking) continue;
      ++r.thoughts;
      r.behaviour += behaviour_of(j.text);
    }
    r.unique_answers += double(votes.size());
  }
  if (r.samples == 0) return r;
  const double n = double(r.samples);
  r.mean = sum / n;
  r.std = std::sqrt(std::max(0.0, squares / n - r.mean * r.mean));
  r.unique_answers /= double(std::max<int64_t>(1, r.groups - r.ungradable));
  r.len = tokens / n, r.think /= n, r.answer /= n;
  r.len_right = r.right ? right_tokens / double(r.right) : 0;
  r.len_wrong = r.right < r.samples ? (tokens - right_tokens) / (n - double(r.right)) : 0;
  return r;
}

Json step_metrics(const RlStepReport& report, const RewardSummary& r, const Transformer& model, const Curriculum* curriculum) {
  const auto share = [](int64_t part, int64_t whole) { return whole ? double(part) / double(whole) : 0.0; };
  const PolicyMetrics& p = report.policy;
  const double tokens = double(std::max<int64_t>(1, p.tokens));
  Json j = Json::object();
  j["reward/mean"] = r.mean;
  j["reward/std"] = r.std;
  j["reward/acc"] = r.accuracy();
  j["reward/format"] = share(r.well_formed, r.samples);
  j["reward/abstain"] = share(r.abstained, r.samples);
  for (const auto& [task, counts] : r.by_task) j["reward/acc/" + task] = share(counts.first, counts.second);
  for (size_t i = 0; curriculum && i < report.shares.size(); ++i) {
    const std::string& level = curriculum->levels()[i].name;
    j["curriculum/share/" + level] = report.shares[i];
    if (std::isfinite(report.pass_rates[i])) j["curriculum/pass/" + level] = report.pass_rates[i];
  }
  j["group/zero_right"] = share(r.zero_right, r.groups);
  j["group/zero_wrong"] = share(r.zero_wrong, r.groups);
  j["group/ungradable"] = r.ungradable;
  j["group/unique_answers"] = r.unique_answers;
  j["group/rounds"] = report.rounds;
  j["len/mean"] = r.len;
  j["len/right"] = r.len_right;
  j["len/wrong"] = r.len_wrong;
  j["len/max"] = r.len_max;
  j["len/think"] = r.think;
  j["len/answer"] = r.answer;
  j["trunc_share"] = share(r.truncated, r.samples);
  j["cut_share"] = share(r.cut, r.samples);
  j["policy/entropy"] = number(p.nll_sum / tokens);
  if (report.choices > 0) j["policy/entropy_at_choice"] = number(report.choice_nll / double(report.choices));
  if (report.reference) j["policy/kl_ref"] = number(p.kl_sum / tokens);
  if (report.reference_is_initial) j["policy/kl_init"] = number(p.kl_sum / tokens);
  j["policy/clip_lo"] = share(p.clipped_low, p.tokens);
  j["policy/clip_hi"] = share(p.clipped_high, p.tokens);
  j["policy/ratio_min"] = number(p.ratio_min);
  j["policy/ratio_max"] = p.tokens ? number(p.ratio_max) : Json();
  j["policy/logp_diff_max"] = number(report.logp_diff_max);
  j["policy/logp_diff_mean"] = number(report.logp_diff_mean);
  j["opt/loss"] = number(report.loss);
  j["opt/grad_norm"] = number(report.grad_norm);
  j["opt/lr"] = report.lr;
  j["opt/updates"] = report.updates;
  if (!report.mtp_loss.empty()) j["opt/mtp_loss"] = report.mtp_loss;
  const auto per_thought = [&](int64_t n) { return double(n) / double(std::max<int64_t>(1, r.thoughts)); };
  if (r.thoughts > 0) {
    j["behaviour/attempts"] = per_thought(r.behaviour.attempts);
    j["behaviour/retries_after_x"] = per_thought(r.behaviour.retries_after_x);
    j["behaviour/wait_count"] = per_thought(r.behaviour.wait_count);
    j["behaviour/self_check"] = per_thought(r.behaviour.self_check);
  }
  const Loads loads = loads_of(model);
  j["moe/load_cv"] = loads.cv;
  j["moe/dead_experts"] = loads.dead;
  j["moe/bias_norm"] = loads.bias_norm;
  if (report.replay_diff_share) j["moe/replay_diff_share"] = *report.replay_diff_share;
  j["time/rollout"] = report.rollout_s;
  j["time/reward"] = report.reward_s;
  j["time/logp"] = report.reference_s;
  j["time/train"] = report.train_s;
  j["tok_s/rollout"] = report.rollout_s > 0 ? double(report.sampled_tokens) / report.rollout_s : 0;
  j["tok_s/train"] = report.train_s > 0 ? double(report.trained_rows) / report.train_s : 0;
  j["mem/rss"] = resident_bytes();
  j["mem/kv"] = report.kv_bytes;
  return j;
}

double step_flop(const RlStepReport& report, const ModelConfig& config, bool trains_mtp) {
  const auto forward = [&](int64_t n) { return double(n) * forward_flops_per_token(config, n, false); };  // of a whole sequence
  double drawn = 0, whole = 0, rows = 0;
  for (const Group& g : report.groups) {
    if (g.samples.empty()) continue;
    drawn += forward(g.samples[0].policy.prompt);
    for (const RolloutSample& s : g.samples) {
      const int64_t n = int64_t(s.policy.ids.size());
      drawn += forward(n) - forward(s.policy.prompt);
      whole += forward(n);
      rows += double(n);
    }
  }
  if (rows == 0) return 0;
  const double mtp = trains_mtp ? train_flops_per_token(config, 1, true) - train_flops_per_token(config, 1, false) : 0;
  return drawn + (report.reference ? whole : 0) + double(report.trained_rows) * (3 * whole / rows + mtp);
}

std::string shown_sample(const std::vector<Group>& groups) {
  const Group* from = nullptr;
  size_t index = 0;
  for (const Group& g : groups)
    for (size_t i = 0; i < g.judged.size(); ++i)
      if (!from || (g.judged[i].right() && !from->judged[index].right())) from = &g, index = i;
  if (!from) return "";
  const JudgedSample& j = from->judged[index];
  return fmt::format("{}\n{}\nreward {:g}, {}, ended by {}; gold {}", from->problem.prompt, j.text, j.reward, outcome_name(j.outcome),
                     from->samples[index].exit(), from->problem.gold);
}

}  // namespace minke
