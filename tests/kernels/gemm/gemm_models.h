#pragma once
// One output element in each variant's stated order, in plain C++; and memory that ends where the machine faults.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"
#include "kernels/gemm/gemm.h"

namespace minke::gemm_test {

// a[p], b[p] for p in [0, k): operands already rounded to the product's dtype.
inline float model_scalar(const float* a, const float* b, int64_t k) {
  float sum = 0;
  for (int64_t p = 0; p < k; ++p) sum += a[p] * b[p];
  return sum;
}

inline float model_fma(const float* a, const float* b, int64_t k) {
  float sum = 0;
  for (int64_t p = 0; p < k; ++p) sum = std::fmaf(a[p], b[p], sum);
  return sum;
}

inline float model_pairs(const float* a, const float* b, int64_t k) {  // vdpbf16ps
  float sum = 0;
  for (int64_t p = 0; p < k; p += 2) {
    if (p + 1 < k) sum = std::fmaf(a[p + 1], b[p + 1], sum);
    sum = std::fmaf(a[p], b[p], sum);
  }
  return sum;
}

inline float model_tiles(const float* a, const float* b, int64_t k) {  // tdpbf16ps
  float sum = 0;
  for (int64_t p0 = 0; p0 < k; p0 += 32) {
    float even = 0, odd = 0;
    for (int64_t p = p0; p < std::min(k, p0 + 32); p += 2) {
      even = std::fmaf(a[p], b[p], even);
      if (p + 1 < k) odd = std::fmaf(a[p + 1], b[p + 1], odd);
    }
    sum += even + odd;
  }
  return sum;
}

inline float model(const GemmVariant& variant, DType dtype, const float* a, const float* b, int64_t k) {
  if (variant.isa == Isa::kScalar) return model_scalar(a, b, k);
  if (dtype == DType::kBF16 && variant.isa == Isa::kAvx512Bf16) return model_pairs(a, b, k);
  if (dtype == DType::kBF16 && variant.isa == Isa::kAmx) return model_tiles(a, b, k);
  return model_fma(a, b, k);
}

// `bytes` that end at an unreadable page and start right after whatever fills the first page's rest.
class Guarded {
 public:
  explicit Guarded(size_t bytes) {
    const size_t page = size_t(sysconf(_SC_PAGESIZE));
    size_ = (bytes + page - 1) / page * page + page;
    base_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_ - page, page, PROT_NONE);
    data_ = base_ + size_ - page - bytes;
  }
  ~Guarded() {
    if (base_) munmap(base_, size_);
  }
  Guarded(Guarded&& other) noexcept : base_(std::exchange(other.base_, nullptr)), data_(other.data_), size_(other.size_) {}
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  char* base_ = nullptr;
  char* data_ = nullptr;
  size_t size_ = 0;
};

// values (f32) stored as `dtype`, in guarded memory.
inline void put(const std::vector<float>& values, DType dtype, void* to) { convert(DType::kF32, values.data(), dtype, to, int64_t(values.size())); }

// What decoding asks of a variant: B in two blocks along K, and rows that each have a B of their own, give the model's bits.
inline void check_blocks_and_rows(const GemmVariant& variant, DType dtype) {
  Rng rng(7, 30);
  const auto values = [&](int64_t n) {
    std::vector<float> v(static_cast<size_t>(n));
    for (float& x : v) x = dtype == DType::kBF16 ? bf16_round(rng.normal()) : rng.normal();
    return v;
  };
  const auto stored = [&](const std::vector<float>& v) {
    Guarded memory(v.size() * dtype_bytes(dtype));
    put(v, dtype, memory.as<void>());
    return memory;
  };
  const PackedLayout layout = variant.layout(dtype);
  const auto packed = [&](const std::vector<float>& b, int64_t row, int64_t rows, int64_t n) {
    Buffer out(size_t(variant.packed_bytes(dtype, rows, n)) + 64);
    variant.pack(dtype, rows, n, b.data() + row * n, DType::kF32, n, 1, out.data());
    return out;
  };
  const auto expected = [&](const float* a, const std::vector<float>& b, int64_t n, int64_t k, int64_t column) {
    std::vector<float> of_column(static_cast<size_t>(k));
    for (int64_t p = 0; p < k; ++p) of_column[size_t(p)] = b[size_t(p * n + column)];
    return model(variant, dtype, a, of_column.data(), k);
  };
  for (const int64_t rest : {1, 2, 16, 37})
    for (const int64_t n : {1, 16, 40, 64, 130})
      for (const int64_t m : {1, 5, 30}) {
        const int64_t split = 2 * layout.k_unit, k = split + rest;
        const std::vector<float> a = values(m * k), b = values(k * n);
        const Guarded a_memory = stored(a);
        const Buffer first = packed(b, 0, split, n), second = packed(b, split, rest, n);
        Guarded c(size_t(m * n) * 4);
        variant.run({.dtype = dtype, .n = n, .k = k, .k_split = split},
                    {.m = m, .a = a_memory.as<void>(), .lda = k, .b = first.data(), .c = c.as<void>(), .ldc = n, .b_rest = second.data()});
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j)
            ASSERT_EQ(c.as<float>()[i * n + j], expected(a.data() + i * k, b, n, k, j)) << variant.name << " " << m << " " << n << " " << split << "+" << rest;
      }
  // From column 16 on where a panel holds more than that.
  for (const int64_t rows : {1, 2, 3, 4, 5, 9})
    for (const int64_t n : {1, 16, 20, 48, 64, 100})
      for (const bool two_blocks : {false, true}) {
        const int64_t split = two_blocks ? layout.k_unit : 0, k = split + 7;
        const int64_t skip = layout.width > 16 && n <= 48 ? 16 : 0, all = skip + n;
        std::vector<std::vector<float>> a, b;
        std::vector<Guarded> a_memory, c;
        std::vector<Buffer> first, second;
        std::vector<GemmProblem> problems;
        for (int64_t r = 0; r < rows; ++r) {
          a.push_back(values(k)), b.push_back(values(k * all));
          a_memory.push_back(stored(a.back())), c.emplace_back(size_t(n) * 4);
          first.push_back(packed(b.back(), 0, two_blocks ? split : k, all)), second.push_back(packed(b.back(), split, k - split, all));
          const auto at_column = [&](const Buffer& panel, int64_t panel_rows) {
            return panel.as<char>() + layout.index(panel_rows, 0, skip) * int64_t(dtype_bytes(layout.stored));
          };
          problems.push_back({.m = 1, .a = a_memory.back().as<void>(), .lda = k, .b = at_column(first.back(), two_blocks ? split : k),
                              .c = c.back().as<void>(), .ldc = n, .b_rest = two_blocks ? at_column(second.back(), k - split) : nullptr});
        }
        variant.run_each({.dtype = dtype, .n = n, .k = k, .k_split = split}, problems);
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t j = 0; j < n; ++j)
            ASSERT_EQ(c[size_t(r)].as<float>()[j], expected(a[size_t(r)].data(), b[size_t(r)], all, k, skip + j)) << variant.name << " " << rows << " " << n << " " << split;
      }
}

}  // namespace minke::gemm_test
