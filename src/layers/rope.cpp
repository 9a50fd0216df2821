#include "layers/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace minke {
namespace {

double yarn_m(double factor, double a) { return factor <= 1 ? 1.0 : 0.1 * a * std::log(factor) + 1.0; }

}  // namespace

std::vector<double> rope_frequencies(const RopeSpec& spec) {
  const int64_t half = spec.dim / 2;
  std::vector<double> f(static_cast<size_t>(half));
  for (int64_t i = 0; i < half; ++i) f[size_t(i)] = std::pow(spec.theta, -2.0 * double(i) / double(spec.dim));
  if (!spec.yarn) return f;
  const Yarn& y = *spec.yarn;
  // The pair that turns n times within the original context.
  const auto pair_of = [&](double turns) {
    return double(spec.dim) * std::log(double(y.original_max_position_embeddings) / (turns * 2 * std::numbers::pi)) / (2 * std::log(spec.theta));
  };
  const double low = std::max(std::floor(pair_of(y.beta_fast)), 0.0);
  double high = std::min(std::ceil(pair_of(y.beta_slow)), double(spec.dim - 1));
  if (low == high) high += 0.001;
  for (int64_t i = 0; i < half; ++i) {
    const double ramp = std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
    f[size_t(i)] = f[size_t(i)] * (1 - ramp) + f[size_t(i)] / y.factor * ramp;
  }
  return f;
}

double softmax_scale(const RopeSpec& spec, int64_t qk_head_dim) {
  double scale = 1 / std::sqrt(double(qk_head_dim));
  if (spec.yarn && spec.yarn->mscale_all_dim != 0) {
    const double m = yarn_m(spec.yarn->factor, spec.yarn->mscale_all_dim);
    scale *= m * m;
  }
  return scale;
}

Rope::Rope(const RopeSpec& spec) : spec_(spec), frequencies_(rope_frequencies(spec)) {
  MINKE_CHECK_EQ(spec.dim % 2, 0);
  if (spec.yarn) magnitude_ = yarn_m(spec.yarn->factor, spec.yarn->mscale) / yarn_m(spec.yarn->factor, spec.yarn->mscale_all_dim);
}

void Rope::reserve(int64_t n) {
  const int64_t have = spec_.dim == 0 ? n : int64_t(table_.size()) / spec_.dim;
  if (have >= n) return;
  table_.resize(size_t(n * spec_.dim));
  for (int64_t p = have; p < n; ++p) {
    for (int64_t i = 0; i < spec_.dim / 2; ++i) {
      const double angle = double(p) * frequencies_[size_t(i)];
      table_[size_t(p * spec_.dim + 2 * i)] = float(std::cos(angle) * magnitude_);
      table_[size_t(p * spec_.dim + 2 * i + 1)] = float(std::sin(angle) * magnitude_);
    }
  }
}

void Rope::rotate(View x, int64_t heads, int64_t ld_head, int64_t offset, const Rows& rows, bool inverse) const {
  if (spec_.dim == 0) return;
  MINKE_CHECK_EQ(x.rows, rows.count());
  MINKE_CHECK_LE(offset + (heads - 1) * ld_head + spec_.dim, x.cols);
  rope_rotate(spec_.layout, x.dtype, x.rows, heads, spec_.dim, x.columns(offset, 0).data, x.ld, ld_head, table_.data(), rows.positions.data(),
              inverse);
}

}  // namespace minke
