#pragma once
// The token's loss, written for reading: the definition that token_term's closed form is compared with. T is double, or
// std::complex<double>, whose imaginary part carries the derivative.
#include <cmath>
#include <complex>

#include "rl/grpo.h"

namespace minke {
namespace grpo_detail {
inline double real(double x) { return x; }
inline double real(const std::complex<double>& x) { return x.real(); }
}  // namespace grpo_detail

template <class T>
T token_loss(const GrpoOptions& o, T logp, double old_logp, double ref_logp, double advantage) {
  using grpo_detail::real;
  using std::exp;
  const auto smaller = [](T a, T b) { return real(b) < real(a) ? b : a; };
  const auto larger = [](T a, T b) { return real(b) > real(a) ? b : a; };
  const T ratio = exp(logp - old_logp);
  T clipped = ratio;
  if (o.clip_low > 0) clipped = larger(clipped, T(1 - o.clip_low));
  if (o.clip_high > 0) clipped = smaller(clipped, T(1 + o.clip_high));
  T objective = smaller(ratio * advantage, clipped * advantage);
  if (o.clip_dual > 0 && advantage < 0) objective = larger(objective, T(o.clip_dual * advantage));
  if (o.kl == KlEstimator::kNone || o.beta == 0) return -objective;
  const T log_x = ref_logp - logp;
  T kl{};
  if (o.kl == KlEstimator::kK1) kl = -log_x;
  if (o.kl == KlEstimator::kK2) kl = 0.5 * log_x * log_x;
  if (o.kl == KlEstimator::kK3) kl = exp(log_x) - log_x - 1.0;
  return o.beta * kl - objective;
}

}  // namespace minke
