#pragma once
// What the variants share and callers do not see: panel geometry, portable packing, the two halves of a weight gradient.
#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"

namespace minke::gemm_internal {

// Every variant's panels divide 64 columns and follow one another, so the block of B that starts at column j (a multiple of 64)
// starts at byte packed_bytes(dtype, k, j).
inline constexpr int64_t kColumnUnit = 64;
// Rows a register block holds; row blocks of tasks are multiples of it.
inline constexpr int64_t kRowUnit = 6;

inline int64_t round_up(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

inline const void* element(const void* p, DType dtype, int64_t i) {
  return static_cast<const char*>(p) + i * (dtype == DType::kF32 ? 4 : 2);
}
inline void* element(void* p, DType dtype, int64_t i) { return static_cast<char*>(p) + i * (dtype == DType::kF32 ? 4 : 2); }

inline bf16 to_packed(bf16 x, bf16) { return x; }
inline bf16 to_packed(float x, bf16) { return bf16_from_f32(x); }
inline float to_packed(bf16 x, float) { return bf16_to_f32(x); }
inline float to_packed(float x, float) { return x; }

// Panels of `width` columns, each [k_padded / group][width][group]: `group` neighbours in K lie together. Padding is zero.
template <class D, class S>
void pack_panels(int64_t width, int64_t group, int64_t k, int64_t k_padded, int64_t n, const S* source, int64_t stride_k, int64_t stride_n, D* dst) {
  for (int64_t j0 = 0; j0 < n; j0 += width, dst += k_padded * width) {
    const int64_t columns = std::min(width, n - j0);
    if (columns < width || k < k_padded) std::memset(static_cast<void*>(dst), 0, size_t(k_padded * width) * sizeof(D));
    const S* from = source + j0 * stride_n;
    if (stride_n == 1) {
      for (int64_t p = 0; p < k; ++p)
        for (int64_t j = 0; j < columns; ++j)
          dst[(p / group * width + j) * group + p % group] = to_packed(from[p * stride_k + j], D{});
    } else {
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t p = 0; p < k; ++p)
          dst[(p / group * width + j) * group + p % group] = to_packed(from[p * stride_k + j * stride_n], D{});
    }
  }
}

template <class D>
void pack_panels(int64_t width, int64_t group, int64_t k, int64_t k_padded, int64_t n, const void* source, DType source_dtype, int64_t stride_k,
                 int64_t stride_n, void* dst) {
  if (source_dtype == DType::kF32)
    pack_panels(width, group, k, k_padded, n, static_cast<const float*>(source), stride_k, stride_n, static_cast<D*>(dst));
  else
    pack_panels(width, group, k, k_padded, n, static_cast<const bf16*>(source), stride_k, stride_n, static_cast<D*>(dst));
}

// A weight gradient is a product whose K is the tokens of one chunk: dY is packed as its A side, X as its B side, both cut at
// multiples of kColumnUnit columns; run adds the block's product to dW.
struct WgradKernel {
  int64_t (*dy_bytes)(DType dtype, int64_t m, int64_t n);
  void (*pack_dy)(DType dtype, int64_t m, int64_t n, const void* dy, int64_t ld_dy, void* dst);
  int64_t (*x_bytes)(DType dtype, int64_t m, int64_t k);
  void (*pack_x)(DType dtype, int64_t m, int64_t k, const void* x, int64_t ld_x, void* dst);
  void (*run)(DType dtype, int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw);
};

extern const GemmVariant kScalarVariant, kAvx2Variant, kAvx512Variant, kAvx512Bf16Variant, kAmxVariant;
extern const WgradKernel kPlainWgrad, kAvx2Wgrad, kAvx512Wgrad, kAvx512Bf16Wgrad, kAmxWgrad;
const WgradKernel& wgrad_kernel();  // of the chosen variant

}  // namespace minke::gemm_internal
