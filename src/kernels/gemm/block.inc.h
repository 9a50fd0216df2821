// The register block: kRows rows of A against one panel of B, the whole of K in registers, C written once. Included after a Simd.
// Bytes throughout. A is row-major (a step along K is 4 bytes: one float, or a pair of bf16) or itself a packed panel (rows are 4
// bytes apart, a step is a panel's row): the weight gradient's dY.

constexpr int64_t kPanelStep = Simd::kWidth * 4;  // bytes of B per step: kWidth floats, or kWidth pairs of bf16

// One panel of B: k elements of K, those from `split` on at `rest`.
struct Panel {
  const char* b;
  int64_t k;
  const char* rest = nullptr;
  int64_t split = 0;
  const char* next = nullptr;  // the panel to be read after this one, or null
};

struct Output {
  char* c;
  int64_t row_bytes;
  DType dtype;
  Store store;
  int64_t columns;  // of this panel that exist
};

// One K per step: acc = fma(a, b, acc).
struct FmaStep {
  static constexpr int64_t kPerStep = 1, kPerLoad = 1;
  template <int kRows, int kLive>
  static inline __attribute__((always_inline)) void step(Simd::F (&acc)[kRows][kLive], const char* a, int64_t a_row, const char* b) {
    Simd::F vb[kLive];
#pragma GCC unroll 4
    for (int v = 0; v < kLive; ++v) vb[v] = Simd::load(b + v * Simd::kLanes * 4);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Simd::F va = Simd::broadcast(a + r * a_row);
#pragma GCC unroll 4
      for (int v = 0; v < kLive; ++v) acc[r][v] = Simd::fma(va, vb[v], acc[r][v]);
    }
  }
};

// Two K per step, A in floats and B in pairs of bf16: the first of each pair, then the second. The same sums as FmaStep's on a
// widened panel, for so few rows that widening the panel would not pay.
struct FmaPairStep {
  static constexpr int64_t kPerStep = 2, kPerLoad = 2;
  template <int kRows, int kLive>
  static inline __attribute__((always_inline)) void step(Simd::F (&acc)[kRows][kLive], const char* a, int64_t a_row, const char* b) {
    Simd::F vb[kLive];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 4
      for (int v = 0; v < kLive; ++v) {
        const char* p = b + v * Simd::kLanes * 4;
        vb[v] = half == 0 ? Simd::firsts(p) : Simd::seconds(p);
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Simd::F va = Simd::broadcast(a + r * a_row + half * 4);
#pragma GCC unroll 4
        for (int v = 0; v < kLive; ++v) acc[r][v] = Simd::fma(va, vb[v], acc[r][v]);
      }
    }
  }
};

template <int kRows, int kLive>
inline __attribute__((always_inline)) void write_block(const Simd::F (&acc)[kRows][kLive], const Output& out) {
  const bool whole = out.columns >= Simd::kWidth;
  if (out.dtype == DType::kBF16) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      auto* c = reinterpret_cast<bf16*>(out.c + r * out.row_bytes);
#pragma GCC unroll 4
      for (int v = 0; v < kLive; ++v) {
        const int at = v * Simd::kLanes;
        if (whole)
          Simd::store_bf16(c + at, acc[r][v]);
        else if (at < out.columns)
          Simd::store_bf16(c + at, Simd::mask(out.columns - at), acc[r][v]);
      }
    }
    return;
  }
  const bool add = out.store == Store::kAdd;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    auto* c = reinterpret_cast<float*>(out.c + r * out.row_bytes);
#pragma GCC unroll 4
    for (int v = 0; v < kLive; ++v) {
      const int at = v * Simd::kLanes;
      if (whole)
        add ? Simd::store_add(c + at, acc[r][v]) : Simd::store(c + at, acc[r][v]);
      else if (at < out.columns)
        add ? Simd::store_add(c + at, Simd::mask(out.columns - at), acc[r][v]) : Simd::store(c + at, Simd::mask(out.columns - at), acc[r][v]);
    }
  }
}

