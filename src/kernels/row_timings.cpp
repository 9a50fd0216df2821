#include "kernels/row_timings.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>

#include "base/buffer.h"
#include "base/rng.h"
#include "kernels/adamw/adamw.h"
#include "kernels/embedding/embedding.h"
#include "kernels/loss/cross_entropy.h"
#include "kernels/norm/rms_norm.h"
#include "kernels/permute/permute.h"
#include "kernels/rope/rope.h"
#include "kernels/router/router.h"
#include "kernels/router/router_logits.h"
#include "kernels/swiglu/swiglu.h"

namespace minke {
namespace {

constexpr int64_t kTokens = 4096, kHidden = 256, kExperts = 16, kTopK = 2, kInner = 256, kVocab = 4096, kHeadRows = 512;
constexpr int64_t kParameters = 23'400'000;

// Normal numbers in a dtype; large blocks repeat their first million.
Buffer numbers(DType dtype, int64_t n, uint64_t seed, float scale = 1) {
  constexpr int64_t kDistinct = 1 << 20;
  std::vector<float> x(size_t(std::min(n, kDistinct)));
  Rng rng(seed);
  for (float& value : x) value = rng.normal() * scale;
  Buffer out(size_t(n) * dtype_bytes(dtype));
  for (int64_t i = 0; i < n; i += kDistinct)
    convert(DType::kF32, x.data(), dtype, out.as<char>() + size_t(i) * dtype_bytes(dtype), std::min(n - i, kDistinct));
  return out;
}

class Timer {
 public:
  explicit Timer(double seconds) : seconds_(seconds) {}
  void time(std::string name, std::string shape, double bytes, const std::function<void()>& run) {
    using Clock = std::chrono::steady_clock;
    run();
    double best = 1e30, total = 0;
    for (int repetition = 0; repetition < 3 || total < seconds_; ++repetition) {
      const auto start = Clock::now();
      run();
      const double took = std::chrono::duration<double>(Clock::now() - start).count();
      best = std::min(best, took);
      total += took;
    }
    out_.push_back({std::move(name), std::move(shape), best * 1e3, bytes / best * 1e-9});
  }
  std::vector<RowTiming> take() { return std::move(out_); }

