#include "kernels/embedding/embedding.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/embedding/embedding_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

void embedding_forward(DType dtype, int64_t rows, int64_t n, const int32_t* ids, const void* table, float* out) {
  const KernelScope kernel("embedding forward", 0, double(rows * n) * double(4 + dtype_bytes(dtype)));
  if (kernel.dry()) return;
  const auto decode = MINKE_VARIANT(decode_row);
  parallel_ranges(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      if (dtype == DType::kF32)
        std::memcpy(out + row * n, static_cast<const float*>(table) + ids[row] * n, size_t(n) * 4);
      else
        decode(static_cast<const bf16*>(table) + ids[row] * n, out + row * n, n);
    }
  });
}

// Columns are shared out, not rows: a table entry meets its rows in order, on one thread.
void embedding_backward(int64_t rows, int64_t n, const int32_t* ids, const float* dy, float* d_table) {
  const KernelScope kernel("embedding backward", 0, 12 * double(rows * n));
  if (kernel.dry()) return;
  const auto add = MINKE_VARIANT(add_row);
  constexpr int64_t kLine = 16;  // floats of a cache line
  parallel_ranges((n + kLine - 1) / kLine, 4, [&](int64_t first, int64_t last) {
    const int64_t begin = first * kLine, size = std::min(n, last * kLine) - begin;
    for (int64_t row = 0; row < rows; ++row) add(dy + row * n + begin, d_table + ids[row] * n + begin, size);
  });
}

}  // namespace minke
