#pragma once
// The definition: three loops, K from the first element to the last. Never tuned; T is the scalar the sum is kept in (float, double,
// std::complex<double> for exact derivatives), A and B anything that `widen` turns into a T.
#include <cstdint>

#include "numeric/bf16.h"

namespace minke {

template <class T, class V>
T widen(const V& x) {
  return T(x);
}
template <class T>
T widen(const bf16& x) {
  return T(bf16_to_f32(x));
}

// C[m,n] (+)= A[m,k] · B[k,n], B[p,j] = b[p * stride_k + j * stride_n].
template <class T, class A, class B>
void gemm_ref(int64_t m, int64_t n, int64_t k, const A* a, int64_t lda, const B* b, int64_t stride_k, int64_t stride_n, T* c, int64_t ldc,
              bool add) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T sum{};
      for (int64_t p = 0; p < k; ++p) sum += widen<T>(a[i * lda + p]) * widen<T>(b[p * stride_k + j * stride_n]);
      c[i * ldc + j] = add ? c[i * ldc + j] + sum : sum;
    }
}

}  // namespace minke