 private:
  double seconds_;
  std::vector<RowTiming> out_;
};

void time_token_rows(Timer& timer) {
  const DType bf = DType::kBF16, f = DType::kF32;
  const double cells = double(kTokens * kHidden);
  const std::string shape = fmt::format("{}x{}", kTokens, kHidden);
  Buffer x = numbers(f, kTokens * kHidden, 1), w = numbers(f, kHidden, 2), dy = numbers(bf, kTokens * kHidden, 3);
  Buffer y(size_t(kTokens * kHidden) * 4), rstd(size_t(kTokens) * 4), dx(size_t(kTokens * kHidden) * 4), dw(size_t(kHidden) * 4);
  timer.time("rms_norm forward f32->bf16", shape, cells * 6, [&] {
    rms_norm_forward(kTokens, kHidden, 1e-6f, f, x.data(), kHidden, w.as<float>(), bf, y.data(), kHidden, rstd.as<float>());
  });
  timer.time("rms_norm backward f32,bf16", shape, cells * 14, [&] {
    rms_norm_backward(kTokens, kHidden, f, x.data(), kHidden, w.as<float>(), rstd.as<float>(), bf, dy.data(), kHidden, f, dx.data(), kHidden, true,
                      dw.as<float>());
  });

  Buffer gate = numbers(f, kExperts * kHidden, 4), logits(size_t(kTokens * kExperts) * 4), scores(logits.size()), weights(size_t(kTokens * kTopK) * 4);
  std::vector<int32_t> chosen(kTokens * kTopK);
  const std::string router_shape = fmt::format("{}x{}x{}", kTokens, kExperts, kHidden);
  timer.time("router_logits forward", router_shape, cells * 4, [&] {
    router_logits_forward(f, kTokens, kExperts, kHidden, x.data(), gate.as<float>(), logits.as<float>());
  });
  const RouterShape router{kExperts, kTopK, 1, 1, false, true, true, 1};
  timer.time("router forward", fmt::format("{}x{}", kTokens, kExperts), double(kTokens * kExperts) * 8, [&] {
    router_forward(router, kTokens, logits.as<float>(), nullptr, scores.as<float>(), chosen.data(), weights.as<float>());
  });
  Buffer d_weights = numbers(f, kTokens * kTopK, 5), d_logits(logits.size()), d_gate(gate.size());
  timer.time("router backward", fmt::format("{}x{}", kTokens, kExperts), double(kTokens * kExperts) * 8, [&] {
    router_backward(router, kTokens, scores.as<float>(), chosen.data(), d_weights.as<float>(), nullptr, d_logits.as<float>());
  });
  timer.time("balance_loss", fmt::format("{}x{}", kTokens, kExperts), double(kTokens * kExperts) * 12, [&] {
    balance_loss(kExperts, kTopK, kTokens, scores.as<float>(), 1e-4f, d_logits.as<float>());
  });
  timer.time("router_logits backward_x", router_shape, cells * 8, [&] {
    router_logits_backward_x(kTokens, kExperts, kHidden, d_logits.as<float>(), gate.as<float>(), dx.as<float>());
  });
  timer.time("router_logits backward_w", router_shape, cells * 4, [&] {
    router_logits_backward_w(f, kTokens, kExperts, kHidden, x.data(), d_logits.as<float>(), d_gate.as<float>());
  });

  ExpertPlan plan;
  const std::string slots_shape = fmt::format("{}x{}x{}", kTokens, kTopK, kHidden);
  timer.time("plan_experts", fmt::format("{}x{}", kTokens, kTopK), double(kTokens * kTopK) * 12,
             [&] { plan_experts(kTokens, kTopK, kExperts, chosen.data(), plan); });
  Buffer parts = numbers(bf, kTokens * kTopK * kHidden, 6), permuted(parts.size());
  timer.time("permute_rows bf16", slots_shape, cells * (2 + 4), [&] { permute_rows(bf, plan, kTopK, kHidden, dy.data(), permuted.data()); });
  timer.time("permute_rows_backward bf16", slots_shape, cells * (4 + 8),
             [&] { permute_rows_backward(bf, plan, kTokens, kTopK, kHidden, parts.data(), dx.as<float>()); });
  timer.time("combine_rows bf16", slots_shape, cells * (4 + 8),
             [&] { combine_rows(bf, plan, kTokens, kTopK, kHidden, parts.data(), weights.as<float>(), y.as<float>()); });
  timer.time("combine_rows_backward bf16", slots_shape, cells * (4 + 4 + 4), [&] {
    combine_rows_backward(bf, plan, kTokens, kTopK, kHidden, x.as<float>(), parts.data(), weights.as<float>(), permuted.data(), d_weights.as<float>());
  });

  std::vector<int32_t> ids(kTokens), positions(kTokens);
  for (int64_t i = 0; i < kTokens; ++i) ids[i] = int32_t(i * 2654435761u % kVocab), positions[i] = int32_t(i % 1024);
  Buffer table = numbers(bf, kVocab * kHidden, 7), d_table(size_t(kVocab * kHidden) * 4), cos_sin = numbers(f, 1024 * 16, 8);
  timer.time("embedding forward bf16", shape, cells * 6, [&] { embedding_forward(bf, kTokens, kHidden, ids.data(), table.data(), y.as<float>()); });
  timer.time("embedding backward", shape, cells * 12, [&] { embedding_backward(kTokens, kHidden, ids.data(), x.as<float>(), d_table.as<float>()); });
  Buffer q = numbers(bf, kTokens * 8 * 48, 9);
  timer.time("rope bf16", fmt::format("{}x8x16", kTokens), double(kTokens) * 8 * 16 * 4, [&] {
    rope_rotate(RopeLayout::kInterleaved, bf, kTokens, 8, 16, q.as<bf16>() + 32, 8 * 48, 48, cos_sin.as<float>(), positions.data(), false);
  });
}

void time_swiglu(Timer& timer) {
  const int64_t rows = kTokens * kTopK;
  const double cells = double(rows * kInner);
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    const std::string shape = fmt::format("{}x{} {}", rows, kInner, dtype_info(dtype).name);
    const double bytes = double(dtype_bytes(dtype));
    Buffer x = numbers(dtype, rows * 2 * kInner, 1), dh = numbers(dtype, rows * kInner, 2), h(dh.size()), dx(x.size());
    timer.time("swiglu forward", shape, cells * 3 * bytes, [&] { swiglu_forward(dtype, rows, kInner, x.data(), h.data()); });
    timer.time("swiglu backward with h", shape, cells * 6 * bytes,
               [&] { swiglu_backward(dtype, rows, kInner, x.data(), dh.data(), dx.data(), h.data()); });
  }
}

void time_loss(Timer& timer) {
  const double cells = double(kHeadRows * kVocab);
  Buffer x = numbers(DType::kF32, kHeadRows * kVocab, 1, 3), scale = numbers(DType::kF32, kHeadRows, 2), nll(scale.size()), d(x.size());
  std::vector<int32_t> targets(kHeadRows, 77);
  const std::string shape = fmt::format("{}x{}", kHeadRows, kVocab);
  timer.time("cross_entropy nll", shape, cells * 4, [&] {
    cross_entropy_rows(kHeadRows, kVocab, x.as<float>(), targets.data(), scale.as<float>(), nll.as<float>(), DType::kBF16, nullptr);
  });
  timer.time("cross_entropy nll, d bf16", shape, cells * 6, [&] {
    cross_entropy_rows(kHeadRows, kVocab, x.as<float>(), targets.data(), scale.as<float>(), nll.as<float>(), DType::kBF16, d.data());
  });
}

void time_optimizer(Timer& timer) {
  Buffer w = numbers(DType::kF32, kParameters, 1, 0.02f), g = numbers(DType::kF32, kParameters, 2, 0.001f);
  const std::string shape = fmt::format("{:.1f}M", double(kParameters) * 1e-6);
  timer.time("sum_of_squares", shape, double(kParameters) * 4, [&] { sum_of_squares(kParameters, g.as<float>()); });
  AdamW a;
  a.lr = 1e-4f;
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    Buffer m(size_t(kParameters) * dtype_bytes(dtype)), v(m.size());
    const double bytes = double(kParameters) * double(12 + 4 * dtype_bytes(dtype));
    timer.time(fmt::format("adamw moments {}", dtype_info(dtype).name), shape, bytes,
               [&] { adamw_update(a, dtype, kParameters, w.as<float>(), g.as<float>(), m.data(), v.data()); });
  }
}

}  // namespace

std::vector<RowTiming> row_timings(double seconds) {
  Timer timer(seconds);
  time_token_rows(timer);
  time_swiglu(timer);
  time_loss(timer);
  time_optimizer(timer);
  return timer.take();
}

}  // namespace minke
