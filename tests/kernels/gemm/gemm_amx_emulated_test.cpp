// The AMX variant on machines without AMX: its own source, over tiles emulated in plain C++ in the order that was measured on one.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12, inside unmasked AVX-512 intrinsics
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <gtest/gtest.h>

#include <cstring>

#include "base/rng.h"
#include "kernels/gemm/gemm_models.h"

namespace minke {
namespace emulated {

struct Tile {
  int rows = 0, row_bytes = 0;
  float f32[16][16];
  uint16_t bf16_bits[16][32];
};
Tile tiles[8];

template <class Config>
void configure(const Config& config) {
  for (int t = 0; t < 8; ++t) {
    tiles[t].rows = config.rows[t];
    tiles[t].row_bytes = config.row_bytes[t];
  }
}
void zero(int t) {
  ASSERT_GT(tiles[t].rows, 0) << "tilezero of an unconfigured tile faults";
  std::memset(tiles[t].f32, 0, sizeof tiles[t].f32);
}
void load(int t, const void* p, int64_t stride) {
  ASSERT_GT(tiles[t].rows, 0);
  for (int r = 0; r < tiles[t].rows; ++r) std::memcpy(tiles[t].bf16_bits[r], static_cast<const char*>(p) + r * stride, size_t(tiles[t].row_bytes));
}
void store(int t, void* p, int64_t stride) {
  for (int r = 0; r < tiles[t].rows; ++r) std::memcpy(static_cast<char*>(p) + r * stride, tiles[t].f32[r], size_t(tiles[t].row_bytes));
}
void dot(int c, int a, int b) {
  ASSERT_EQ(tiles[c].rows, tiles[a].rows);
  ASSERT_EQ(tiles[a].row_bytes / 4, tiles[b].rows);
  for (int m = 0; m < tiles[c].rows; ++m)
    for (int n = 0; n < 16; ++n) {
      float even = 0, odd = 0;
      for (int k = 0; k < 16; ++k) {
        const auto value = [](uint16_t bits) { return bf16_to_f32({bits}); };
        even = std::fmaf(value(tiles[a].bf16_bits[m][2 * k]), value(tiles[b].bf16_bits[k][2 * n]), even);
        odd = std::fmaf(value(tiles[a].bf16_bits[m][2 * k + 1]), value(tiles[b].bf16_bits[k][2 * n + 1]), odd);
      }
      tiles[c].f32[m][n] += even + odd;
    }
}

}  // namespace emulated
}  // namespace minke

#define MINKE_TILE_CONFIG(config) ::minke::emulated::configure(config)
#define MINKE_TILE_RELEASE() void()
#define MINKE_TILE_ZERO(tile) ::minke::emulated::zero(tile)
#define MINKE_TILE_LOAD(tile, p, stride) ::minke::emulated::load(tile, p, stride)
#define MINKE_TILE_STORE(tile, p, stride) ::minke::emulated::store(tile, p, stride)
#define MINKE_TILE_DOT(c, a, b) ::minke::emulated::dot(c, a, b)
#define kAmxVariant kEmulatedAmxVariant
#define kAmxWgrad kEmulatedAmxWgrad
#include "kernels/gemm/gemm_amx.cpp"

namespace minke {
namespace {

using namespace gemm_internal;
using namespace gemm_test;

std::vector<float> random_bf16(int64_t n, uint64_t stream) {
  Rng rng(7, stream);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& x : values) x = bf16_round(rng.normal());
  return values;
}

class AmxEmulated : public testing::Test {
 protected:
  void SetUp() override {
    if (!isa_supported(Isa::kAvx512)) GTEST_SKIP() << "this machine has no avx512, which the AMX variant's packing needs";
    set_float_state();
  }
};

TEST_F(AmxEmulated, ProductsFollowTheStatedOrder) {
  const GemmVariant& amx = kEmulatedAmxVariant;
  const int64_t sizes[] = {0, 1, 3, 15, 16, 17, 31, 33, 65, 100};
  int turn = 0;
  for (int64_t m : sizes)
    for (int64_t n : sizes)
      for (int64_t k : sizes) {
        const int64_t lda = k + 3, ldc = n + 1;
        const std::vector<float> a = random_bf16(m > 0 ? (m - 1) * lda + k : 0, 1), w = random_bf16(n * k, 2);  // W is [n, k]
        Guarded a_memory(a.size() * 2);
        put(a, DType::kBF16, a_memory.as<void>());
        Buffer b(size_t(amx.packed_bytes(DType::kBF16, k, n)) + 64);
        amx.pack(DType::kBF16, k, n, w.data(), DType::kF32, 1, k, b.data());
        const int mode = turn++ % 3;
        const DType c_dtype = mode == 2 ? DType::kBF16 : DType::kF32;
        const std::vector<float> old(m > 0 ? size_t((m - 1) * ldc + n) : 0, 0.375f);
        Guarded c(old.size() * dtype_bytes(c_dtype));
        put(old, c_dtype, c.as<void>());
        amx.run({DType::kBF16, n, k, c_dtype, mode == 1 ? Store::kAdd : Store::kSet}, {m, a_memory.as<void>(), lda, b.data(), c.as<void>(), ldc});
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < (i + 1 < m ? ldc : n); ++j) {
            const size_t at = size_t(i * ldc + j);
            const float found = mode == 2 ? bf16_to_f32(c.as<bf16>()[at]) : c.as<float>()[at];
            const float sum = j < n ? model_tiles(a.data() + i * lda, w.data() + j * k, k) : 0;
            ASSERT_EQ(found, j == n ? 0.375f : mode == 0 ? sum : mode == 1 ? 0.375f + sum : bf16_round(sum)) << m << " " << n << " " << k << " at " << i << " " << j;
          }
      }
}

TEST_F(AmxEmulated, BlocksAndRowsGiveTheSameBits) { check_blocks_and_rows(kEmulatedAmxVariant, DType::kBF16); }

TEST_F(AmxEmulated, WeightGradientsFollowTheStatedOrder) {
  const WgradKernel& amx = kEmulatedAmxWgrad;
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 17, 33}, {32, 16, 32}, {77, 50, 40}, {200, 33, 65}}) {
    const std::vector<float> dy = random_bf16(m * n, 3), x = random_bf16(m * k, 4);
    std::vector<bf16> dy_stored(dy.size()), x_stored(x.size());
    put(dy, DType::kBF16, dy_stored.data());
    put(x, DType::kBF16, x_stored.data());
    Buffer packed_dy(size_t(amx.dy_bytes(DType::kBF16, m, n))), packed_x(size_t(amx.x_bytes(DType::kBF16, m, k)));
    amx.pack_dy(DType::kBF16, m, n, dy_stored.data(), n, packed_dy.data());
    amx.pack_x(DType::kBF16, m, k, x_stored.data(), k, packed_x.data());
    std::vector<float> dw(size_t(n * k), 0.25f), a(static_cast<size_t>(m)), b(static_cast<size_t>(m));
    amx.run(DType::kBF16, m, n, k, packed_dy.data(), packed_x.data(), dw.data(), k);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < k; ++j) {
        for (int64_t t = 0; t < m; ++t) {
          a[size_t(t)] = dy[size_t(t * n + i)];
          b[size_t(t)] = x[size_t(t * k + j)];
        }
        ASSERT_EQ(dw[size_t(i * k + j)], 0.25f + model_tiles(a.data(), b.data(), m)) << m << " " << i << " " << j;
      }
  }
}

}  // namespace
}  // namespace minke
