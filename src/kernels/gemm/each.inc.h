// Rows with a B each, several at a time: one row's vectors are too few chains to fill the pipes. Included after block.inc.h.

// One panel's `columns` of kRows rows; the panel may begin at any vector of its own.
template <class Step, int kRows, int kLive>
void each_block(const char* const* a, const Panel* panels, float* const* c, int64_t columns) {
  Simd::F acc[kRows][1][kLive];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kLive; ++v) acc[r][0][v] = Simd::zero();
  const char *at[kRows], *b[kRows];
  for (int r = 0; r < kRows; ++r) at[r] = a[r], b[r] = panels[r].b;
  constexpr int64_t kStepA = 4 * Step::kPerLoad;
  constexpr bool kHasLast = requires { Step::kLastIsShort; };
  const auto walk = [&](int64_t k) __attribute__((always_inline)) {
    const int64_t steps = kHasLast ? k / Step::kPerStep : (k + Step::kPerStep - 1) / Step::kPerStep;
    for (int64_t s = 0; s < steps; ++s)
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        Step::template step<1, kLive>(acc[r], at[r], 0, b[r]);
        at[r] += kStepA, b[r] += kPanelStep;
      }
  };
  if (panels[0].rest) {
    walk(panels[0].split);
    for (int r = 0; r < kRows; ++r) b[r] = panels[r].rest;
  }
  walk(panels[0].k - panels[0].split);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    if constexpr (kHasLast)
      if (panels[0].k % 2) Step::template last<1, kLive>(acc[r], at[r], 0, b[r]);
    write_block<1, kLive>(acc[r], {reinterpret_cast<char*>(c[r]), 0, DType::kF32, Store::kSet, columns});
  }
}

template <class Step, int kLive = Simd::kVectors>
void each_panel(const GemmShape& shape, std::span<const GemmProblem> problems, int64_t column, const PanelWalk<Step>& walk, int64_t panel) {
  const int64_t columns = shape.n - column;
  if constexpr (kLive > 1)
    if (columns <= (kLive - 1) * Simd::kLanes) return each_panel<Step, kLive - 1>(shape, problems, column, walk, panel);
  constexpr int kRows = kLive * 4 <= 8 ? 4 : 2;  // 8 chains fill the pipes
  const char* a[kRows];
  Panel b[kRows];
  float* c[kRows];
  for (size_t i = 0; i < problems.size();) {
    const int rows = int(std::min<size_t>(kRows, problems.size() - i));
    for (int r = 0; r < rows; ++r) {
      const GemmProblem& p = problems[i + size_t(r)];
      a[r] = static_cast<const char*>(p.a), b[r] = walk.panel(p, panel), c[r] = static_cast<float*>(p.c) + column;
    }
    if (rows == kRows) {
      each_block<Step, kRows, kLive>(a, b, c, columns);
    } else {
      for (int r = 0; r < rows; ++r) each_block<Step, 1, kLive>(a + r, b + r, c + r, columns);
    }
    i += size_t(rows);
  }
}

template <class Step>
void each_row(const GemmShape& shape, std::span<const GemmProblem> problems) {
  const PanelWalk<Step> walk(shape);
  for (int64_t column = 0, panel = 0; column < shape.n; column += Simd::kWidth, ++panel) each_panel<Step>(shape, problems, column, walk, panel);
}
