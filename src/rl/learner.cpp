#include "rl/learner.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/rng.h"
#include "data/chat.h"
#include "reason/pace.h"

namespace minke {
namespace {

constexpr uint64_t kTaskStream = 0x7461736b, kThinkingStream = 0x7468696e6b, kPaceStream = 0x70616365;  // "task", "think", "pace"

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

ProblemStream::ProblemStream(const std::vector<RlTask>& tasks, const RlOptions& options) : seed_(options.seed) {
  double sum = 0;
  for (const RlTask& t : tasks) {
    sources_.push_back(ProblemSource::open({t.name, t.data, t.level, t.skip_bad, false}));
    weights_.push_back(sum += t.weight);
  }
  for (double& w : weights_) w /= sum;
  if (options.curriculum == CurriculumKind::kEven) return;
  std::vector<Curriculum::Level> named;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const ProblemSource& source = sources_[i];
    const std::vector<int> levels = source.levels();
    for (const int level : levels) {
      levels_.push_back(source.at_level(level));
      named.push_back({fmt::format("{}/{}", source.name(), level), tasks[i].weight / double(levels.size())});
    }
    if (!levels.empty()) continue;
    levels_.push_back(source);
    named.push_back({tasks[i].level ? fmt::format("{}/{}", source.name(), tasks[i].level) : source.name(), tasks[i].weight});
  }
  if (named.size() < 2) fail("[rl] curriculum: nothing to choose from, {} is one level alone; expected a task with levels, or several tasks", named[0].name);
  curriculum_.emplace(std::move(named), options.curriculum_floor);
}

Problem ProblemStream::at(uint64_t number, size_t* level) const {
  const double u = Rng(seed_, kTaskStream, number).uniform();
  if (level) *level = 0;
  if (curriculum_) {
    const size_t chosen = curriculum_->pick(u);
    if (level) *level = chosen;
    return levels_[chosen].train(seed_, number);
  }
  size_t i = 0;
  while (i + 1 < weights_.size() && u >= weights_[i]) ++i;
  return sources_[i].train(seed_, number);
}

std::vector<Problem> ProblemStream::held_out(Split split, uint64_t seed, int64_t n, bool at_most) const {
  std::vector<Problem> out;
  double done = 0;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const int64_t upto = int64_t(double(n) * weights_[i] + 0.5), own = upto - int64_t(done * double(n) + 0.5);
    done = weights_[i];
    if (own < 1) continue;
    for (Problem& p : at_most ? sources_[i].held_out_at_most(split, seed, own) : sources_[i].held_out(split, seed, own)) out.push_back(std::move(p));
  }
  return out;
}

std::string ProblemStream::summary() const {
  std::string text;
  double before = 0;
  for (size_t i = 0; i < sources_.size(); ++i) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", sources_[i].name());
    if (sources_.size() > 1) text += fmt::format(" {:.0f}%", 100 * (weights_[i] - before));
    before = weights_[i];
  }
  return text;
}

double Group::share_right() const {
  return double(std::count_if(judged.begin(), judged.end(), [](const JudgedSample& j) { return j.right(); })) / double(judged.size());
}

Learner::Learner(Transformer& model, const Tokenizer& tokenizer, const RlConfig& config)
    : model_(model),
      tokenizer_(tokenizer),
      config_(config),
      options_(config.rl.policy_step()),
      step_(model, options_),
      engine_(model, config.rl.cache, {.cache_bytes = config.rl.cache_mib << 20}),
      problems_(config.tasks, config.rl),
      rewarder_(config.reward, tokenizer, config.rl.seed) {
  if (options_.grpo.wants_reference()) reference_ = std::make_unique<Reference>(model);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) ends_line_.push_back(tokenizer.token_bytes(id).ends_with('\n'));
}

