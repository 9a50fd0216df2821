#include "kernels/row_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

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

// Runs an operation once, since later ones use what it leaves, then shows it.
class Cases {
 public:
  explicit Cases(const RowVisitor& visitor) : visitor_(visitor) {}
  void show(const std::string& name, const std::string& shape, DType dtype, double bytes, const std::function<void()>& once) const {
    once();
    visitor_(name, shape, dtype, bytes, once);
  }

 private:
  const RowVisitor& visitor_;
};

void token_row_cases(const Cases& cases) {
  const DType bf = DType::kBF16, f = DType::kF32;
  const double cells = double(kTokens * kHidden);
  const std::string shape = fmt::format("{}x{}", kTokens, kHidden);
  Buffer x = numbers(f, kTokens * kHidden, 1), w = numbers(f, kHidden, 2), dy = numbers(bf, kTokens * kHidden, 3);
  Buffer y(size_t(kTokens * kHidden) * 4), rstd(size_t(kTokens) * 4), dx(size_t(kTokens * kHidden) * 4), dw(size_t(kHidden) * 4);
  cases.show("rms_norm forward f32->bf16", shape, bf, cells * 6, [&] {
    rms_norm_forward(kTokens, kHidden, 1e-6f, f, x.data(), kHidden, w.as<float>(), bf, y.data(), kHidden, rstd.as<float>());
  });
  cases.show("rms_norm backward f32,bf16", shape, bf, cells * 14, [&] {
    rms_norm_backward(kTokens, kHidden, f, x.data(), kHidden, w.as<float>(), rstd.as<float>(), bf, dy.data(), kHidden, f, dx.data(), kHidden, true,
                      dw.as<float>());
  });

  Buffer gate = numbers(f, kExperts * kHidden, 4), logits(size_t(kTokens * kExperts) * 4), scores(logits.size()), weights(size_t(kTokens * kTopK) * 4);
  std::vector<int32_t> chosen(kTokens * kTopK);
  const std::string router_shape = fmt::format("{}x{}x{}", kTokens, kExperts, kHidden);
  cases.show("router_logits forward", router_shape, f, cells * 4, [&] {
    router_logits_forward(f, kTokens, kExperts, kHidden, x.data(), gate.as<float>(), logits.as<float>());
  });
  const RouterShape router{kExperts, kTopK, 1, 1, false, true, true, 1};
  cases.show("router forward", fmt::format("{}x{}", kTokens, kExperts), f, double(kTokens * kExperts) * 8, [&] {
    router_forward(router, kTokens, logits.as<float>(), nullptr, scores.as<float>(), chosen.data(), weights.as<float>());
  });
  Buffer d_weights = numbers(f, kTokens * kTopK, 5), d_logits(logits.size()), d_gate(gate.size());
  cases.show("router backward", fmt::format("{}x{}", kTokens, kExperts), f, double(kTokens * kExperts) * 8, [&] {
    router_backward(router, kTokens, scores.as<float>(), chosen.data(), d_weights.as<float>(), nullptr, d_logits.as<float>());
  });
  cases.show("balance_loss", fmt::format("{}x{}", kTokens, kExperts), f, double(kTokens * kExperts) * 12, [&] {
    balance_loss(kExperts, kTopK, kTokens, scores.as<float>(), 1e-4f, d_logits.as<float>());
  });
  cases.show("router_logits backward_x", router_shape, f, cells * 8, [&] {
    router_logits_backward_x(kTokens, kExperts, kHidden, d_logits.as<float>(), gate.as<float>(), dx.as<float>());
  });
  cases.show("router_logits backward_w", router_shape, f, cells * 4, [&] {
    router_logits_backward_w(f, kTokens, kExperts, kHidden, x.data(), d_logits.as<float>(), d_gate.as<float>());
  });

  ExpertPlan plan;
  const std::string slots_shape = fmt::format("{}x{}x{}", kTokens, kTopK, kHidden);
  cases.show("plan_experts", fmt::format("{}x{}", kTokens, kTopK), f, double(kTokens * kTopK) * 12,
             [&] { plan_experts(kTokens, kTopK, kExperts, chosen.data(), plan); });
  Buffer parts = numbers(bf, kTokens * kTopK * kHidden, 6), permuted(parts.size());
  cases.show("permute_rows bf16", slots_shape, bf, cells * (2 + 4), [&] { permute_rows(bf, plan, kTopK, kHidden, dy.data(), permuted.data()); });
  cases.show("permute_rows_backward bf16", slots_shape, bf, cells * (4 + 8),
             [&] { permute_rows_backward(bf, plan, kTokens, kTopK, kHidden, parts.data(), dx.as<float>()); });
  cases.show("combine_rows bf16", slots_shape, bf, cells * (4 + 8),
             [&] { combine_rows(bf, plan, kTokens, kTopK, kHidden, parts.data(), weights.as<float>(), y.as<float>()); });
  cases.show("combine_rows_backward bf16", slots_shape, bf, cells * (4 + 4 + 4), [&] {
    combine_rows_backward(bf, plan, kTokens, kTopK, kHidden, x.as<float>(), parts.data(), weights.as<float>(), permuted.data(), d_weights.as<float>());
  });

  std::vector<int32_t> ids(kTokens), positions(kTokens);
  for (int64_t i = 0; i < kTokens; ++i) ids[i] = int32_t(i * 2654435761u % kVocab), positions[i] = int32_t(i % 1024);
  Buffer table = numbers(bf, kVocab * kHidden, 7), d_table(size_t(kVocab * kHidden) * 4), cos_sin = numbers(f, 1024 * 16, 8);
  cases.show("embedding forward bf16", shape, bf, cells * 6, [&] { embedding_forward(bf, kTokens, kHidden, ids.data(), table.data(), y.as<float>()); });
  cases.show("embedding backward", shape, f, cells * 12, [&] { embedding_backward(kTokens, kHidden, ids.data(), x.as<float>(), d_table.as<float>()); });
  Buffer q = numbers(bf, kTokens * 8 * 48, 9);
  cases.show("rope bf16", fmt::format("{}x8x16", kTokens), bf, double(kTokens) * 8 * 16 * 4, [&] {
    rope_rotate(RopeLayout::kInterleaved, bf, kTokens, 8, 16, q.as<bf16>() + 32, 8 * 48, 48, cos_sin.as<float>(), positions.data(), false);
  });
}

