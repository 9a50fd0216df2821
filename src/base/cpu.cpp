#include "base/cpu.h"

#include <cpuid.h>
#include <immintrin.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace minke {
namespace {

bool request_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tile = (d >> 24) & 1, bf16 = (d >> 22) & 1;
  if (!tile || !bf16) return false;
  constexpr long kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
}

struct Cpu {
  bool supported[kIsaCount] = {true, false, false, false, false};
  Cpu() {
    __builtin_cpu_init();
    supported[1] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    supported[2] = supported[1] && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    supported[3] = supported[2] && __builtin_cpu_supports("avx512bf16");
    supported[4] = supported[3] && request_amx();
  }
};

const Cpu& cpu() {
  static const Cpu instance;
  return instance;
}

std::atomic<int> g_isa{-1};

Isa isa_from_environment() {
  const char* name = std::getenv("MINKE_ISA");
  if (!name || !*name) return best_isa();
  for (int i = 0; i < kIsaCount; ++i) {
    if (std::strcmp(name, isa_name(Isa(i))) != 0) continue;
    if (!isa_supported(Isa(i)))
      usage_fail("MINKE_ISA={}: this machine does not have it; its best is {}", name, isa_name(best_isa()));
    return Isa(i);
  }
  usage_fail("MINKE_ISA={}: unknown; expected one of scalar, avx2, avx512, avx512_bf16, amx", name);
}

}  // namespace

const char* isa_name(Isa isa) {
  static const char* const kNames[kIsaCount] = {"scalar", "avx2", "avx512", "avx512_bf16", "amx"};
  return kNames[int(isa)];
}

bool isa_supported(Isa isa) { return cpu().supported[int(isa)]; }

Isa best_isa() {
  int best = 0;
  for (int i = 0; i < kIsaCount; ++i)
    if (cpu().supported[i]) best = i;
  // Intel's vdpbf16ps runs at half the rate of its FMA: 88 against 165 GFLOP/s of a core (Emerald Rapids without AMX).
  if (Isa(best) == Isa::kAvx512Bf16 && cpu_vendor() == "GenuineIntel") return Isa::kAvx512;
  return Isa(best);
}

Isa chosen_isa() {
  int isa = g_isa.load(std::memory_order_relaxed);
  if (isa < 0) {
    isa = int(isa_from_environment());
    g_isa.store(isa, std::memory_order_relaxed);
  }
  return Isa(isa);
}

void force_isa(Isa isa) {
  MINKE_CHECK(isa_supported(isa));
  g_isa.store(int(isa), std::memory_order_relaxed);
}

std::string cpu_vendor() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  char name[13] = {};
  if (__get_cpuid(0, &a, &b, &c, &d)) {
    std::memcpy(name, &b, 4);
    std::memcpy(name + 4, &d, 4);
    std::memcpy(name + 8, &c, 4);
  }
  return name;
}

std::string cpu_model() {
  unsigned brand[3][4] = {};
  for (unsigned i = 0; i < 3; ++i)
    if (!__get_cpuid(0x80000002 + i, &brand[i][0], &brand[i][1], &brand[i][2], &brand[i][3])) return "unknown";
  char text[sizeof brand + 1] = {};
  std::memcpy(text, brand, sizeof brand);
  std::string name = text;
  name.erase(name.find_last_not_of(' ') + 1);
  name.erase(0, name.find_first_not_of(' '));
  return name.empty() ? "unknown" : name;
}

int64_t memory_bytes() {
  int64_t total = int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream in(path);
    int64_t limit = 0;
    if (in >> limit && limit > 0 && limit < total) total = limit;
  }
  return total;
}

int hardware_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return int(sysconf(_SC_NPROCESSORS_ONLN));
}

void set_float_state() {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040, kRoundingMask = 0x6000;
  _mm_setcsr((_mm_getcsr() & ~kRoundingMask) | kFlushToZero | kDenormalsAreZero);
}

}  // namespace minke