// kLive vectors of the panel hold columns; a narrow C (attention heads, routers) computes no others. k counts elements. With a Step of
// pairs an odd K ends in Step::last, which reads one element of each row; a packed A or one in floats of our own is padded with a zero
// instead.
template <class Step, int kRows, int kLive, bool kPackedA>
void block(const char* a, int64_t a_row, const Panel& panel, const Output& out) {
  Simd::F acc[kRows][kLive];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kLive; ++v) acc[r][v] = Simd::zero();
  if (out.store == Store::kAdd)  // C arrives while K is being walked
    for (int r = 0; r < kRows; ++r)
      for (int64_t at = 0; at < std::min<int64_t>(out.columns, Simd::kWidth) * 4; at += 64) __builtin_prefetch(out.c + r * out.row_bytes + at, 1);
  constexpr int64_t kStepA = kPackedA ? kPanelStep : 4 * Step::kPerLoad;
  const int64_t row = kPackedA ? 4 : a_row;
  constexpr bool kHasLast = requires { Step::kLastIsShort; };
  const char* b = panel.b;
  const auto walk = [&]<bool kAhead>(int64_t k) __attribute__((always_inline)) {
    const int64_t steps = kHasLast && !kPackedA ? k / Step::kPerStep : (k + Step::kPerStep - 1) / Step::kPerStep;
    [[maybe_unused]] const int64_t ahead = panel.next - b;
    for (int64_t s = 0; s < steps; ++s, a += kStepA, b += kPanelStep) {
      if constexpr (kAhead)
#pragma GCC unroll 4
        for (int line = 0; line < kPanelStep; line += 64) __builtin_prefetch(b + ahead + line, 0, 2);
      Step::template step<kRows, kLive>(acc, a, row, b);
    }
  };
  if (!kPackedA && panel.next) {
    walk.template operator()<true>(panel.k);
  } else {
    if (!kPackedA && panel.rest) {
      walk.template operator()<false>(panel.split);
      b = panel.rest;
    }
    walk.template operator()<false>(panel.k - panel.split);
  }
  if constexpr (kHasLast && !kPackedA)
    if (panel.k % 2) Step::template last<kRows, kLive>(acc, a, row, b);
  write_block<kRows, kLive>(acc, out);
}

template <class Step, int kLive, bool kPackedA>
void block_of(int64_t rows, const char* a, int64_t a_row, const Panel& b, const Output& out) {
  switch (rows) {
    case 1: return block<Step, 1, kLive, kPackedA>(a, a_row, b, out);
    case 2: return block<Step, 2, kLive, kPackedA>(a, a_row, b, out);
    case 3: return block<Step, 3, kLive, kPackedA>(a, a_row, b, out);
    case 4: return block<Step, 4, kLive, kPackedA>(a, a_row, b, out);
    case 5: return block<Step, 5, kLive, kPackedA>(a, a_row, b, out);
    default: return block<Step, 6, kLive, kPackedA>(a, a_row, b, out);
  }
}

// The panels of a B, one after the other.
template <class Step>
struct PanelWalk {
  explicit PanelWalk(const GemmShape& s)
      : n(s.n), k(s.k), split(s.k_split), bytes(bytes_of(split ? split : k)), rest_bytes(split ? bytes_of(k - split) : 0) {}
  static int64_t bytes_of(int64_t k) { return (k + Step::kPerStep - 1) / Step::kPerStep * kPanelStep; }
  Panel panel(const GemmProblem& p, int64_t i) const {
    constexpr int64_t kAheadBytes = 32 << 10, kAheadRows = 64;  // more rows hide the wait; more bytes push others out of the L2
    const char* b = static_cast<const char*>(p.b) + i * bytes;
    if (split) return {b, k, static_cast<const char*>(p.b_rest) + i * rest_bytes, split};
    if (bytes > kAheadBytes || p.m > kAheadRows) return {b, k};
    return {.b = b, .k = k, .next = (i + 1) * Simd::kWidth < n ? b + bytes : static_cast<const char*>(p.b_next)};
  }
  int64_t n, k, split, bytes, rest_bytes;
};

// Rows of the next block when m are left: sixes, the last 7 to 11 in two even parts (4 or 5 rows still fill the pipes).
inline int64_t next_rows(int64_t m) { return m >= 12 || m == 6 ? 6 : m > 6 ? (m + 1) / 2 : m; }

