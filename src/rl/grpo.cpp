#include "rl/grpo.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace minke {

GrpoOptions grpo_preset(std::string_view name) {
  GrpoOptions o;
  if (name == "drgrpo") return o;
  if (name == "r1") {
    o.kl = KlEstimator::kK3;
    o.beta = 0.001;
    o.reference_every = 400;
    o.clip_low = o.clip_high = 10;
    o.normalisation = Normalisation::kSequence;
    o.divide_by_std = true;
    o.minibatches = 16;
    return o;
  }
  if (name == "dapo") {
    o.clip_low = 0.2;
    o.clip_high = 0.28;
    o.normalisation = Normalisation::kToken;
    o.divide_by_std = true;
    o.dynamic_sampling = true;
    o.overlong = Overlong::kSoft;
    o.overlong_tokens = 0;  // a fifth of max_tokens, set where max_tokens is known
    o.minibatches = 16;
    return o;
  }
  usage_fail("preset \"{}\": expected r1, drgrpo or dapo", name);
}

void validate(const GrpoOptions& o, const std::string& where) {
  if (o.samples < 2) fail("{}samples: a group needs at least 2 samples to compare, found {}", where, o.samples);
  if (o.prompts % o.minibatches != 0)
    fail("{}minibatches: an update takes whole groups, so prompts ({}) must be a multiple of minibatches, found {}", where, o.prompts, o.minibatches);
  if (o.beta > 0 && o.kl == KlEstimator::kNone) fail("{}beta is {}, but kl is \"none\"; choose k1, k2 or k3, or beta = 0", where, o.beta);
  if (o.clip_dual > 0 && o.clip_dual <= 1 + o.clip_high)
    fail("{}clip_dual: bounds the ratio of bad samples from above, expected more than 1 + clip_high = {}, found {}", where, 1 + o.clip_high, o.clip_dual);
  if (o.overlong == Overlong::kSoft && (o.overlong_tokens < 1 || o.overlong_tokens > o.max_tokens))
    fail("{}overlong_tokens: expected 1 to {} (the most tokens of a sample), found {}", where, o.max_tokens, o.overlong_tokens);
  if (o.reference_every > 0 && !o.wants_reference()) fail("{}reference_every is {}, but without kl and beta there is no reference", where, o.reference_every);
}

GroupAdvantages group_advantages(std::span<const double> rewards, bool divide_by_std) {
  GroupAdvantages out;
  out.values.assign(rewards.size(), 0.0);
  const auto [low, high] = std::minmax_element(rewards.begin(), rewards.end());
  out.zero_variance = rewards.empty() || *low == *high;
  if (out.zero_variance) return out;
  const double n = double(rewards.size());
  double sum = 0, squares = 0;
  for (const double r : rewards) sum += r;
  const double mean = sum / n;
  for (const double r : rewards) squares += (r - mean) * (r - mean);
  const double scale = divide_by_std ? 1 / std::sqrt(squares / n) : 1.0;
  for (size_t i = 0; i < rewards.size(); ++i) out.values[i] = (rewards[i] - mean) * scale;
  return out;
}

double overlong_penalty(const GrpoOptions& o, int64_t tokens) {
  if (o.overlong != Overlong::kSoft) return 0;
  const int64_t over = tokens - (o.max_tokens - o.overlong_tokens);
  return -std::clamp(double(over) / double(o.overlong_tokens), 0.0, 1.0);
}

std::vector<double> sample_weights(const GrpoOptions& o, std::span<const int64_t> lengths) {
  const double n = double(lengths.size());
  int64_t total = 0;
  for (const int64_t length : lengths) total += length;
  std::vector<double> out(lengths.size(), 0.0);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] == 0) continue;
    switch (o.normalisation) {
      case Normalisation::kSequence: out[i] = 1 / (n * double(lengths[i])); break;
      case Normalisation::kToken: out[i] = 1 / double(total); break;
      case Normalisation::kConstant: out[i] = 1 / (n * double(o.max_tokens)); break;
    }
  }
  return out;
}

TokenTerm token_term(const GrpoOptions& o, double logp, double old_logp, double ref_logp, double advantage) {
  TokenTerm t;
  t.ratio = std::exp(logp - old_logp);
  // min() keeps the unclipped side unless clipping makes the objective smaller: above for A > 0, below for A < 0.
  t.clipped_high = advantage > 0 && o.clip_high > 0 && t.ratio > 1 + o.clip_high;
  t.clipped_low = advantage < 0 && o.clip_low > 0 && t.ratio < 1 - o.clip_low;
  bool flat = t.clipped_high || t.clipped_low;
  double bounded = t.clipped_high ? 1 + o.clip_high : t.clipped_low ? 1 - o.clip_low : t.ratio;
  if (advantage < 0 && o.clip_dual > 0 && t.ratio > o.clip_dual) {
    bounded = o.clip_dual;
    flat = t.clipped_high = true;
  }
  t.loss = -bounded * advantage;
  t.d_logp = flat ? 0 : -t.ratio * advantage;
  if (o.kl == KlEstimator::kNone) return t;
  const double log_x = ref_logp - logp;
  double d_kl = 0;
  switch (o.kl) {
    case KlEstimator::kNone: break;
    case KlEstimator::kK1: t.kl = -log_x, d_kl = 1; break;
    case KlEstimator::kK2: t.kl = 0.5 * log_x * log_x, d_kl = -log_x; break;
    case KlEstimator::kK3: t.kl = std::expm1(log_x) - log_x, d_kl = -std::expm1(log_x); break;
  }
  t.loss += o.beta * t.kl;
  t.d_logp += o.beta * d_kl;
  return t;
}

void PolicyMetrics::add(const TokenTerm& term, double weight, double logp) {
  ++tokens;
  clipped_low += term.clipped_low;
  clipped_high += term.clipped_high;
  loss += weight * term.loss;
  kl_sum += term.kl;
  nll_sum -= logp;
  ratio_min = std::min(ratio_min, term.ratio);
  ratio_max = std::max(ratio_max, term.ratio);
}

void PolicyMetrics::merge(const PolicyMetrics& o) {
  tokens += o.tokens;
  clipped_low += o.clipped_low;
  clipped_high += o.clipped_high;
  loss += o.loss;
  kl_sum += o.kl_sum;
  nll_sum += o.nll_sum;
  ratio_min = std::min(ratio_min, o.ratio_min);
  ratio_max = std::max(ratio_max, o.ratio_max);
}

}  // namespace minke
