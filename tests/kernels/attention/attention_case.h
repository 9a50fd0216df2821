#pragma once
// A random attention problem with strided rows; everything that no kernel may read is NaN.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_ref.h"

namespace minke {

inline std::vector<Isa> all_isas() {
  std::vector<Isa> out;
  for (int i = 0; i < kIsaCount; ++i)
    if (isa_supported(Isa(i))) out.push_back(Isa(i));
  return out;
}

// A matrix in dtype, with its values as double beside it.
struct Stored {
  DType dtype = DType::kF32;
  std::vector<char> raw;
  std::vector<double> values;
  void resize(DType t, int64_t n) {
    dtype = t;
    raw.assign(size_t(n) * dtype_bytes(t), 0);
    values.assign(size_t(n), 0);
    for (int64_t i = 0; i < n; ++i) set(i, std::numeric_limits<float>::quiet_NaN());
  }
  void set(int64_t i, float x) {
    dtype_info(dtype).from_f32(&x, at(i), 1);
    values[i] = get(i);
  }
  float get(int64_t i) const {
    float x;
    dtype_info(dtype).to_f32(raw.data() + size_t(i) * dtype_bytes(dtype), &x, 1);
    return x;
  }
  void* at(int64_t i) { return raw.data() + size_t(i) * dtype_bytes(dtype); }
  const void* at(int64_t i) const { return raw.data() + size_t(i) * dtype_bytes(dtype); }
};

// One segment with keys 0 .. keys - 1; queries exist for every position.
struct AttentionCase {
  AttentionShape shape;
  int64_t keys = 0;
  bool absorbed = false;
  Stored q, k_nope, k_rope, v, d_o;

  AttentionCase(DType t, int64_t heads, int64_t n, int64_t d_nope, int64_t d_rope, int64_t d_v, bool absorb, uint64_t seed)
      : keys(n), absorbed(absorb) {
    const int64_t d = d_nope + d_rope;
    const int64_t kv = (absorbed ? 1 : heads) * (absorbed ? d_nope : d_nope + d_v) + 5;
    shape = {.dtype = t, .heads = heads, .d_nope = d_nope, .d_rope = d_rope, .d_v = d_v, .scale = 1 / std::sqrt(float(d)),
             .q_row = heads * d + 3, .q_head = d, .k_nope_row = kv, .k_nope_head = absorbed ? 0 : d_nope + d_v,
             .k_rope_row = d_rope + 2, .v_row = kv, .v_head = absorbed ? 0 : d_nope + d_v, .o_row = heads * d_v + 1, .o_head = d_v};
    Rng rng(seed);
    q.resize(t, n * shape.q_row);
    k_nope.resize(t, (n + 70) * kv);   // 70 rows of garbage behind the last key
    k_rope.resize(t, (n + 70) * shape.k_rope_row);
    v.resize(t, (n + 70) * kv);
    d_o.resize(t, n * shape.o_row);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t c = 0; c < d; ++c) q.set(i * shape.q_row + h * d + c, 2 * rng.normal());
        for (int64_t c = 0; c < d_nope; ++c) k_nope.set(i * kv + h * shape.k_nope_head + c, rng.normal());
        for (int64_t c = 0; c < d_v; ++c) v.set(i * kv + h * shape.v_head + c, rng.normal());
        for (int64_t c = 0; c < d_v; ++c) d_o.set(i * shape.o_row + h * d_v + c, rng.normal());
      }
      for (int64_t c = 0; c < d_rope; ++c) k_rope.set(i * shape.k_rope_row + c, rng.normal());
    }
  }

  // Queries first .. first + n, writing to their rows of o and lse.
  AttentionSegment segment(int64_t first, int64_t n, Stored& o, std::vector<float>& lse) const {
    return {.n_q = n, .first = first, .q = q.at(first * shape.q_row), .k_nope = k_nope.at(0), .k_rope = k_rope.at(0), .v = v.at(0),
            .o = o.at(first * shape.o_row), .lse = lse.data() + first * shape.heads};
  }
  AttentionRefInputs<double> ref() const {
    return {.n_q = keys, .first = 0, .q = q.values.data(), .k_nope = k_nope.values.data(), .k_rope = k_rope.values.data(), .v = v.values.data()};
  }
};

struct ForwardResult {
  Stored o;
  std::vector<float> lse;
  explicit ForwardResult(const AttentionCase& c) : lse(size_t(c.keys * c.shape.heads), 0) { o.resize(c.shape.dtype, c.keys * c.shape.o_row); }
  bool same_bits(const ForwardResult& b) const {
    return o.raw == b.o.raw && std::memcmp(lse.data(), b.lse.data(), lse.size() * sizeof(float)) == 0;
  }
};
inline ForwardResult run_forward(const AttentionCase& c) {
  ForwardResult r(c);
  const AttentionSegment s = c.segment(0, c.keys, r.o, r.lse);
  attention_forward(c.shape, std::span(&s, 1));
  return r;
}

// Largest |x - ref| over the elements that ref has (its NaNs are padding), and the root of the mean square of ref.
struct Difference {
  double worst = 0, rms_error = 0, rms = 0;
};
inline Difference difference(const std::vector<double>& ref, const auto& get) {
  Difference d;
  int64_t n = 0;
  for (size_t i = 0; i < ref.size(); ++i) {
    if (std::isnan(ref[i])) continue;
    const double e = std::fabs(get(int64_t(i)) - ref[i]);
    d.worst = std::max(d.worst, std::isnan(e) ? HUGE_VAL : e);
    d.rms_error += e * e, d.rms += ref[i] * ref[i], ++n;
  }
  d.rms_error = std::sqrt(d.rms_error / double(n)), d.rms = std::sqrt(d.rms / double(n));
  return d;
}

struct CaseShape {
  int64_t heads, keys, d_nope, d_rope, d_v;
  bool absorbed;
};
inline const std::vector<CaseShape> kCaseShapes = {
    {1, 1, 8, 4, 8, false},   {2, 3, 5, 2, 7, false},     {3, 64, 16, 8, 16, false}, {2, 65, 32, 16, 32, false}, {2, 63, 1, 0, 1, false},
    {1, 200, 33, 6, 20, false}, {4, 129, 24, 0, 40, false}, {8, 150, 32, 16, 32, true}, {3, 70, 9, 4, 9, true},    {1, 257, 64, 16, 48, false},
    {5, 70, 32, 10, 20, false}, {2, 80, 64, 32, 100, false},
};
inline std::string describe(const AttentionCase& c) {
  return std::string(isa_name(chosen_isa())) + " " + dtype_info(c.shape.dtype).name + " heads " + std::to_string(c.shape.heads) + " keys " +
         std::to_string(c.keys) + " widths " + std::to_string(c.shape.d_nope) + "+" + std::to_string(c.shape.d_rope) + "/" +
         std::to_string(c.shape.d_v) + (c.absorbed ? " absorbed" : "");
}

}  // namespace minke
