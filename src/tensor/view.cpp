#include "tensor/view.h"

#include "base/ledger.h"
#include "base/threads.h"

namespace minke {

void copy(View from, View to) {
  MINKE_CHECK_EQ(from.rows, to.rows);
  MINKE_CHECK_EQ(from.cols, to.cols);
  const KernelScope kernel("copy", 0, double(from.rows * from.cols) * double(dtype_bytes(from.dtype) + dtype_bytes(to.dtype)));
  if (kernel.dry()) return;
  constexpr int64_t kGrainElements = 1 << 15;
  parallel_ranges(from.rows, kGrainElements / (from.cols + 1) + 1, [&](int64_t begin, int64_t end) {
    if (from.contiguous() && to.contiguous()) {
      convert(from.dtype, from.row(begin), to.dtype, to.row(begin), (end - begin) * from.cols);
      return;
    }
    for (int64_t r = begin; r < end; ++r) convert(from.dtype, from.row(r), to.dtype, to.row(r), from.cols);
  });
}

void fill_zero(View x) {
  const KernelScope kernel("fill zero", 0, double(x.rows * x.cols) * double(dtype_bytes(x.dtype)));
  if (kernel.dry()) return;
  for (int64_t r = 0; r < x.rows; ++r) std::memset(x.row(r), 0, size_t(x.cols) * dtype_bytes(x.dtype));
}

}  // namespace minke
