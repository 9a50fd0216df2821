// The FMA variants whole, for AVX2 and AVX-512 alike. bf16 B lies in pairs (half the bytes of floats, the layout of the bf16
// variants); A is widened once per pass of rows, a panel of B once per pass if enough rows share it.

int64_t packed_bytes(DType dtype, int64_t k, int64_t n) {
  return round_up(n, Simd::kWidth) * (dtype == DType::kF32 ? k * 4 : round_up(k, 2) * 2);
}

PackedLayout layout(DType dtype) {
  return dtype == DType::kF32 ? PackedLayout{dtype, Simd::kWidth, 1, 1} : PackedLayout{dtype, Simd::kWidth, 2, 2};
}

void pack(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  if (dtype == DType::kF32)
    pack_simd<float>(k, k, n, source, source_dtype, stride_k, stride_n, dst);
  else
    pack_simd<bf16>(k, round_up(k, 2), n, source, source_dtype, stride_k, stride_n, dst);
}

void widen_row(const bf16* from, int64_t n, float* to) {
  int64_t i = 0;
  for (; i + Simd::kLanes <= n; i += Simd::kLanes) Simd::widen(from + i, to + i);
  for (; i < n; ++i) to[i] = bf16_to_f32(from[i]);
}

void widen_panel(const char* pairs, int64_t k, float* to) {
  for (int64_t p = 0; p < k; p += 2, pairs += kPanelStep, to += 2 * Simd::kWidth)
    for (int v = 0; v < Simd::kVectors; ++v) {
      Simd::store(to + v * Simd::kLanes, Simd::firsts(pairs + v * Simd::kLanes * 4));
      Simd::store(to + Simd::kWidth + v * Simd::kLanes, Simd::seconds(pairs + v * Simd::kLanes * 4));
    }
}

void run_bf16(const GemmShape& shape, const GemmProblem& problem) {
  constexpr int64_t kRowsWorthWidening = 24;
  const int64_t k = round_up(shape.k, 2), pass = std::min(rows_per_pass(problem.m, k, 4), problem.m);
  const PanelWalk<FmaPairStep> walk(shape);
  const int64_t c_bytes = shape.c_dtype == DType::kF32 ? 4 : 2;
  ArenaScope scope(thread_arena());
  float* a = thread_arena().take<float>(pass * k);
  float* wide = pass >= kRowsWorthWidening ? thread_arena().take<float>(k * Simd::kWidth) : nullptr;
  for (int64_t row = 0; row < problem.m; row += pass) {
    const int64_t rows = std::min(pass, problem.m - row);
    for (int64_t i = 0; i < rows; ++i) {
      widen_row(static_cast<const bf16*>(problem.a) + (row + i) * problem.lda, shape.k, a + i * k);
      if (k > shape.k) a[i * k + shape.k] = 0;
    }
    for (int64_t column = 0, i = 0; column < shape.n; column += Simd::kWidth, ++i) {
      const Output out{static_cast<char*>(problem.c) + (row * problem.ldc + column) * c_bytes, problem.ldc * c_bytes, shape.c_dtype, shape.store,
                       shape.n - column};
      const Panel b = walk.panel(problem, i);
      if (rows >= kRowsWorthWidening) {
        const int64_t split = b.rest ? b.split : k;
        widen_panel(b.b, split, wide);
        if (b.rest) widen_panel(b.rest, k - split, wide + split * Simd::kWidth);
        column_of_blocks<FmaStep>(rows, reinterpret_cast<const char*>(a), k * 4, {reinterpret_cast<const char*>(wide), k}, out);
      } else {
        column_of_blocks<FmaPairStep>(rows, reinterpret_cast<const char*>(a), k * 4, b, out);
      }
    }
  }
}

void run_each(const GemmShape& shape, std::span<const GemmProblem> problems) {
  if (shape.dtype == DType::kF32) return each_row<FmaStep>(shape, problems);
  ArenaScope scope(thread_arena());
  const int64_t k = round_up(shape.k, 2);
  GemmProblem* wide = thread_arena().take<GemmProblem>(int64_t(problems.size()));
  for (size_t i = 0; i < problems.size(); ++i) {
    float* a = thread_arena().take<float>(k);
    widen_row(static_cast<const bf16*>(problems[i].a), shape.k, a);
    if (k > shape.k) a[shape.k] = 0;
    wide[i] = problems[i];
    wide[i].a = a;
  }
  each_row<FmaPairStep>(shape, {wide, problems.size()});
}

void run(const GemmShape& shape, const GemmProblem& problem) {
  shape.dtype == DType::kF32 ? run_rows<FmaStep, 4>(shape, problem) : run_bf16(shape, problem);
}

int64_t wgrad_bytes(DType, int64_t m, int64_t columns) { return round_up(columns, Simd::kWidth) * m * 4; }

void wgrad_pack(DType dtype, int64_t m, int64_t columns, const void* source, int64_t stride, void* dst) {
  pack_simd<float>(m, m, columns, source, dtype, stride, 1, dst);
}

void wgrad_run(DType, int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw) {
  run_wgrad<FmaStep>(m, n, k, dy, x, dw, ld_dw);
}
