#include "layers/loss.h"

#include <algorithm>

#include "kernels/loss/cross_entropy.h"

namespace minke {

int64_t head_chunk_rows(int64_t vocab) {
  constexpr int64_t kLogits = int64_t(1) << 21;  // 8 MiB of f32
  return std::clamp<int64_t>(kLogits / vocab / 16 * 16, 16, 512);
}

int64_t head_loss(const Linear& head, View x, const HeadTargets& targets, float* nll, View d_x, Arena& arena) {
  const bool backward = d_x.data != nullptr;
  const int64_t vocab = head.out, chunk = std::min(head_chunk_rows(vocab), std::max<int64_t>(x.rows, 1));
  ArenaScope scope(arena);
  View logits = take(arena, DType::kF32, chunk, vocab);
  View d_logits = backward ? take(arena, x.dtype, chunk, vocab) : View{};
  for (int64_t begin = 0; begin < x.rows; begin += chunk) {
    const int64_t n = std::min(chunk, x.rows - begin);
    const View xs = x.slice(begin, n), ls = logits.slice(0, n);
    linear_forward(head, xs, ls);
    temper_rows(n, vocab, targets.temperature, ls.f32());
    float* scale = targets.scale + begin;
    if (targets.reweigh) {
      cross_entropy_rows(n, vocab, ls.f32(), targets.ids + begin, scale, nll + begin, x.dtype, nullptr);
      targets.reweigh(begin, n, nll + begin, scale);
    }
    if (targets.temperature != 1)  // d logits = d tempered / temperature
      for (int64_t i = 0; i < n; ++i) scale[i] /= targets.temperature;
    cross_entropy_rows(n, vocab, ls.f32(), targets.ids + begin, scale, nll + begin, x.dtype, d_logits.data);
    if (!backward) continue;
    const View ds = d_logits.slice(0, n);
    linear_backward_input(head, ds, d_x.slice(begin, n));
    linear_backward_weight(head, xs, ds);
  }
  return std::count_if(targets.ids, targets.ids + x.rows, [](int32_t id) { return id >= 0; });
}

}  // namespace minke