void swiglu_cases(const Cases& cases) {
  const int64_t rows = kTokens * kTopK;
  const double cells = double(rows * kInner);
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    const std::string shape = fmt::format("{}x{} {}", rows, kInner, dtype_info(dtype).name);
    const double bytes = double(dtype_bytes(dtype));
    Buffer x = numbers(dtype, rows * 2 * kInner, 1), dh = numbers(dtype, rows * kInner, 2), h(dh.size()), dx(x.size());
    cases.show("swiglu forward", shape, dtype, cells * 3 * bytes, [&] { swiglu_forward(dtype, rows, kInner, x.data(), h.data()); });
    cases.show("swiglu backward with h", shape, dtype, cells * 6 * bytes,
               [&] { swiglu_backward(dtype, rows, kInner, x.data(), dh.data(), dx.data(), h.data()); });
  }
}

void loss_cases(const Cases& cases) {
  const double cells = double(kHeadRows * kVocab);
  Buffer x = numbers(DType::kF32, kHeadRows * kVocab, 1, 3), scale = numbers(DType::kF32, kHeadRows, 2), nll(scale.size()), d(x.size());
  std::vector<int32_t> targets(kHeadRows, 77);
  const std::string shape = fmt::format("{}x{}", kHeadRows, kVocab);
  cases.show("cross_entropy nll", shape, DType::kBF16, cells * 4, [&] {
    cross_entropy_rows(kHeadRows, kVocab, x.as<float>(), targets.data(), scale.as<float>(), nll.as<float>(), DType::kBF16, nullptr);
  });
  cases.show("cross_entropy nll, d bf16", shape, DType::kBF16, cells * 6, [&] {
    cross_entropy_rows(kHeadRows, kVocab, x.as<float>(), targets.data(), scale.as<float>(), nll.as<float>(), DType::kBF16, d.data());
  });
}

void optimizer_cases(const Cases& cases) {
  Buffer w = numbers(DType::kF32, kParameters, 1, 0.02f), g = numbers(DType::kF32, kParameters, 2, 0.001f);
  const std::string shape = fmt::format("{:.1f}M", double(kParameters) * 1e-6);
  cases.show("sum_of_squares", shape, DType::kF32, double(kParameters) * 4, [&] { sum_of_squares(kParameters, g.as<float>()); });
  AdamW a;
  a.lr = 1e-4f;
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    Buffer m(size_t(kParameters) * dtype_bytes(dtype)), v(m.size());
    const double bytes = double(kParameters) * double(12 + 4 * dtype_bytes(dtype));
    cases.show(fmt::format("adamw moments {}", dtype_info(dtype).name), shape, dtype, bytes,
               [&] { adamw_update(a, dtype, kParameters, w.as<float>(), g.as<float>(), m.data(), v.data()); });
  }
}

}  // namespace

void visit_row_operations(const RowVisitor& visitor) {
  const Cases cases(visitor);
  token_row_cases(cases);
  swiglu_cases(cases);
  loss_cases(cases);
  optimizer_cases(cases);
}

}  // namespace minke