RolloutPrompt Learner::prompt_of(const Problem& problem, uint64_t number) const {
  const RlOptions& rl = config_.rl;
  RolloutPrompt p;
  const bool off = Rng(rl.seed, kThinkingStream, number).uniform() < rl.thinking_off;
  p.problem = number;
  p.think_cap = off ? 0 : think_cap(rl.limits, rl.seed, number);
  std::vector<ChatMessage> messages = {{"user", problem.prompt}};
  if (Rng pacing(rl.seed, kPaceStream, number); pacing.uniform() < rl.paced) {
    const Pace& pace = rl.pace.empty() ? paces()[pacing.below(paces().size())] : find_pace(rl.pace, "[rl] pace");
    messages.insert(messages.begin(), {"system", pace_tag(off ? "off" : pace.name)});
    if (!off) p.think_cap = pace_budget(pace, rl.limits.think_max);
  }
  p.ids = chat_prompt(tokenizer_, messages, off ? Thinking::kOff : Thinking::kOn);
  return p;
}

// Which places these are is decided by the tokens before them, not by the draw, so the mean of -log p there estimates the entropy.
void Learner::count_choices(const RolloutSample& s, RlStepReport& report) const {
  const PolicySample& p = s.policy;
  if (!s.thinking) return;
  const int64_t end = std::min(s.think_tokens + 1, p.completion());
  for (int64_t t = 0; t < end; ++t) {
    if (p.forced[size_t(t)] || !ends_line_[size_t(p.ids[size_t(p.prompt + t - 1)])]) continue;
    report.choice_nll -= double(p.old_logp[size_t(t)]);
    ++report.choices;
  }
}

Learner::CacheNeed Learner::cache_need(CacheForm form) const {
  const GrpoOptions& grpo = options_.grpo;
  int64_t longest = 0;
  for (int64_t i = 0; i < grpo.prompts; ++i) longest = std::max(longest, int64_t(prompt_of(problems_.at(uint64_t(i)), uint64_t(i)).ids.size()));
  const int64_t positions = std::min(longest + grpo.max_tokens - 1, model_.config().max_position_embeddings);
  CacheNeed need;
  need.sequence = sequence_cache_bytes(model_, form, positions);
  need.rollout = need.sequence * std::min(grpo.prompts * grpo.samples, EngineOptions{}.max_sequences);
  return need;
}

// Without dynamic sampling one rollout of all prompts; with it further ones for the groups that had no variance.
bool Learner::draw_groups(RlStepReport& report, uint64_t& next, const std::function<bool()>& stop) {
  const GrpoOptions& grpo = options_.grpo;
  RolloutRequest request;
  request.samples = grpo.samples;
  request.limits = config_.rl.limits;
  request.sampler.temperature = config_.rl.temperature;
  request.sampler.seed = config_.rl.seed;
  request.record_experts = config_.rl.cache == CacheForm::kLatent;
  request.end_of_thinking = end_of_thinking_id(tokenizer_);
  request.eos = answer_eos(model_.config().eos_token_id, tokenizer_);
  request.positions = model_.config().max_position_embeddings;

  int64_t missing = grpo.prompts;
  for (report.rounds = 0; missing > 0 && report.rounds < (grpo.dynamic_sampling ? grpo.max_rounds : 1); ++report.rounds) {
    auto began = Clock::now();
    std::vector<Problem> problems;
    std::vector<RolloutPrompt> prompts;
    std::vector<size_t> levels(static_cast<size_t>(missing));
    for (int64_t i = 0; i < missing; ++i) {
      problems.push_back(problems_.at(next + uint64_t(i), &levels[size_t(i)]));
      prompts.push_back(prompt_of(problems.back(), next + uint64_t(i)));
    }
    std::vector<RolloutSample> samples = roll_out(engine_, prompts, request, stop);
    if (samples.empty()) return false;
    report.rollout_s += since(began);
    report.kv_bytes = std::max(report.kv_bytes, engine_.cache_bytes());

    began = Clock::now();
    std::vector<JudgedSample> judged = rewarder_.judge(problems, samples, next, grpo.samples);
    for (size_t p = 0; p < problems.size(); ++p) {
      Group g;
      g.problem = std::move(problems[p]);
      g.number = next + p;
      g.level = levels[p];
      for (size_t i = p * size_t(grpo.samples); i < (p + 1) * size_t(grpo.samples); ++i) {
        report.sampled_tokens += samples[i].policy.completion();
        count_choices(samples[i], report);
        g.samples.push_back(std::move(samples[i]));
        g.judged.push_back(std::move(judged[i]));
      }
      std::vector<double> rewards;
      for (size_t i = 0; i < g.samples.size(); ++i) {
        g.ungradable |= g.judged[i].outcome == Outcome::kUngradable && config_.reward.kind == RewardKind::kTask;
        rewards.push_back(g.judged[i].reward + overlong_penalty(grpo, g.samples[i].policy.completion()));
      }
      const GroupAdvantages advantages = group_advantages(rewards, grpo.divide_by_std);
      g.zero_variance = advantages.zero_variance;
      for (size_t i = 0; i < g.samples.size(); ++i) {
        g.samples[i].policy.advantage = advantages.values[i];
        g.samples[i].policy.left_out = grpo.overlong == Overlong::kFilter && g.samples[i].truncated;
      }
      if (!g.ungradable && !(grpo.dynamic_sampling && g.zero_variance)) --missing;
      report.groups.push_back(std::move(g));
    }
    next += prompts.size();
    report.reward_s += since(began);
  }
  return true;
}

