#pragma once
// Rows to experts and back. Slots are (row, k) pairs; the plan sorts them by expert, stable in row order, so that an expert's
// rows are contiguous. Sums over a row's experts run in slot order k = 0, 1, ... (docs/invariance.md).
#include <cstdint>
#include <vector>

#include "numeric/dtype.h"

namespace minke {

struct ExpertPlan {
  std::vector<int64_t> offsets;   // [experts + 1]: rows of expert e are offsets[e] .. offsets[e+1]
  std::vector<int32_t> source;    // [rows * top_k]: slot (row * top_k + k) at each permuted place
  std::vector<int32_t> place;     // [rows * top_k]: permuted place of each slot
};
// chosen [rows, top_k]
void plan_experts(int64_t rows, int64_t top_k, int64_t experts, const int32_t* chosen, ExpertPlan& plan);

// out [rows * top_k, n] = x[row of the slot]; x [rows, n] contiguous.
void permute_rows(DType dtype, const ExpertPlan& plan, int64_t top_k, int64_t n, const void* x, void* out);
// dx [rows, n] f32 += sum_k d_permuted[place(row, k)]
void permute_rows_backward(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const void* d_permuted, float* dx);

// y [rows, n] f32 += sum_k weights[row, k] * expert_out[place(row, k)]
void combine_rows(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const void* expert_out, const float* weights, float* y);
// dy [rows, n] f32 -> d_expert_out [rows * top_k, n] of dtype (overwritten) = weight * dy, d_weights [rows, top_k] = dy · expert_out
void combine_rows_backward(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const float* dy, const void* expert_out,
                           const float* weights, void* d_expert_out, float* d_weights);

}  // namespace minke
