// AMX: blocks of 2 x 2 tiles, 32 rows by 32 columns, C in tiles for the whole of K. bf16 B lies in panels of 16 columns with pairs of
// k interleaved and K padded to 32, so that a tile of B is 1 KiB in a row. f32 products are the AVX-512 variant's.
//
// tdpbf16ps on an element: over the 16 pairs of a tile the even k and the odd k are summed apart from zero, one fma each, then added
// to one another, then to C; to nearest even, subnormals as zero, whatever MXCSR says (measured: 51,200 of 51,200 outputs).
// Rows of a tile do not see one another; the last rows use a configuration with fewer.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12, inside unmasked AVX-512 intrinsics
#include <immintrin.h>

#include <array>

#include "base/buffer.h"
#include "kernels/gemm/amx_tiles.h"
#include "kernels/gemm/gemm_internal.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")

namespace minke::gemm_internal {
namespace {

#include "kernels/gemm/simd512.inc.h"
#define MINKE_PANEL_WIDTH 16
#include "kernels/gemm/pack.inc.h"

constexpr int64_t kTileRows = 16, kTileK = 32, kBlockRows = 32, kTileBytes = 1024;

// Tiles 0..3 are C (0, 1: upper rows; 2, 3: lower), 4 and 5 A (upper, lower), 6 and 7 B (left, right).
constexpr TileConfig config_for(int rows) {
  TileConfig c;
  const int upper = rows < 16 ? rows : 16, lower = rows - upper;
  const int tile_rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
  for (int t = 0; t < 8; ++t) {
    c.rows[t] = uint8_t(tile_rows[t]);
    c.row_bytes[t] = tile_rows[t] > 0 ? 64 : 0;
  }
  return c;
}
constexpr std::array<TileConfig, kBlockRows + 1> all_configs() {
  std::array<TileConfig, kBlockRows + 1> configs{};
  for (int rows = 1; rows <= kBlockRows; ++rows) configs[size_t(rows)] = config_for(rows);
  return configs;
}
constinit const std::array<TileConfig, kBlockRows + 1> kConfigs = all_configs();

int64_t packed_bytes(DType dtype, int64_t k, int64_t n) {
  return dtype == DType::kF32 ? kAvx512Variant.packed_bytes(dtype, k, n) : round_up(n, kTileRows) * round_up(k, kTileK) * 2;
}

PackedLayout layout(DType dtype) {
  return dtype == DType::kF32 ? kAvx512Variant.layout(dtype) : PackedLayout{dtype, kTileRows, 2, kTileK};
}

void pack(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  if (dtype == DType::kF32)
    kAvx512Variant.pack(dtype, k, n, source, source_dtype, stride_k, stride_n, dst);
  else
    pack_simd<bf16>(k, round_up(k, kTileK), n, source, source_dtype, stride_k, stride_n, dst);
}

// One block: A's whole steps of 32 k where they lie, the last partial one from a zero-padded copy.
struct BlockA {
  const char* rows;
  int64_t row_bytes, steps;
  const char* rest;  // [rows, 32], or null
};

// Two panels of B: `split` steps of 32 k, then the rest of K where that lies.
struct BlockB {
  const char *left, *right;
  int64_t split;
  const char *left_rest, *right_rest;
};

// C of at most 32 rows by two panels, left in `c` (rows 128 bytes apart) or where it belongs.
template <bool kLower>
void multiply(const BlockA& a, const BlockB& b, float* c, int64_t c_row_bytes) {
  const char *left = b.left, *right = b.right;
  MINKE_TILE_ZERO(0);
  MINKE_TILE_ZERO(1);
  if constexpr (kLower) {
    MINKE_TILE_ZERO(2);
    MINKE_TILE_ZERO(3);
  }
  const auto step = [&](const char* p, int64_t row_bytes) __attribute__((always_inline)) {
    MINKE_TILE_LOAD(6, left, 64);
    MINKE_TILE_LOAD(4, p, row_bytes);
    MINKE_TILE_LOAD(7, right, 64);
    MINKE_TILE_DOT(0, 4, 6);
    MINKE_TILE_DOT(1, 4, 7);
    if constexpr (kLower) {
      MINKE_TILE_LOAD(5, p + kTileRows * row_bytes, row_bytes);
      MINKE_TILE_DOT(2, 5, 6);
      MINKE_TILE_DOT(3, 5, 7);
    }
    left += kTileBytes;
    right += kTileBytes;
  };
  const auto turn = [&](int64_t s) {
    if (s == b.split) left = b.left_rest, right = b.right_rest;
  };
  for (int64_t s = 0; s < a.steps; ++s) {
    turn(s);
    step(a.rows + s * 64, a.row_bytes);
  }
  turn(a.steps);
  if (a.rest) step(a.rest, 64);
  MINKE_TILE_STORE(0, c, c_row_bytes);
  MINKE_TILE_STORE(1, c + kTileRows, c_row_bytes);
  if constexpr (kLower) {
    char* lower = reinterpret_cast<char*>(c) + kTileRows * c_row_bytes;
    MINKE_TILE_STORE(2, lower, c_row_bytes);
    MINKE_TILE_STORE(3, lower + kTileRows * 4, c_row_bytes);
  }
}

// `columns` <= 32 of a finished block to C.
void write_out(const GemmShape& shape, const float* block, int64_t rows, int64_t columns, void* c, int64_t ldc) {
  for (int64_t i = 0; i < rows; ++i, block += 32)
    for (int64_t j = 0; j < columns; j += Simd::kLanes) {
      const Simd::F x = Simd::load(block + j);
      const Simd::Mask mask = Simd::mask(columns - j);
      if (shape.c_dtype == DType::kBF16)
        Simd::store_bf16(static_cast<bf16*>(c) + i * ldc + j, mask, x);
      else if (shape.store == Store::kAdd)
        Simd::store_add(static_cast<float*>(c) + i * ldc + j, mask, x);
      else
        Simd::store(static_cast<float*>(c) + i * ldc + j, mask, x);
    }
}

// All columns for `rows` rows: whole blocks of 32, or one smaller block; tiles are configured for min(rows, 32) rows.
void run_pass(const GemmShape& shape, const GemmProblem& problem, int64_t row, int64_t rows) {
  const int64_t steps = shape.k / kTileK, rest = shape.k % kTileK;
  const int64_t split = shape.k_split ? shape.k_split : shape.k;
  const int64_t panel_bytes = round_up(split, kTileK) * kTileRows * 2, rest_bytes = round_up(shape.k - split, kTileK) * kTileRows * 2;
  const auto* a = static_cast<const bf16*>(problem.a) + row * problem.lda;
  ArenaScope scope(thread_arena());
  bf16* rests = nullptr;  // [rows, 32]
  if (rest) {
    rests = thread_arena().take<bf16>(rows * kTileK);
    std::memset(static_cast<void*>(rests), 0, size_t(rows * kTileK) * 2);
    for (int64_t i = 0; i < rows; ++i) std::memcpy(static_cast<void*>(rests + i * kTileK), a + i * problem.lda + steps * kTileK, size_t(rest) * 2);
  }
  alignas(64) float block[kBlockRows * 32];
  const char *b = static_cast<const char*>(problem.b), *b_rest = static_cast<const char*>(problem.b_rest);
  for (int64_t column = 0; column < shape.n; column += 32, b += 2 * panel_bytes, b_rest += 2 * rest_bytes) {
    const int64_t columns = std::min<int64_t>(32, shape.n - column);
    const bool two = columns > kTileRows;  // a second panel that is not there: the first again, thrown away
    const BlockB block_b{b, two ? b + panel_bytes : b, shape.k_split ? split / kTileK : -1, b_rest, two ? b_rest + rest_bytes : b_rest};
    const bool direct = columns == 32 && shape.c_dtype == DType::kF32 && shape.store == Store::kSet;
    for (int64_t i = 0; i < rows; i += kBlockRows) {
      const BlockA block_a{reinterpret_cast<const char*>(a + i * problem.lda), problem.lda * 2, steps, rest ? reinterpret_cast<const char*>(rests + i * kTileK) : nullptr};
      void* c = element(problem.c, shape.c_dtype, (row + i) * problem.ldc + column);
      float* to = direct ? static_cast<float*>(c) : block;
      const int64_t to_bytes = direct ? problem.ldc * 4 : 128, block_rows = std::min(kBlockRows, rows - i);
      block_rows > kTileRows ? multiply<true>(block_a, block_b, to, to_bytes) : multiply<false>(block_a, block_b, to, to_bytes);
      if (!direct) write_out(shape, block, block_rows, columns, c, problem.ldc);
    }
  }
}

void run(const GemmShape& shape, const GemmProblem& problem) {
  if (shape.dtype == DType::kF32) return kAvx512Variant.run(shape, problem);
  constexpr int64_t kPassBytes = 512 << 10;  // of A, beside two panels of B, in an L2 of 2 MiB
  const int64_t pass = std::clamp<int64_t>(kPassBytes / std::max<int64_t>(1, shape.k * 2) / kBlockRows * kBlockRows, 2 * kBlockRows, 16 * kBlockRows);
  const int64_t whole = problem.m / kBlockRows * kBlockRows, last = problem.m - whole;
  if (whole > 0) {
    MINKE_TILE_CONFIG(kConfigs[size_t(kBlockRows)]);
    for (int64_t row = 0; row < whole; row += pass) run_pass(shape, problem, row, std::min(pass, whole - row));
  }
  if (last > 0) {
    MINKE_TILE_CONFIG(kConfigs[size_t(last)]);
    run_pass(shape, problem, whole, last);
  }
  MINKE_TILE_RELEASE();
}

void run_each(const GemmShape& shape, std::span<const GemmProblem> problems) {
  if (shape.dtype == DType::kF32) return kAvx512Variant.run_each(shape, problems);
  for (const GemmProblem& p : problems) run(shape, p);  // panels of 16 columns: b starts one
}

// dY as rows of A along tokens, [n rounded to 16, m rounded to 32], padding zero: pairs of tokens zipped, then turned tile by tile.
int64_t dy_bytes(DType dtype, int64_t m, int64_t n) {
  return dtype == DType::kF32 ? kAvx512Wgrad.dy_bytes(dtype, m, n) : round_up(n, kTileRows) * round_up(m, kTileK) * 2;
}

void pack_dy(DType dtype, int64_t m, int64_t n, const void* dy, int64_t ld_dy, void* dst) {
  if (dtype == DType::kF32) return kAvx512Wgrad.pack_dy(dtype, m, n, dy, ld_dy, dst);
  const auto* from = static_cast<const bf16*>(dy);
  auto* to = static_cast<bf16*>(dst);
  const int64_t padded = round_up(m, kTileK), whole_m = m / kTileK * kTileK, whole_n = n / kTileRows * kTileRows;
  if (whole_m < padded || whole_n < n) std::memset(dst, 0, size_t(dy_bytes(dtype, m, n)));
  for (int64_t i = 0; i < whole_n; i += kTileRows)
    for (int64_t t = 0; t < whole_m; t += kTileK) {
      Simd::I tile[16];
      for (int64_t p = 0; p < 16; ++p) tile[p] = Simd::zip(from + (t + 2 * p) * ld_dy + i, from + (t + 2 * p + 1) * ld_dy + i);
      Simd::transpose(tile);
      for (int64_t r = 0; r < 16; ++r) Simd::store_bits(to + (i + r) * padded + t, tile[r]);
    }
  for (int64_t t = 0; t < m; ++t)
    for (int64_t i = t < whole_m ? whole_n : 0; i < n; ++i) to[i * padded + t] = from[t * ld_dy + i];
}

int64_t x_bytes(DType dtype, int64_t m, int64_t k) { return dtype == DType::kF32 ? kAvx512Wgrad.x_bytes(dtype, m, k) : packed_bytes(dtype, m, k); }

void pack_x(DType dtype, int64_t m, int64_t k, const void* x, int64_t ld_x, void* dst) {
  dtype == DType::kF32 ? kAvx512Wgrad.pack_x(dtype, m, k, x, ld_x, dst) : pack(dtype, m, k, x, dtype, ld_x, 1, dst);
}

void run_wgrad(DType dtype, int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw) {
  if (dtype == DType::kF32) return kAvx512Wgrad.run(dtype, m, n, k, dy, x, dw, ld_dw);
  const int64_t padded = round_up(m, kTileK);
  run({dtype, k, padded, DType::kF32, Store::kAdd}, {n, dy, padded, x, dw, ld_dw});
}

}  // namespace

const GemmVariant kAmxVariant = {
    "amx", Isa::kAmx, packed_bytes, pack, run, run_each, layout, "32 of k at a time: even and odd k summed apart from zero, added, then added to the sum",
    "k ascending; one f32 fma each",
};
const WgradKernel kAmxWgrad = {dy_bytes, pack_dy, x_bytes, pack_x, run_wgrad};

}  // namespace minke::gemm_internal

#pragma GCC pop_options