// All rows of A against one panel.
template <class Step, int kLive = Simd::kVectors>
void column_of_blocks(int64_t m, const char* a, int64_t a_row, const Panel& b, Output out) {
  if constexpr (kLive > 1)
    if (out.columns <= (kLive - 1) * Simd::kLanes) return column_of_blocks<Step, kLive - 1>(m, a, a_row, b, out);
  // The next panel is asked for beside the last block, which has this one in the L1; a first block has enough to wait for.
  Panel now = b;
  now.next = nullptr;
  for (int64_t rows = 0; m > 0; m -= rows, a += rows * a_row, out.c += rows * out.row_bytes) {
    if (rows > 0 && next_rows(m) == m) now.next = b.next;
    rows = next_rows(m);
    block_of<Step, kLive, false>(rows, a, a_row, now, out);
  }
}

// dW[n,k] += dY' X for operands packed along tokens in panels of 4-byte columns. As many panels of X as stay in the L2 are taken at a
// time, and walked for each block of rows: dW is touched along its rows, which the hardware prefetches.
template <class Step>
void run_wgrad(int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw) {
  constexpr int64_t kBytes = 384 << 10;
  const int64_t panel_bytes = (m + Step::kPerStep - 1) / Step::kPerStep * kPanelStep;
  const int64_t span = std::max<int64_t>(kBytes / panel_bytes, 1) * Simd::kWidth;
  for (int64_t column0 = 0; column0 < k; column0 += span)
    for (int64_t row0 = 0; row0 < n; row0 += Simd::kWidth) {
      const char* a = static_cast<const char*>(dy) + row0 / Simd::kWidth * panel_bytes;
      const int64_t row_end = std::min<int64_t>(n, row0 + Simd::kWidth), column_end = std::min(k, column0 + span);
      for (int64_t row = row0, rows = 0; row < row_end; row += rows, a += rows * 4) {
        rows = next_rows(row_end - row);
        const char* b = static_cast<const char*>(x) + column0 / Simd::kWidth * panel_bytes;
        for (int64_t column = column0; column < column_end; column += Simd::kWidth, b += panel_bytes) {
          const Output out{reinterpret_cast<char*>(dw + row * ld_dw + column), ld_dw * 4, DType::kF32, Store::kAdd, k - column};
          block_of<Step, Simd::kVectors, true>(rows, a, 4, {b, m}, out);
        }
      }
    }
}

// Rows of A taken at a time, near 384 KiB so that they stay in the L2 beside a panel of B; passes alike in size, and rather one of half
// as many rows again than two, since each pass reads all of B.
inline int64_t rows_per_pass(int64_t m, int64_t k, int64_t bytes_per_element) {
  constexpr int64_t kBytes = 384 << 10;
  const int64_t fit = std::clamp<int64_t>(kBytes / std::max<int64_t>(1, k * bytes_per_element), 4 * kRowUnit, 64 * kRowUnit);
  const int64_t passes = std::max<int64_t>(1, (m + fit / 2) / fit);
  return round_up((m + passes - 1) / passes, kRowUnit);
}

// Step on A as it lies (kABytes per element).
template <class Step, int64_t kABytes>
void run_rows(const GemmShape& shape, const GemmProblem& problem) {
  const PanelWalk<Step> walk(shape);
  const int64_t c_bytes = shape.c_dtype == DType::kF32 ? 4 : 2;
  const int64_t pass = rows_per_pass(problem.m, shape.k, kABytes);
  for (int64_t row = 0; row < problem.m; row += pass) {
    const int64_t rows = std::min(pass, problem.m - row);
    const char* a = static_cast<const char*>(problem.a) + row * problem.lda * kABytes;
    for (int64_t column = 0, i = 0; column < shape.n; column += Simd::kWidth, ++i) {
      const Output out{static_cast<char*>(problem.c) + (row * problem.ldc + column) * c_bytes, problem.ldc * c_bytes, shape.c_dtype, shape.store,
                       shape.n - column};
      column_of_blocks<Step>(rows, a, problem.lda * kABytes, walk.panel(problem, i), out);
    }
  }
}
