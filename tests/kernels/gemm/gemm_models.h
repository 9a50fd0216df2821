#pragma once
// One output element in each variant's stated order, in plain C++; and memory that ends where the machine faults.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

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
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
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

}  // namespace minke::gemm_test
