#pragma once
// SwiGLU's elementwise part: h = silu(g) u, silu(g) = g sigmoid(g). Shazeer 2020.
//   du = dh silu(g)      dg = dh u sigmoid(g) (1 + g (1 - sigmoid(g)))
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

// gate_up [rows, 2n]: a row is n gates, then n ups; h [rows, n]. All contiguous, all of one dtype, computed in f32.
void swiglu_forward(DType dtype, int64_t rows, int64_t n, const void* gate_up, void* h);
// d_gate_up [rows, 2n] is overwritten. h_out (or null) receives h again: the input of the down product's weight gradient.
void swiglu_backward(DType dtype, int64_t rows, int64_t n, const void* gate_up, const void* dh, void* d_gate_up, void* h_out);

}  // namespace minke
