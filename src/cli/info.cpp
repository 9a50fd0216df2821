#include <cmath>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "kernels/gemm/gemm.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/peak/peak.h"

namespace minke {
namespace {

double rounded(double x) { return std::round(x * 10) / 10; }

}  // namespace

void add_info(CLI::App& app) {
  auto* command = app.add_subcommand("info", "what this machine has and which kernels minke chose");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "one JSON object");
  command->footer("Example:\n  minke info --json");
  command->callback([json] {
    nlohmann::ordered_json out = {{"cpu", cpu_model()}, {"isa", isa_name(chosen_isa())}, {"threads", thread_count()}, {"memory_bytes", memory_bytes()}};
    const int threads = thread_count();
    out["peak_gflops"] = rounded(peak_gflops(DType::kBF16, chosen_isa(), threads));
    out["peak_gflops_f32"] = rounded(peak_gflops(DType::kF32, chosen_isa(), threads));
    out["read_gb_s"] = rounded(read_gb_s());
    const char* loops = pick_variant("scalar", "avx2", "avx512");  // of everything that is no matrix product
    out["variants"] = nlohmann::ordered_json::object();
    out["variants"]["gemm"] = gemm_variant().name;
    out["variants"]["gemm_order_bf16"] = gemm_variant().order_bf16;
    out["variants"]["gemm_order_f32"] = gemm_variant().order_f32;
    for (const char* operation : {"attention", "rms_norm", "rope", "swiglu", "router", "permute", "cross_entropy", "draw", "embedding", "adamw"})
      out["variants"][operation] = loops;
    out["variants"]["bf16_rows"] = bf16_encoder_name();  // rows that those write
    if (*json) {
      std::printf("%s\n", out.dump().c_str());
    } else {
      for (auto& [key, value] : out.items()) std::printf("%-14s %s\n", key.c_str(), value.dump().c_str());
    }
  });
}

}  // namespace minke
