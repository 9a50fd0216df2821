#pragma once
// What the machine can do, and the one ISA variant this process uses (the invariance contract: chosen once, never per shape).
#include <cstdint>
#include <string>

namespace minke {

enum class Isa { kScalar = 0, kAvx2 = 1, kAvx512 = 2, kAvx512Bf16 = 3, kAmx = 4 };
inline constexpr int kIsaCount = 5;

const char* isa_name(Isa isa);       // "scalar", "avx2", "avx512", "avx512_bf16", "amx"
bool isa_supported(Isa isa);         // by this machine and kernel (AMX asks for its tile permission once)
Isa best_isa();                      // the fastest supported: the highest, but on Intel avx512 rather than avx512_bf16
Isa chosen_isa();                    // best_isa(), or MINKE_ISA; an unknown or unsupported name throws UsageError
// Changes the choice; for tests and benches, with no kernel running. Packed weights of another variant become unreadable.
void force_isa(Isa isa);

std::string cpu_vendor();            // "GenuineIntel", "AuthenticAMD", ...
std::string cpu_model();             // marketing name, by the CPU itself: there may be no /proc
int64_t memory_bytes();              // physical, or the cgroup's limit where lower
int hardware_threads();              // CPUs this process may run on

// Every thread that computes calls this: flush-to-zero and denormals-are-zero on, round to nearest.
void set_float_state();

}  // namespace minke
