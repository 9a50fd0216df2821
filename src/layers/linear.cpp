#include "layers/linear.h"

#include <vector>

#include "base/ledger.h"

namespace minke {
namespace {

double flop(const Linear& p, int64_t rows) { return 2 * double(rows) * double(p.in) * double(p.out); }

View round_to_fp8(const Recipe& r, Fp8Grid grid, View x, Arena& arena) {
  const View y = take(arena, DType::kBF16, x.rows, x.cols);
  const FakeQuantise q{grid, x.dtype, x.rows, x.cols, x.data, x.ld, static_cast<bf16*>(y.data)};
  r.scope == Fp8Scope::kTensor ? fake_quantise_whole(q) : fake_quantise(q, kFp8ActivationTile);
  return y;
}

// What dgrad multiplies: tiles along `out`.
View dgrad_operand(const Linear& p, View dy, Arena& arena) { return p.recipe ? round_to_fp8(*p.recipe, p.recipe->gradients, dy, arena) : dy; }

// What wgrad multiplies: tiles along the tokens of each group of rows.
View wgrad_operand(const Linear& p, Fp8Grid grid, View x, std::span<const int64_t> offsets, Arena& arena) {
  if (p.recipe->scope == Fp8Scope::kTensor) return round_to_fp8(*p.recipe, grid, x, arena);
  const View y = take(arena, DType::kBF16, x.rows, x.cols);
  fake_quantise_columns({grid, x.dtype, x.rows, x.cols, x.data, x.ld, static_cast<bf16*>(y.data)}, kFp8ActivationTile.cols, offsets);
  return y;
}

void wgrad_operands(const Linear& p, View& x, View& dy, std::span<const int64_t> offsets, Arena& arena) {
  if (!p.recipe) return;
  x = wgrad_operand(p, p.recipe->forward, x, offsets, arena);
  dy = wgrad_operand(p, p.recipe->gradients, dy, offsets, arena);
}

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

View forward_operand(const Linear& p, View x, Arena& arena) { return p.recipe ? round_to_fp8(*p.recipe, p.recipe->forward, x, arena) : x; }

void linear_forward(const Linear& p, View x, View y, Store store) {
  ArenaScope scope(thread_arena());
  x = forward_operand(p, x, thread_arena());
  const KernelScope kernel("linear forward", flop(p, x.rows), 0, p.out, p.in);
  if (kernel.dry()) return;
  MINKE_CHECK_EQ(x.cols, p.in);
  MINKE_CHECK_EQ(y.cols, p.out);
  MINKE_CHECK_EQ(x.rows, y.rows);
  gemm(shape_of(p.dtype, p.out, p.in, y, store), GemmProblem{x.rows, x.data, x.ld, p.w_forward, y.data, y.ld});
}

void linear_backward_input(const Linear& p, View dy, View dx, Store store) {
  ArenaScope scope(thread_arena());
  dy = dgrad_operand(p, dy, thread_arena());
  const KernelScope kernel("linear dgrad", flop(p, dy.rows), 0, p.out, p.in);
  if (kernel.dry()) return;
  MINKE_CHECK_EQ(dy.cols, p.out);
  MINKE_CHECK_EQ(dx.cols, p.in);
  gemm(shape_of(p.dtype, p.in, p.out, dx, store), GemmProblem{dy.rows, dy.data, dy.ld, p.w_backward, dx.data, dx.ld});
}

void linear_backward_weight(const Linear& p, View x, View dy) {
  MINKE_CHECK_EQ(x.rows, dy.rows);
  ArenaScope scope(thread_arena());
  const int64_t all[] = {0, x.rows};
  wgrad_operands(p, x, dy, all, thread_arena());
  const KernelScope kernel("linear wgrad", flop(p, x.rows), 0, p.out, p.in);
  const WgradProblem problem{x.rows, dy.data, dy.ld, x.data, x.ld, p.dw};
  gemm_wgrad(p.dtype, p.out, p.in, std::span(&problem, 1));
}

void grouped_forward(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View y) {
  ArenaScope scope(thread_arena());
  x = forward_operand(p[0], x, thread_arena());
  const KernelScope kernel("experts forward", flop(p[0], x.rows), 0, p[0].out, p[0].in);
  if (kernel.dry()) return;
  grouped(p, offsets, x, y, p[0].out, p[0].in, [](const Linear& l) { return l.w_forward; });
}

void grouped_backward_input(std::span<const Linear> p, std::span<const int64_t> offsets, View dy, View dx) {
  ArenaScope scope(thread_arena());
  dy = dgrad_operand(p[0], dy, thread_arena());
  const KernelScope kernel("experts dgrad", flop(p[0], dy.rows), 0, p[0].out, p[0].in);
  if (kernel.dry()) return;
  grouped(p, offsets, dy, dx, p[0].in, p[0].out, [](const Linear& l) { return l.w_backward; });
}

void grouped_backward_weight(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View dy) {
  ArenaScope scope(thread_arena());
  wgrad_operands(p[0], x, dy, offsets, thread_arena());
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
