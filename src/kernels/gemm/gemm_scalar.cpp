// Plain C++: B widened to f32 in panels of 16 columns, one row and one panel at a time, product and sum rounded apart.
#include "kernels/gemm/gemm_internal.h"

namespace minke::gemm_internal {
namespace {

constexpr int64_t kWidth = 16;
// Four floats as any x86-64 has them, said outright: the vectoriser turned this loop around for floats.
using Four = float __attribute__((vector_size(16)));

int64_t packed_bytes(DType, int64_t k, int64_t n) { return round_up(n, kWidth) * k * 4; }

PackedLayout layout(DType) { return {DType::kF32, kWidth, 1, 1}; }

void pack(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  pack_panels<float>(kWidth, 1, k, k, n, source, source_dtype, stride_k, stride_n, dst);
  if (dtype == DType::kF32 || source_dtype == DType::kBF16) return;
  auto* values = static_cast<float*>(dst);
  for (int64_t i = 0, end = round_up(n, kWidth) * k; i < end; ++i) values[i] = bf16_round(values[i]);
}

template <class A>
void run_typed(const GemmShape& shape, const GemmProblem& problem) {
  for (int64_t i = 0; i < problem.m; ++i) {
    const A* a = static_cast<const A*>(problem.a) + i * problem.lda;
    for (int64_t j0 = 0; j0 < shape.n; j0 += kWidth) {
      const int64_t split = shape.k_split ? shape.k_split : shape.k;
      const float* b = static_cast<const float*>(problem.b) + j0 * split;
      Four s0 = {}, s1 = {}, s2 = {}, s3 = {};
      for (int64_t p = 0; p < shape.k; ++p, b += kWidth) {
        if (p == split) b = static_cast<const float*>(problem.b_rest) + j0 * (shape.k - split);
        const float x = to_packed(a[p], float{});
        Four v[4];
        std::memcpy(v, b, sizeof v);
        s0 += x * v[0];
        s1 += x * v[1];
        s2 += x * v[2];
        s3 += x * v[3];
      }
      const Four sums[4] = {s0, s1, s2, s3};
      float sum[kWidth];
      std::memcpy(sum, sums, sizeof sum);
      for (int64_t j = 0, columns = std::min(kWidth, shape.n - j0); j < columns; ++j) {
        void* c = element(problem.c, shape.c_dtype, i * problem.ldc + j0 + j);
        if (shape.c_dtype == DType::kBF16)
          *static_cast<bf16*>(c) = bf16_from_f32(sum[j]);
        else
          *static_cast<float*>(c) = shape.store == Store::kAdd ? *static_cast<float*>(c) + sum[j] : sum[j];
      }
    }
  }
}

void run(const GemmShape& shape, const GemmProblem& problem) {
  shape.dtype == DType::kF32 ? run_typed<float>(shape, problem) : run_typed<bf16>(shape, problem);
}

void run_each(const GemmShape& shape, std::span<const GemmProblem> problems) {
  for (const GemmProblem& p : problems) run(shape, p);  // panels of 16 columns: b starts one
}

}  // namespace

const GemmVariant kScalarVariant = {
    "scalar", Isa::kScalar, packed_bytes, pack, run, run_each, layout, "k ascending; f32 product rounded, then added",
    "k ascending; f32 product rounded, then added",
};

}  // namespace minke::gemm_internal
