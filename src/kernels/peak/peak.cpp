#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12, inside unmasked AVX-512 intrinsics
#include "kernels/peak/peak.h"

#include <immintrin.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "base/threads.h"
#include "kernels/gemm/amx_tiles.h"

namespace minke {
namespace {

using Clock = std::chrono::steady_clock;

// CPU time of the calling thread: on a shared machine the time it really ran.
double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A loop runs `rounds` rounds; flop is per round. Written out in assembly: the compiler kept an array of accumulators in memory, which
// halved the peak.
struct Loop {
  void (*run)(int64_t rounds);
  double flop;
};

// The body once for each of the registers r = 0 ... n-1, all zeroed first: enough independent chains to hide the latency.
#define MINKE_CHAINS_14(text) ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13\n\t" text "\n\t.endr\n\t"
#define MINKE_CHAINS_24(text) ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t" text "\n\t.endr\n\t"
#define MINKE_COUNT "dec %[n]\n\tjnz 1b\n\t"
#define MINKE_LOW_REGISTERS \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"

void scalar_loop(int64_t rounds) {  // the compiler's baseline vectors, product and sum apart
  const __m128 x = _mm_set1_ps(0.5f), y = _mm_set1_ps(1e-3f);
  asm volatile(MINKE_CHAINS_14("xorps %%xmm\\r, %%xmm\\r") "1:\n\t" MINKE_CHAINS_14("mulps %[x], %%xmm\\r\n\taddps %[y], %%xmm\\r") MINKE_COUNT
               : [n] "+r"(rounds)
               : [x] "x"(x), [y] "x"(y)
               : "cc", MINKE_LOW_REGISTERS);
}

#pragma GCC push_options
#pragma GCC target("avx2,fma")
void avx2_loop(int64_t rounds) {
  const __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1e-3f);
  asm volatile(MINKE_CHAINS_14("vxorps %%ymm\\r, %%ymm\\r, %%ymm\\r") "1:\n\t" MINKE_CHAINS_14("vfmadd231ps %[x], %[y], %%ymm\\r") MINKE_COUNT
               : [n] "+r"(rounds)
               : [x] "x"(x), [y] "x"(y)
               : "cc", MINKE_LOW_REGISTERS);
}
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#define MINKE_ALL_REGISTERS                                                                                                             \
  MINKE_LOW_REGISTERS, "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23"
void avx512_loop(int64_t rounds) {
  const __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1e-3f);
  asm volatile(MINKE_CHAINS_24("vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r") "1:\n\t" MINKE_CHAINS_24("vfmadd231ps %[x], %[y], %%zmm\\r") MINKE_COUNT
               : [n] "+r"(rounds)
               : [x] "v"(x), [y] "v"(y)
               : "cc", MINKE_ALL_REGISTERS);
}

void avx512_bf16_loop(int64_t rounds) {
  const __m512i x = _mm512_set1_epi32(0x3F003F00), y = _mm512_set1_epi32(0x3A803A80);
  asm volatile(MINKE_CHAINS_24("vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r") "1:\n\t" MINKE_CHAINS_24("vdpbf16ps %[x], %[y], %%zmm\\r") MINKE_COUNT
               : [n] "+r"(rounds)
               : [x] "v"(x), [y] "v"(y)
               : "cc", MINKE_ALL_REGISTERS);
}
#pragma GCC pop_options

// Four independent tile products of zeros.
void amx_loop(int64_t rounds) {
  static constexpr gemm_internal::TileConfig kConfig = [] {
    gemm_internal::TileConfig config;
    for (int t = 0; t < 8; ++t) {
      config.row_bytes[t] = 64;
      config.rows[t] = 16;
    }
    return config;
  }();
  MINKE_TILE_CONFIG(kConfig);
  asm volatile("tilezero %%tmm0\n tilezero %%tmm1\n tilezero %%tmm2\n tilezero %%tmm3\n"
               "tilezero %%tmm4\n tilezero %%tmm5\n tilezero %%tmm6\n tilezero %%tmm7" ::: "memory");
  for (int64_t i = 0; i < rounds; ++i)
    asm volatile("tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n tdpbf16ps %%tmm7, %%tmm4, %%tmm1\n"
                 "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n tdpbf16ps %%tmm7, %%tmm5, %%tmm3" ::: "memory");
  MINKE_TILE_RELEASE();
}

