#pragma once
// What the tests of row operations share: numbers of a run-time dtype, one answer on every ISA and thread count, complex-step
// gradients, tolerances.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <optional>
#include <vector>

#include "base/cpu.h"
#include "base/rng.h"
#include "base/threads.h"
#include "numeric/dtype.h"

namespace minke::rows {

// The ISAs that differ for row operations.
inline const std::vector<Isa> kIsas = {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16};
inline const std::vector<DType> kDTypes = {DType::kF32, DType::kBF16};

// n numbers of a dtype; equality is equality of bits.
class Values {
 public:
  explicit Values(DType dtype, int64_t n = 0, float fill = 0) : dtype_(dtype), n_(n), bytes_(size_t(n) * dtype_bytes(dtype)) {
    const std::vector<float> x(size_t(n), fill);
    convert(DType::kF32, x.data(), dtype, bytes_.data(), n);
  }
  static Values random(DType dtype, int64_t n, uint64_t seed, float scale = 1) {
    Rng rng(seed);
    std::vector<float> x(static_cast<size_t>(n));
    for (float& value : x) value = rng.normal() * scale;
    Values out(dtype, n);
    convert(DType::kF32, x.data(), dtype, out.bytes_.data(), n);
    return out;
  }
  void* data() { return bytes_.data(); }
  float* f32() { return reinterpret_cast<float*>(bytes_.data()); }
  const float* f32() const { return reinterpret_cast<const float*>(bytes_.data()); }
  void* at(int64_t i) { return bytes_.data() + size_t(i) * dtype_bytes(dtype_); }
  int64_t size() const { return n_; }
  DType dtype() const { return dtype_; }
  double operator[](int64_t i) const {
    float x;
    convert(dtype_, bytes_.data() + size_t(i) * dtype_bytes(dtype_), DType::kF32, &x, 1);
    return x;
  }
  template <class T = double>
  std::vector<T> numbers() const {
    std::vector<T> out;
    for (int64_t i = 0; i < n_; ++i) out.push_back(T((*this)[i]));
    return out;
  }
  // Elements [begin, begin + n).
  Values slice(int64_t begin, int64_t n) const {
    Values out(dtype_, n);
    std::copy_n(bytes_.data() + size_t(begin) * dtype_bytes(dtype_), out.bytes_.size(), out.bytes_.data());
    return out;
  }
  bool operator==(const Values& other) const { return dtype_ == other.dtype_ && bytes_ == other.bytes_; }

 private:
  DType dtype_;
  int64_t n_;
  std::vector<char> bytes_;
};

using Outputs = std::vector<Values>;

// Runs op on every ISA and with 1, 2 and 3 threads; all must give the same bits. Returns them.
template <class Op>
Outputs same_everywhere(Op op) {
  std::optional<Outputs> first;
  for (Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    for (int threads : {1, 2, 3}) {
      set_thread_count(threads);
      Outputs out = op();
      if (!first)
        first = std::move(out);
      else
        EXPECT_TRUE(out == *first) << isa_name(isa) << ", " << threads << " threads: other bits than scalar with 1 thread";
    }
  }
  force_isa(best_isa());
  return *first;
}

// Unit roundoff of a stored value.
inline double roundoff(DType dtype) { return dtype == DType::kF32 ? 0x1p-24 : 0x1p-8; }

// |got - want| <= roundoff(dtype) |want| + 2^-24 slack: storing rounds once, f32 arithmetic is worth `slack` in absolute terms
// (operations times the size of the terms), chosen by the caller from the norms of its inputs.
inline void expect_close(const Values& got, const std::vector<double>& want, double slack, const char* what) {
  ASSERT_EQ(size_t(got.size()), want.size()) << what;
  for (int64_t i = 0; i < got.size(); ++i) {
    const double allowed = roundoff(got.dtype()) * 1.01 * std::abs(want[i]) + 0x1p-24 * slack + 0x1p-126;
    ASSERT_LE(std::abs(got[i] - want[i]), allowed) << what << "[" << i << "] is " << got[i] << ", the reference says " << want[i];
  }
}

inline double largest(const std::vector<double>& x) {
  double out = 0;
  for (double v : x) out = std::max(out, std::abs(v));
  return out;
}

// gradient[i] = d f / d x_i by a complex step, exact to rounding. f takes and returns std::complex<double>.
template <class F>
void expect_gradient(const std::vector<double>& x, const std::vector<double>& gradient, F f, const char* what) {
  using C = std::complex<double>;
  ASSERT_EQ(x.size(), gradient.size()) << what;
  const double scale = largest(gradient);
  for (size_t i = 0; i < x.size(); ++i) {
    std::vector<C> z(x.begin(), x.end());
    z[i] += C(0, 1e-40);
    ASSERT_NEAR(f(z).imag() / 1e-40, gradient[i], 1e-13 * scale) << what << "[" << i << "]";
  }
}

// sum_i weights[i] y[i]: turns an operation into a function whose gradient by y is `weights`.
template <class T>
T weighted(const std::vector<double>& weights, const std::vector<T>& y) {
  T sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += weights[i] * y[i];
  return sum;
}

}  // namespace minke::rows
