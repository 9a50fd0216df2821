// The variant list, the choice, and the split of a group of products into tasks.
#include "kernels/gemm/gemm.h"

#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/gemm/gemm_internal.h"

namespace minke {
namespace {

using namespace gemm_internal;

// Nanoseconds one thread needs, roughly: multiply-adds near the peak of a Zen 4 core, or the bytes of B from memory if that is more.
double cost_ns(const GemmShape& shape, int64_t m) {
  const double per_bf16 = std::max(double(m) * 0.01, 0.06);
  return double(shape.n) * double(shape.k) * per_bf16 * (shape.dtype == DType::kF32 ? 2 : 1);
}

// One task: rows [row, row + rows) and columns [column, column + columns) of one problem.
struct Task {
  int32_t problem;
  int64_t row, rows, column, columns;
};

// Below this a second thread costs more than it brings (waking, and a share of A or B read twice).
constexpr double kSmallestTaskNs = 25000;
constexpr int64_t kFewestRows = 48;  // a task with fewer rows would re-read B too often

// Cuts rows first (B streams once per task, A only once in all), then columns.
void split(const GemmShape& shape, int32_t index, int64_t m, int64_t parts, std::vector<Task>& tasks) {
  const int64_t row_parts = std::clamp<int64_t>(m / kFewestRows, 1, parts);
  const int64_t rows = round_up((m + row_parts - 1) / row_parts, kRowUnit);
  const int64_t column_parts = std::max<int64_t>(parts / row_parts, 1);
  const int64_t columns = std::max(round_up((shape.n + column_parts - 1) / column_parts, kColumnUnit), kColumnUnit);
  for (int64_t column = 0; column < shape.n; column += columns)
    for (int64_t row = 0; row < m; row += rows)
      tasks.push_back({index, row, std::min(rows, m - row), column, std::min(columns, shape.n - column)});
}

void run_task(const GemmVariant& variant, const GemmShape& shape, const GemmProblem& problem, const Task& task) {
  GemmShape part_shape = shape;
  part_shape.n = task.columns;
  GemmProblem part = problem;
  part.m = task.rows;
  part.a = element(problem.a, shape.dtype, task.row * problem.lda);
  part.b = static_cast<const char*>(problem.b) + variant.packed_bytes(shape.dtype, shape.k, task.column);
  part.c = element(problem.c, shape.c_dtype, task.row * problem.ldc + task.column);
  variant.run(part_shape, part);
}

}  // namespace

std::span<const GemmVariant> gemm_variants() {
  static const GemmVariant variants[] = {kScalarVariant, kAvx2Variant, kAvx512Variant, kAvx512Bf16Variant, kAmxVariant};
  return variants;
}

const GemmVariant& gemm_variant() {
  const int isa = int(chosen_isa());
  const std::span<const GemmVariant> variants = gemm_variants();
  const GemmVariant* best = &variants[0];
  for (const GemmVariant& v : variants)
    if (int(v.isa) <= isa) best = &v;
  return *best;
}

PackedLayout packed_layout(DType dtype) { return gemm_variant().layout(dtype); }

int64_t packed_b_bytes(DType dtype, int64_t k, int64_t n) { return gemm_variant().packed_bytes(dtype, k, n); }

void pack_b(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  const GemmVariant& variant = gemm_variant();
  const int64_t units = (n + kColumnUnit - 1) / kColumnUnit;
  const int64_t units_per_task = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, k * kColumnUnit));
  parallel_for((units + units_per_task - 1) / units_per_task, [&](int64_t i) {
    const int64_t begin = i * units_per_task * kColumnUnit, end = std::min(n, begin + units_per_task * kColumnUnit);
    variant.pack(dtype, k, end - begin, element(source, source_dtype, begin * stride_n), source_dtype, stride_k, stride_n,
                 static_cast<char*>(dst) + variant.packed_bytes(dtype, k, begin));
  });
}

void gemm_serial(const GemmShape& shape, const GemmProblem& problem) { gemm_variant().run(shape, problem); }

void gemm(const GemmShape& shape, std::span<const GemmProblem> problems) {
  MINKE_CHECK(shape.store == Store::kSet || shape.c_dtype == DType::kF32);
  MINKE_CHECK_EQ(shape.k_split, 0);
  const GemmVariant& variant = gemm_variant();
  double total = 0;
  for (const GemmProblem& p : problems) total += p.m > 0 ? cost_ns(shape, p.m) : 0;
  const int threads = thread_count();
  if (threads == 1 || total < 2 * kSmallestTaskNs) {
    for (size_t i = 0; i < problems.size(); ++i) {
      GemmProblem p = problems[i];
      if (i + 1 < problems.size()) p.b_next = problems[i + 1].b;
      if (p.m > 0) variant.run(shape, p);
    }
    return;
  }
  // About six tasks a thread even out experts of unlike sizes; a problem near that size stays whole.
  const double target = std::max(total / (6.0 * threads), kSmallestTaskNs);
  thread_local std::vector<Task> plan;
  plan.clear();
  for (size_t i = 0; i < problems.size(); ++i) {
    const int64_t m = problems[i].m;
    if (m <= 0) continue;
    const auto parts = std::max<int64_t>(1, int64_t(cost_ns(shape, m) / target + 0.5));
    split(shape, int32_t(i), m, problems.size() == 1 ? round_up(parts, threads) : parts, plan);
  }
  struct Job {
    const GemmVariant& variant;
    const GemmShape& shape;
    std::span<const GemmProblem> problems;
    const Task* tasks;
  } job{variant, shape, problems, plan.data()};
  parallel_for(int64_t(plan.size()), [&job](int64_t i) {
    const Task& task = job.tasks[i];
    run_task(job.variant, job.shape, job.problems[size_t(task.problem)], task);
  });
}

}  // namespace minke