Loop loop_for(DType dtype, Isa isa) {
  if (isa == Isa::kScalar) return {scalar_loop, 14 * 4 * 2};
  if (isa == Isa::kAvx2) return {avx2_loop, 14 * 8 * 2};
  if (dtype == DType::kF32 || isa == Isa::kAvx512) return {avx512_loop, 24 * 16 * 2};
  if (isa == Isa::kAvx512Bf16) return {avx512_bf16_loop, 24 * 32 * 2};
  return {amx_loop, 4 * 16 * 16 * 32 * 2};
}

// Calls body(thread) on `threads` threads that start together; returns the seconds of the slowest, by the wall or by its CPU time.
enum class Timed { kWall, kCpu };
double together(int threads, Timed timed, const std::function<void(int)>& body) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<double> seconds(static_cast<size_t>(threads));
  const auto work = [&](int t) {
    set_float_state();
    ready.fetch_add(1);
    while (!go.load(std::memory_order_acquire)) _mm_pause();
    const auto start = Clock::now();
    const double cpu_start = thread_seconds();
    body(t);
    seconds[size_t(t)] = timed == Timed::kCpu ? thread_seconds() - cpu_start : seconds_since(start);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
  while (ready.load() < threads - 1) std::this_thread::yield();
  go.store(true, std::memory_order_release);
  work(0);
  for (auto& other : others) other.join();
  return *std::max_element(seconds.begin(), seconds.end());
}

std::atomic<float> g_sink;  // keeps results from being optimised away

// Memory of its own, in large pages where the system grants them.
struct Region {
  explicit Region(size_t n) : bytes(n), data(mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (data == MAP_FAILED) throw std::bad_alloc();
    madvise(data, bytes, MADV_HUGEPAGE);
  }
  ~Region() { munmap(data, bytes); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  size_t bytes;
  void* data;
};

float read_all(const char* p, size_t bytes) {
  __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
  for (size_t at = 0; at < bytes; at += 64)
    for (int j = 0; j < 4; ++j) sum[j] = _mm_add_ps(sum[j], _mm_load_ps(reinterpret_cast<const float*>(p + at) + 4 * j));
  return _mm_cvtss_f32(_mm_add_ps(_mm_add_ps(sum[0], sum[1]), _mm_add_ps(sum[2], sum[3])));
}

}  // namespace

double peak_gflops(DType dtype, Isa isa, int threads, double spell_ms) {
  const Loop loop = loop_for(dtype, isa);
  int64_t rounds = 2000;
  double best = 0;
  const auto start = Clock::now();
  for (int spell = 0; spell < 5 && seconds_since(start) < spell_ms * 0.008; ++spell) {
    const double seconds = together(threads, Timed::kCpu, [&](int) { loop.run(rounds); });
    best = std::max(best, double(threads) * loop.flop * double(rounds) / seconds / 1e9);
    if (spell == 0) rounds = std::max<int64_t>(rounds, int64_t(best * 1e9 / threads / loop.flop * spell_ms * 1e-3));
  }
  return best;
}

double read_gb_s(int threads) {
  if (threads <= 0) threads = thread_count();
  constexpr size_t kBytes = size_t(128) << 20;
  const Region region(kBytes);
  const size_t share = kBytes / size_t(threads) / 4096 * 4096;
  char* data = static_cast<char*>(region.data);
  together(threads, Timed::kWall, [&](int t) {  // every page its own: untouched pages are one shared page of zeros
    for (size_t at = 0; at < share; at += 4096) data[size_t(t) * share + at] = 1;
  });
  double best = 0;
  for (int spell = 0; spell < 3; ++spell) {
    const double seconds = together(threads, Timed::kWall, [&](int t) { g_sink.store(read_all(data + size_t(t) * share, share), std::memory_order_relaxed); });
    best = std::max(best, double(share) * threads / seconds / 1e9);
  }
  return best;
}

}  // namespace minke
