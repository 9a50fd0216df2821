#pragma once
// Tile instructions as inline assembly over whole memory. GCC 12's intrinsics do not say what they read: _tile_loadconfig names 8 of
// the configuration's 64 bytes, so stores to the rest are dropped and the first tile load raises SIGILL.
#include <cstdint>

namespace minke::gemm_internal {

// The operand of ldtilecfg, palette 1.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace minke::gemm_internal

#ifndef MINKE_TILE_CONFIG  // the tests bring an emulation
#define MINKE_TILE_CONFIG(config) asm volatile("ldtilecfg %0" ::"m"(config) : "memory")
#define MINKE_TILE_RELEASE() asm volatile("tilerelease" ::: "memory")
#define MINKE_TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile ::: "memory")
#define MINKE_TILE_LOAD(tile, p, stride) asm volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(p), "r"(int64_t(stride)) : "memory")
#define MINKE_TILE_STORE(tile, p, stride) asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(p), "r"(int64_t(stride)) : "memory")
// c += a · b, b in pairs of rows
#define MINKE_TILE_DOT(c, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c ::: "memory")
#endif