bool Learner::step(Progress& progress, RlStepReport& report, const std::function<bool()>& stop) {
  const GrpoOptions& grpo = options_.grpo;
  report = {};
  uint64_t next = position;
  if (!draw_groups(report, next, stop)) return false;

  // The groups of the update, each one's samples side by side.
  std::vector<PolicySample> samples;
  int64_t groups = 0;
  for (const Group& g : report.groups) {
    if (g.ungradable || (grpo.dynamic_sampling && g.zero_variance)) continue;
    for (const RolloutSample& s : g.samples) samples.push_back(s.policy);
    ++groups;
  }
  if (reference_) {
    if (grpo.reference_every > 0 && progress.step > 0 && progress.step % grpo.reference_every == 0) reference_->replace(model_);
    const auto began = Clock::now();
    report.reference = true;
    report.reference_is_initial = grpo.reference_every == 0 || progress.step < grpo.reference_every;
    reference_->score(samples, config_.rl.temperature, config_.rl.rows_per_pass);
    report.reference_s = since(began);
  }

  const auto began = Clock::now();
  report.lr = config_.rl.lr_at(progress.step);
  UpdateReport first;  // what sampling and training differ by: later updates differ because the policy has moved
  for (int64_t m = 0; m < grpo.minibatches; ++m) {
    const int64_t begin = groups * m / grpo.minibatches, end = groups * (m + 1) / grpo.minibatches;
    if (begin == end) continue;
    const auto part = std::span(samples).subspan(size_t(begin * grpo.samples), size_t((end - begin) * grpo.samples));
    const UpdateReport u = step_.run(part, report.lr, progress);
    if (report.updates == 0) first = u;
    report.policy.merge(u.policy);
    report.trained_rows += u.rows;
    if (!u.why.empty()) report.skipped = u.why;
    if (u.skipped) continue;
    ++report.updates;
    report.loss += u.policy.loss;
    report.grad_norm += u.grad_norm;
    report.mtp_loss = u.mtp_loss;
  }
  report.logp_diff_max = first.logp_diff_max;
  report.logp_diff_mean = first.logp_diff_sum / double(std::max<int64_t>(1, first.logp_diffs));
  if (first.replayed > 0) report.replay_diff_share = double(first.replay_differs) / double(first.replayed);
  if (report.updates > 0) {
    report.loss /= double(report.updates);
    report.grad_norm /= double(report.updates);
  }
  report.train_s = since(began);
  if (Curriculum* c = problems_.curriculum()) {  // only now: a step that was stopped has told it nothing
    report.shares = c->shares();
    for (const Group& g : report.groups)
      if (!g.ungradable) c->saw(g.level, g.share_right());
    for (size_t i = 0; i < c->levels().size(); ++i) report.pass_rates.push_back(c->pass_rate(i));
  }
  position = next;
  ++progress.step;
  progress.tokens += report.sampled_tokens;
  return true;
}

}  // namespace minke
