#pragma once
// Group relative policy optimisation: DeepSeekMath (2402.03300) section 4.1, DeepSeek-R1 section 2.2.1; the variants of Dr. GRPO
// (2503.20783) and DAPO (2503.14476). Pure functions of numbers: no model, no text.
//
//   J = sum_i w_i sum_t ( min(rho A_i, clip(rho, 1 - clip_low, 1 + clip_high) A_i) - beta KL_t )        the loss is -J
//   rho = exp(log pi - log pi_old)      A_i = r_i - mean(r), over std(r) where divide_by_std
//   w_i = 1 / (N len_i) kSequence       1 / sum_j len_j kToken       1 / (N max_tokens) kConstant
// i runs over the N samples of one update (a minibatch), t over the len_i tokens of sample i that the policy chose itself.
//   KL_t with x = pi_ref / pi:     k1 = -log x      k2 = (log x)^2 / 2      k3 = x - log x - 1
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

enum class KlEstimator : uint8_t { kNone, kK1, kK2, kK3 };
enum class Normalisation : uint8_t { kSequence, kToken, kConstant };
enum class Overlong : uint8_t { kNone, kFilter, kSoft };

struct GrpoOptions {
  int64_t prompts = 16, samples = 16;  // of a rollout: groups, and samples of a group
  int64_t minibatches = 1;             // updates per rollout; each takes whole groups
  KlEstimator kl = KlEstimator::kNone;
  double beta = 0;
  int64_t reference_every = 0;         // steps after which the reference becomes the current policy; 0: never
  double clip_low = 0, clip_high = 0;  // 0: that side is not clipped
  double clip_dual = 0;                // bound of rho for A < 0 (verl's clip_ratio_c, above 1 + clip_high); 0: none
  Normalisation normalisation = Normalisation::kConstant;
  bool divide_by_std = false;
  bool dynamic_sampling = false;       // draw on until every group has variance, at most max_rounds rollouts
  int64_t max_rounds = 4;
  Overlong overlong = Overlong::kNone; // of samples that hit the limit: no loss (kFilter), or a reward falling to -1 (kSoft)
  int64_t overlong_tokens = 0;         // kSoft: over how many last tokens below max_tokens it falls

  // Over the prompt; kConstant's denominator and kSoft's limit.
  int64_t max_tokens = 256;

  bool wants_reference() const { return kl != KlEstimator::kNone && beta > 0; }
};

// "r1", "drgrpo", "dapo" (spec of the settings: docs/rl.md); UsageError on another name.
GrpoOptions grpo_preset(std::string_view name);
// Relations between options; `where` starts each message.
void validate(const GrpoOptions& o, const std::string& where);

struct GroupAdvantages {
  std::vector<double> values;   // a sample each; all 0 without variance
  bool zero_variance = false;
};
// One group's advantages. Equal rewards give zeros whatever the options; std is the population's, so that with a share p of ones A is
// sqrt((1 - p) / p) for a one and -sqrt(p / (1 - p)) for a zero.
GroupAdvantages group_advantages(std::span<const double> rewards, bool divide_by_std);

// What is added to the reward of a sample of `tokens`: 0 up to max_tokens - overlong_tokens, then linear to -1 at max_tokens (DAPO eq. 13).
double overlong_penalty(const GrpoOptions& o, int64_t tokens);

// w_i of the samples of one update. lengths [N]: tokens that count in the loss, 0 for a sample that is left out (its w is 0, but it is
// one of the N).
std::vector<double> sample_weights(const GrpoOptions& o, std::span<const int64_t> lengths);

// One token's term of -J in closed form; grpo_ref.h has it as it is written above.
struct TokenTerm {
  double loss = 0;      // of -J, before w_i
  double d_logp = 0;    // its derivative with respect to log pi
  double ratio = 1;     // rho
  double kl = 0;        // the chosen estimator's value; 0 without one
  bool clipped_low = false, clipped_high = false;  // the policy term is flat there
};
// ref_logp is not read without a KL term.
TokenTerm token_term(const GrpoOptions& o, double logp, double old_logp, double ref_logp, double advantage);

// Over the tokens of an update or of a whole step.
struct PolicyMetrics {
  int64_t tokens = 0, clipped_low = 0, clipped_high = 0;
  double loss = 0;                     // w_i applied
  double kl_sum = 0, nll_sum = 0;      // nll: -log pi under the policy at the time of the update
  double ratio_min = std::numeric_limits<double>::infinity(), ratio_max = 0;
  void add(const TokenTerm& term, double weight, double logp);
  void merge(const PolicyMetrics& other);
};

}  // namespace minke
