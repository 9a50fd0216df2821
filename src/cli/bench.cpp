// minke bench: kernels on real model shapes, or a config's training step, each beside the roof measured in the same seconds.
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/threads.h"
#include "cli/bench_attention.h"
#include "cli/bench_decode.h"
#include "cli/bench_train.h"
#include "cli/commands.h"
#include "kernels/gemm/gemm.h"
#include "kernels/math/isa_variants.h"
#include "kernels/peak/peak.h"
#include "kernels/row_cases.h"

namespace minke {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

struct Options {
  std::string kernel, config;
  bool json = false;
  std::string filter;
  double row_ms = 60;
  int64_t steps = 5;
  std::string model = "configs/tiny.toml";
};

// Rows of a table, printed as they come; one JSON object at the end instead with --json.
class Report {
 public:
  explicit Report(const Options& options) : options_(options) {
    out_ = {{"cpu", cpu_model()}, {"isa", isa_name(chosen_isa())}, {"threads", thread_count()}};
    out_["read_gb_s"] = read_ = read_gb_s();
    out_["rows"] = nlohmann::ordered_json::array();
    if (options_.json) return;
    std::printf("%s, %s, %d threads, reads %.1f GB/s\n", cpu_model().c_str(), isa_name(chosen_isa()), thread_count(), read_);
    std::printf("%-34s %-18s %-12s %7s %10s %8s %6s\n", "name", "m, n, k", "variant", "threads", "GFLOP/s", "GB/s", "share");
  }
  bool wants(const std::string& name) const { return name.find(options_.filter) != std::string::npos; }

  // Alternates spells of the roof and of `once`, best of each: the machine has slow seconds, and both see the same ones.
  template <class Once>
  void row(const std::string& name, const std::string& shape, DType dtype, int threads, double flop, double bytes, bool memory_bound, const Once& once) {
    once();
    double peak = 0, best = 1e30;
    const auto start = Clock::now();
    do {
      if (!memory_bound) peak = std::max(peak, peak_gflops(dtype, chosen_isa(), threads, 0.5));
      // One thread is timed by its own CPU time, as peak_gflops does: on a shared machine, the time it really ran.
      const clockid_t clock = threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
      const double spell = seconds(clock);
      int64_t calls = 0;
      double spent = 0;
      do {
        once();
        ++calls;
        spent = seconds(clock) - spell;
      } while (spent < 2e-3);
      best = std::min(best, spent / double(calls));
    } while (std::chrono::duration<double>(Clock::now() - start).count() < options_.row_ms * 1e-3);
    // Products and attention run on the product's variant, everything else on the loops'.
    const char* variant = flop > 0 ? gemm_variant().name : pick_variant("scalar", "avx2", "avx512");
    const double gflops = flop / best / 1e9, gb_s = bytes / best / 1e9, share = memory_bound ? gb_s / read_ : gflops / peak;
    if (!options_.json)
      std::printf("%-34s %-18s %-12s %7d %10.1f %8.1f %5.0f%%\n", name.c_str(), shape.c_str(), variant, threads, gflops, gb_s, share * 100);
    out_["rows"].push_back({{"name", name}, {"shape", shape}, {"variant", variant}, {"dtype", dtype_info(dtype).name}, {"threads", threads},
                            {"us", best * 1e6}, {memory_bound ? "gb_s" : "gflops", memory_bound ? gb_s : gflops},
                            {"of", memory_bound ? "read_gb_s" : "peak_gflops"}, {"peak", memory_bound ? read_ : peak}, {"share", share}});
  }
  // A whole engine against the matrix peak: the best of each of its steps.
  void decode_row(const std::string& name, DType dtype, const DecodeBench& bench) {
    double peak = 0, best = 0;
    const auto start = Clock::now();
    do {
      peak = std::max(peak, peak_gflops(dtype, chosen_isa(), thread_count(), 3));
      best = bench.run();
    } while (std::chrono::duration<double>(Clock::now() - start).count() < options_.row_ms * 1e-3);
    const double gflops = bench.flop / best / 1e9;
    if (!options_.json)
      std::printf("%-34s %-18s %-12s %7d %10.1f %8s %5.0f%%   %.0f tokens/s\n", name.c_str(), bench.shape.c_str(), gemm_variant().name, thread_count(),
                  gflops, "-", gflops / peak * 100, bench.tokens / best);
    out_["rows"].push_back({{"name", name}, {"shape", bench.shape}, {"variant", gemm_variant().name}, {"dtype", dtype_info(dtype).name},
                            {"threads", thread_count()}, {"tokens_s", bench.tokens / best}, {"gflops", gflops}, {"of", "peak_gflops"}, {"peak", peak},
                            {"share", gflops / peak}});
  }
  void finish() const {
    if (options_.json) std::printf("%s\n", out_.dump().c_str());
  }

