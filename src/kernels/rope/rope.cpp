#include "kernels/rope/rope.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

namespace minke {
namespace {

struct RopeRotate {
  RopeLayout layout;
  DType dtype;
  int64_t heads, d;
  void* x;
  int64_t ld, ld_head;
  const float* cos_sin;
  const int32_t* positions;
  bool inverse;
  Bf16Encoder encode;
};

}  // namespace
}  // namespace minke

#define MINKE_VARIANT_LOOPS "kernels/rope/rope_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

void rope_rotate(RopeLayout layout, DType dtype, int64_t rows, int64_t heads, int64_t d, void* x, int64_t ld, int64_t ld_head, const float* cos_sin,
                 const int32_t* positions, bool inverse) {
  MINKE_CHECK_EQ(d % 2, 0);
  const KernelScope kernel("rope", 0, 2 * double(rows * heads * d) * double(dtype_bytes(dtype)));
  if (kernel.dry()) return;
  const RopeRotate args{layout, dtype, heads, d, x, ld, ld_head, cos_sin, positions, inverse, bf16_encoder()};
  const auto loop = MINKE_VARIANT(rotate_rows);
  parallel_ranges(rows, std::max<int64_t>(1, 8192 / std::max<int64_t>(heads * d, 1)), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    loop(args, begin, end, thread_arena().take<float>(2 * d));
  });
}

}  // namespace minke
