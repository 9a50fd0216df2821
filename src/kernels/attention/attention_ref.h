#pragma once
// Attention as its definition reads, forward and backward, over any scalar (float, double, or std::complex<double> for complex-step
// derivatives). One segment; strides and sizes as in AttentionShape, its dtype is not looked at. Never tuned.
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include "kernels/attention/attention.h"

namespace minke {

template <class T>
double real_part(const T& x) {
  if constexpr (requires { x.real(); }) return x.real();
  else return double(x);
}

template <class T>
struct AttentionRefInputs {
  int64_t n_q = 0, first = 0;
  const T* q = nullptr;
  const T* k_nope = nullptr;
  const T* k_rope = nullptr;
  const T* v = nullptr;
};

// scale (q_nope_i · k_nope_j + q_rope_i · k_rope_j)
template <class T>
T attention_ref_score(const AttentionShape& a, const AttentionRefInputs<T>& in, int64_t i, int64_t j, int64_t h) {
  T s = 0;
  const T* q = in.q + i * a.q_row + h * a.q_head;
  for (int64_t c = 0; c < a.d_nope; ++c) s += q[c] * in.k_nope[j * a.k_nope_row + h * a.k_nope_head + c];
  for (int64_t c = 0; c < a.d_rope; ++c) s += q[a.d_nope + c] * in.k_rope[j * a.k_rope_row + c];
  return s * T(a.scale);
}

template <class T>
void attention_ref_forward(const AttentionShape& a, const AttentionRefInputs<T>& in, T* o, T* lse) {
  using std::exp, std::log;
  for (int64_t i = 0; i < in.n_q; ++i) {
    for (int64_t h = 0; h < a.heads; ++h) {
      const int64_t keys = in.first + i + 1;
      std::vector<T> p(keys);
      double max = -HUGE_VAL;
      for (int64_t j = 0; j < keys; ++j) max = std::fmax(max, real_part(p[j] = attention_ref_score(a, in, i, j, h)));
      T sum = 0;
      for (T& x : p) sum += x = exp(x - T(max));
      for (int64_t c = 0; c < a.d_v; ++c) {
        T acc = 0;
        for (int64_t j = 0; j < keys; ++j) acc += p[j] * in.v[j * a.v_row + h * a.v_head + c];
        o[i * a.o_row + h * a.o_head + c] = acc / sum;
      }
      if (lse) lse[i * a.heads + h] = T(max) + log(sum);
    }
  }
}

// p_ij = exp(s_ij - lse_i)   dv_j = sum_i p_ij do_i   dp_ij = do_i · v_j   ds_ij = p_ij (dp_ij - do_i · o_i) scale
// dq_i = sum_j ds_ij k_j     dk_j = sum_i ds_ij q_i, its rope part summed over heads
template <class T>
void attention_ref_backward(const AttentionShape& a, const AttentionRefInputs<T>& in, const T* o, const T* lse, const T* d_o, T* d_q,
                            T* d_k_nope, T* d_k_rope, T* d_v) {
  using std::exp;
  const int64_t n = in.n_q;
  for (int64_t j = 0; j < n * a.d_rope; ++j) d_k_rope[j] = 0;
  for (int64_t h = 0; h < a.heads; ++h) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t c = 0; c < a.d_nope + a.d_rope; ++c) d_q[i * a.q_row + h * a.q_head + c] = 0;
      for (int64_t c = 0; c < a.d_nope; ++c) d_k_nope[i * a.k_nope_row + h * a.k_nope_head + c] = 0;
      for (int64_t c = 0; c < a.d_v; ++c) d_v[i * a.v_row + h * a.v_head + c] = 0;
    }
    for (int64_t i = 0; i < n; ++i) {
      const T* q = in.q + i * a.q_row + h * a.q_head;
      const T* g = d_o + i * a.o_row + h * a.o_head;
      T* dq = d_q + i * a.q_row + h * a.q_head;
      T delta = 0;
      for (int64_t c = 0; c < a.d_v; ++c) delta += g[c] * o[i * a.o_row + h * a.o_head + c];
      for (int64_t j = 0; j <= i; ++j) {
        const T* k = in.k_nope + j * a.k_nope_row + h * a.k_nope_head;
        const T* k_rope = in.k_rope + j * a.k_rope_row;
        const T p = exp(attention_ref_score(a, in, i, j, h) - lse[i * a.heads + h]);
        T dp = 0;
        for (int64_t c = 0; c < a.d_v; ++c) {
          dp += g[c] * in.v[j * a.v_row + h * a.v_head + c];
          d_v[j * a.v_row + h * a.v_head + c] += p * g[c];
        }
        const T ds = p * (dp - delta) * T(a.scale);
        for (int64_t c = 0; c < a.d_nope; ++c) {
          dq[c] += ds * k[c];
          d_k_nope[j * a.k_nope_row + h * a.k_nope_head + c] += ds * q[c];
        }
        for (int64_t c = 0; c < a.d_rope; ++c) {
          dq[a.d_nope + c] += ds * k_rope[c];
          d_k_rope[j * a.d_rope + c] += ds * q[a.d_nope + c];
        }
      }
    }
  }
}

}  // namespace minke