 private:
  Options options_;
  nlohmann::ordered_json out_;
  double read_ = 0;
};

// Values between -1 and 1 without pattern; what they are does not matter to the clock, subnormals would.
void fill(Buffer& buffer, DType dtype, int64_t n) {
  buffer.resize(size_t(n) * dtype_bytes(dtype));
  uint32_t x = 1;
  for (int64_t i = 0; i < n; ++i) {
    x = x * 1664525u + 1013904223u;
    const float value = float(int32_t(x)) * 0x1p-31f;
    dtype == DType::kF32 ? void(buffer.as<float>()[i] = value) : void(buffer.as<bf16>()[i] = bf16_from_f32(value));
  }
}

// A layer of `experts` weights [out, in], m tokens each.
struct GemmCase {
  const char* what;
  int64_t m, out, in;
  int experts;
};

void bench_gemm_case(Report& report, DType dtype, const GemmCase& c, bool one_thread) {
  const int threads = one_thread ? 1 : thread_count();
  const std::string prefix = std::string(dtype_info(dtype).name) + " " + c.what + (c.experts > 1 ? " x" + std::to_string(c.experts) : "");
  const std::string shape = std::to_string(c.m) + ", " + std::to_string(c.out) + ", " + std::to_string(c.in);
  const int64_t tokens = c.m * c.experts;
  const double flop = 2.0 * double(tokens) * double(c.out) * double(c.in);
  const size_t width = dtype_bytes(dtype);
  Buffer weight, x, dy, packed, y(size_t(tokens * std::max(c.out, c.in)) * 4);
  const auto rows = [&](const Buffer& b, int64_t columns, size_t bytes, int e) { return b.as<char>() + size_t(e * c.m * columns) * bytes; };
  const auto product = [&](const char* direction, int64_t n, int64_t k, const Buffer& a, int64_t stride_k, int64_t stride_n) {
    const std::string name = prefix + " " + direction;
    if (!report.wants(name)) return;
    const int64_t bytes = (packed_b_bytes(dtype, k, n) + 63) / 64 * 64;
    packed.resize(size_t(bytes * c.experts));
    std::vector<GemmProblem> group;
    for (int e = 0; e < c.experts; ++e) {
      pack_b(dtype, k, n, weight.data(), dtype, stride_k, stride_n, packed.as<char>() + bytes * e);
      group.push_back({c.m, rows(a, k, width, e), k, packed.as<char>() + bytes * e, rows(y, n, width, e), n});
    }
    const GemmShape s{dtype, n, k, dtype};
    report.row(name, shape, dtype, threads, flop, double(bytes * c.experts), c.m == 1, [&] {
      if (one_thread)
        for (const GemmProblem& p : group) gemm_serial(s, p);
      else
        gemm(s, group);
    });
  };
  fill(weight, dtype, c.out * c.in);
  fill(x, dtype, tokens * c.in);
  fill(dy, dtype, tokens * c.out);
  product("forward", c.out, c.in, x, 1, c.in);
  if (c.m < 16) return;  // decoding only goes forward
  product("dgrad", c.in, c.out, dy, c.in, 1);
  const std::string name = prefix + " wgrad";
  if (!report.wants(name)) return;
  std::vector<WgradProblem> group;
  Buffer dw(size_t(c.out * c.in * c.experts) * 4);
  for (int e = 0; e < c.experts; ++e)
    group.push_back({c.m, rows(dy, c.out, width, e), c.out, rows(x, c.in, width, e), c.in, dw.as<float>() + e * c.out * c.in});
  report.row(name, shape, dtype, threads, flop, 0, false, [&] {
    if (one_thread) {
      for (const WgradProblem& p : group) gemm_wgrad_serial(dtype, c.out, c.in, p);
    } else {
      gemm_wgrad(dtype, c.out, c.in, group);
    }
  });
}

void bench_gemm(Report& report) {
  const GemmCase kCases[] = {
      {"expert", 32, 256, 256, 1},    {"expert", 128, 256, 256, 1},    {"expert", 512, 256, 256, 1},   {"expert", 32, 1024, 512, 1},
      {"expert", 128, 1024, 512, 1},  {"expert", 512, 1024, 512, 1},   {"expert", 128, 256, 256, 16},  {"expert", 512, 256, 256, 16},
      {"expert", 32, 1024, 512, 16},  {"expert", 128, 1024, 512, 16},  {"expert", 512, 512, 512, 16},  {"dense", 4096, 256, 256, 1},
      {"dense", 4096, 1024, 512, 1},  {"dense", 2048, 2048, 1024, 1},  {"vocabulary", 1024, 4096, 256, 1},
      {"dense", 64, 2048, 2048, 1},   {"attention", 64, 64, 192, 1},   {"attention", 64, 128, 64, 1},  {"decode", 1, 2048, 1024, 16},
      {"decode 4", 4, 2048, 1024, 16},
  };
  for (DType dtype : {DType::kBF16, DType::kF32})
    for (const GemmCase& c : kCases)
      for (bool one_thread : {true, false})
        if (one_thread || thread_count() > 1) bench_gemm_case(report, dtype, c, one_thread);
}

void bench_rows(Report& report) {
  visit_row_operations([&](const std::string& name, const std::string& shape, DType dtype, double bytes, const std::function<void()>& once) {
    if (report.wants(name)) report.row(name, shape, dtype, thread_count(), 0, bytes, true, once);
  });
}

void bench_attention(Report& report) {
  for (DType dtype : {DType::kBF16, DType::kF32})
    for (const AttentionBenchCase& c : attention_bench_cases(dtype))
      if (report.wants(c.name)) report.row(c.name, c.shape, dtype, thread_count(), c.flop, c.bytes, c.memory_bound, c.once);
}

void bench_decode(Report& report, const std::string& model) {
  for (DType dtype : {DType::kBF16, DType::kF32})
    for (const auto& [streams, prompt, answer] : {std::tuple<int64_t, int64_t, int64_t>(64, 32, 128), {64, 128, 384}, {1, 32, 128}})
      for (const CacheForm form : {CacheForm::kExpanded, CacheForm::kLatent}) {
        const std::string name = std::string(dtype_info(dtype).name) + " decode " + std::to_string(streams) + (answer > 128 ? " long" : "") + (form == CacheForm::kLatent ? " latent" : " expanded");
        if (report.wants(name)) report.decode_row(name, dtype, decode_bench(model, dtype, form, streams, prompt, answer));
      }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "speed of the kernels and of a training step, as shares of this machine's peak");
  auto options = std::make_shared<Options>();
  command->add_option("kernel", options->kernel, "gemm: products; attention; rows: norms, SwiGLU, router, loss, AdamW and the like;\n"
                                                "decode: the engine at 1 and 64 streams of a model with random weights;\n"
                                                "train: steps of the training run that CONFIG describes, and where their time goes")
      ->required()
      ->check(CLI::IsMember({"gemm", "attention", "rows", "decode", "train"}));
  command->add_option("config", options->config, "train: the config, as minke train reads it");
  command->add_option("--steps", options->steps, "train: steps timed, after two that warm up")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_option("--model", options->model, "decode: the architecture, a .toml, .json or model folder")->capture_default_str();
  command->add_flag("--json", options->json, "one JSON object: cpu, isa, threads, read_gb_s, rows; train: tok_s, peak_share and more");
  command->add_option("--filter", options->filter, "only rows whose name contains this, e.g. \"bf16 expert\" or \"wgrad\"");
  command->add_option("--row-ms", options->row_ms, "milliseconds spent on a row")->check(CLI::Range(1.0, 1e5))->capture_default_str();
  command->footer(
      "Rows are forward, dgrad and wgrad of a layer [out, in] for m tokens; xN takes N experts in turn;\n"
      "attention counts the causal half's products alone. A row alternates with a\n"
      "register-only loop of the same instructions and reports the best spell of both. MINKE_ISA and MINKE_THREADS choose the variant\n"
      "and the threads.\n"
      "The rows of `train` add up to a step: wall time of the thread that drives it, its helpers' work inside. A product is set beside the\n"
      "matrix peak, the rest beside the read bandwidth (above 100% where the data lies in a cache).\nExample:\n  minke bench gemm --filter \"bf16 expert\"\n  minke bench attention --filter training\n"
      "  minke bench rows --filter swiglu\n  minke bench decode --filter \"decode 64 exp\" --row-ms 5000\n"
      "  minke bench train configs/tiny.toml");
  command->callback([options] {
    if (options->kernel == "train") {
      if (options->config.empty()) usage_fail("bench train: of which run? minke bench train CONFIG.toml");
      return bench_train(options->config, options->steps, options->json);
    }
    if (!options->config.empty()) usage_fail("bench {}: takes no config (found {}); only bench train does", options->kernel, options->config);
    Report report(*options);
    if (options->kernel == "gemm") bench_gemm(report);
    if (options->kernel == "attention") bench_attention(report);
    if (options->kernel == "rows") bench_rows(report);
    if (options->kernel == "decode") bench_decode(report, options->model);
    report.finish();
  });
}

}  // namespace minke
