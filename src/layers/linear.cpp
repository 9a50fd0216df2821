#include "layers/linear.h"

#include <vector>

#include "base/ledger.h"

namespace minke {
namespace {

double flop(const Linear& p, int64_t rows) { return 2 * double(rows) * double(p.in) * double(p.out); }

GemmShape shape_of(DType dtype, int64_t n, int64_t k, View c, Store store) { return {dtype, n, k, c.dtype, store}; }

template <class PickB>
void grouped(std::span<const Linear> p, std::span<const int64_t> offsets, View a, View c, int64_t n, int64_t k, PickB pick) {
  MINKE_CHECK_EQ(offsets.size(), p.size() + 1);
  std::vector<GemmProblem> problems;
  problems.reserve(p.size());
  for (size_t e = 0; e < p.size(); ++e) {
    const int64_t m = offsets[e + 1] - offsets[e];
    if (m > 0) problems.push_back({m, a.row(offsets[e]), a.ld, pick(p[e]), c.row(offsets[e]), c.ld});
  }
  gemm(shape_of(p[0].dtype, n, k, c, Store::kSet), problems);
}

}  // namespace

void linear_forward(const Linear& p, View x, View y, Store store) {
  const KernelScope kernel("linear forward", flop(p, x.rows), 0, p.out, p.in);
  if (kernel.dry()) return;
  MINKE_CHECK_EQ(x.cols, p.in);
  MINKE_CHECK_EQ(y.cols, p.out);
  MINKE_CHECK_EQ(x.rows, y.rows);
  gemm(shape_of(p.dtype, p.out, p.in, y, store), GemmProblem{x.rows, x.data, x.ld, p.w_forward, y.data, y.ld});
}

void linear_backward_input(const Linear& p, View dy, View dx, Store store) {
  const KernelScope kernel("linear dgrad", flop(p, dy.rows), 0, p.out, p.in);
  if (kernel.dry()) return;
  MINKE_CHECK_EQ(dy.cols, p.out);
  MINKE_CHECK_EQ(dx.cols, p.in);
  gemm(shape_of(p.dtype, p.in, p.out, dx, store), GemmProblem{dy.rows, dy.data, dy.ld, p.w_backward, dx.data, dx.ld});
}

void linear_backward_weight(const Linear& p, View x, View dy) {
  const KernelScope kernel("linear wgrad", flop(p, x.rows), 0, p.out, p.in);
  MINKE_CHECK_EQ(x.rows, dy.rows);
  const WgradProblem problem{x.rows, dy.data, dy.ld, x.data, x.ld, p.dw};
  gemm_wgrad(p.dtype, p.out, p.in, std::span(&problem, 1));
}

void grouped_forward(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View y) {
  const KernelScope kernel("experts forward", flop(p[0], x.rows), 0, p[0].out, p[0].in);
  if (kernel.dry()) return;
  grouped(p, offsets, x, y, p[0].out, p[0].in, [](const Linear& l) { return l.w_forward; });
}

void grouped_backward_input(std::span<const Linear> p, std::span<const int64_t> offsets, View dy, View dx) {
  const KernelScope kernel("experts dgrad", flop(p[0], dy.rows), 0, p[0].out, p[0].in);
  if (kernel.dry()) return;
  grouped(p, offsets, dy, dx, p[0].in, p[0].out, [](const Linear& l) { return l.w_backward; });
}

void grouped_backward_weight(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View dy) {
  const KernelScope kernel("experts wgrad", flop(p[0], x.rows), 0, p[0].out, p[0].in);
  std::vector<WgradProblem> problems;
  problems.reserve(p.size());
  for (size_t e = 0; e < p.size(); ++e) {
    const int64_t m = offsets[e + 1] - offsets[e];
    if (m > 0) problems.push_back({m, dy.row(offsets[e]), dy.ld, x.row(offsets[e]), x.ld, p[e].dw});
  }
  gemm_wgrad(p[0].dtype, p[0].out, p[0].in, problems);
}

}  // namespace minke
