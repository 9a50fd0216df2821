#pragma once
// Matrix products, all three directions of a linear layer y = x W' (W is [out, in] as published):
//   forward   Y[M,N]  = X[M,K]  · W'      B = W'  packed (k = in,  n = out)
//   dgrad     dX[M,K] = dY[M,N] · W       B = W   packed (k = out, n = in)
//   wgrad     dW[N,K] += dY' · X          gemm_wgrad
// A is row-major in f32 or bf16, B lies in the chosen variant's packed panels, sums are f32, C is f32 or bf16.
//
// Invariance (docs/invariance.md): an element of C depends on its row of A, its column of B and the variant alone. K is reduced
// in one order from the first element to the last (each variant states it), starting from zero; kAdd adds the old C at the end.
// Any M, N, K >= 0. Nothing is required of the alignment of A and C; rows may be strided. The caller's ranges are exact: no
// variant reads past the last element of a row of A or writes past the last of C.
#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "numeric/dtype.h"

namespace minke {

enum class Store : uint8_t { kSet, kAdd };  // C = AB, or C += AB (kAdd needs an f32 C)

struct GemmShape {
  DType dtype;          // of A and of the packed B's source values
  int64_t n = 0, k = 0;
  DType c_dtype = DType::kF32;
  Store store = Store::kSet;
  int64_t k_split = 0;  // B in two blocks: rows of K from here on lie in b_rest; a multiple of the layout's k_unit. 0: one block
};

// One product of a group: rows of A against one packed B.
struct GemmProblem {
  int64_t m = 0;
  const void* a = nullptr;  // [m, k], row stride lda elements
  int64_t lda = 0;
  const void* b = nullptr;  // packed by pack_b with the same dtype, k, n
  void* c = nullptr;        // [m, n], row stride ldc elements
  int64_t ldc = 0;
  const void* b_rest = nullptr;  // packed with k - k_split; run and gemm_serial alone take it
  const void* b_next = nullptr;  // a hint: the B that is read after this one
};

// Bytes of a packed B for products in `dtype`. A B packed for n columns also serves products with fewer: its first columns.
int64_t packed_b_bytes(DType dtype, int64_t k, int64_t n);
// Packs B[k,n] = source[k * stride_k + n * stride_n] (elements of source_dtype), rounded to `dtype`. A multi-panel pack runs on
// the pool when called outside of it. dst is 64-byte aligned.
void pack_b(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst);

// Where a packed B keeps its elements: panels of `width` columns, each [k_padded / group][width][group] values of `stored`.
struct PackedLayout {
  DType stored = DType::kF32;
  int64_t width = 0, group = 1, k_unit = 1;
  int64_t k_padded(int64_t k) const { return (k + k_unit - 1) / k_unit * k_unit; }
  // Element (row, column) of a B of k rows.
  int64_t index(int64_t k, int64_t row, int64_t column) const {
    return ((column / width * k_padded(k) + row / group * group) * width) + column % width * group + row % group;
  }
};
PackedLayout packed_layout(DType dtype);  // of the chosen variant

// All problems of a group, split over the pool in blocks of rows and panels.
void gemm(const GemmShape& shape, std::span<const GemmProblem> problems);
inline void gemm(const GemmShape& shape, const GemmProblem& problem) { gemm(shape, std::span(&problem, 1)); }
// One problem on the calling thread: the tile that attention is built of.
void gemm_serial(const GemmShape& shape, const GemmProblem& problem);

// dW[n,k] (f32, row stride k) += dY[m,n]' · X[m,k]. Tokens are cut in chunks of 512 counted from the problem's first row; a chunk is
// reduced from zero in the variant's K order and added to dW, chunk after chunk.
struct WgradProblem {
  int64_t m = 0;
  const void* dy = nullptr;  // [m, n]
  int64_t ld_dy = 0;
  const void* x = nullptr;   // [m, k]
  int64_t ld_x = 0;
  float* dw = nullptr;       // [n, k]
};
void gemm_wgrad(DType dtype, int64_t n, int64_t k, std::span<const WgradProblem> problems);
// One problem on the calling thread.
void gemm_wgrad_serial(DType dtype, int64_t n, int64_t k, const WgradProblem& problem);

// The variants, for tests, benches and `minke info`.
struct GemmVariant {
  const char* name;
  Isa isa;                         // needed, and chosen when chosen_isa() is this
  int64_t (*packed_bytes)(DType dtype, int64_t k, int64_t n);
  void (*pack)(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst);
  void (*run)(const GemmShape& shape, const GemmProblem& problem);  // one thread
  // Rows with a B each (m = 1, f32 C, kSet): the bits of run. Here b may point at any 16th column of a panel that the n columns do
  // not leave.
  void (*run_each)(const GemmShape& shape, std::span<const GemmProblem> problems);
  PackedLayout (*layout)(DType dtype);
  const char* order_bf16;          // how K is reduced, in words
  const char* order_f32;
};
std::span<const GemmVariant> gemm_variants();
const GemmVariant& gemm_variant();  // the chosen one

}  // namespace minke
