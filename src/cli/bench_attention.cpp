#include "cli/bench_attention.h"

#include <memory>

#include "base/buffer.h"
#include "base/rng.h"
#include "kernels/attention/attention.h"

namespace minke {
namespace {

struct Sizes {
  const char* name;
  int64_t segments, queries, keys, heads, d_nope, d_rope, d_v;
  bool absorbed;
};

Buffer random_buffer(DType dtype, int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  Rng rng(uint64_t(n) + 1);
  for (float& v : values) v = float(rng.uniform() * 2 - 1);
  Buffer buffer(size_t(n) * dtype_bytes(dtype));
  dtype_info(dtype).from_f32(values.data(), buffer.data(), n);
  return buffer;
}

// Owns what its segments point to.
struct Problem {
  AttentionShape shape;
  Buffer q, kv, k_rope, o, lse, d_o, d_q, d_kv, d_k_rope;
  std::vector<AttentionSegment> segments;
  std::vector<AttentionGrad> grads;
};

std::shared_ptr<Problem> make_problem(DType t, const Sizes& s) {
  auto p = std::make_shared<Problem>();
  const int64_t d = s.d_nope + s.d_rope, per_head = s.absorbed ? s.d_nope : s.d_nope + s.d_v;
  const int64_t kv_row = s.absorbed ? per_head : s.heads * per_head, kv_head = s.absorbed ? 0 : per_head;
  const int64_t bytes = int64_t(dtype_bytes(t)), nq = s.segments * s.queries, nk = s.segments * s.keys;
  p->shape = {.dtype = t, .heads = s.heads, .d_nope = s.d_nope, .d_rope = s.d_rope, .d_v = s.d_v, .scale = 0.125f,
              .q_row = s.heads * d, .q_head = d, .k_nope_row = kv_row, .k_nope_head = kv_head, .k_rope_row = s.d_rope,
              .v_row = kv_row, .v_head = kv_head, .o_row = s.heads * s.d_v, .o_head = s.d_v};
  p->q = random_buffer(t, nq * s.heads * d);
  p->kv = random_buffer(t, nk * kv_row);
  p->k_rope = random_buffer(t, nk * s.d_rope);
  p->o = random_buffer(t, nq * s.heads * s.d_v);
  p->d_o = random_buffer(t, nq * s.heads * s.d_v);
  p->lse = Buffer(size_t(nq * s.heads) * 4);
  p->d_q = Buffer(p->q.size());
  p->d_kv = Buffer(p->kv.size());
  p->d_k_rope = Buffer(size_t(nk * s.d_rope) * 4);
  const int64_t v_offset = s.absorbed ? 0 : s.d_nope;
  for (int64_t i = 0; i < s.segments; ++i) {
    const int64_t q0 = i * s.queries, k0 = i * s.keys, q_at = q0 * s.heads * d * bytes, o_at = q0 * s.heads * s.d_v * bytes;
    const int64_t k_at = k0 * kv_row * bytes, v_at = (k0 * kv_row + v_offset) * bytes;
    p->segments.push_back({s.queries, s.keys - s.queries, p->q.as<char>() + q_at, p->kv.as<char>() + k_at,
                           p->k_rope.as<char>() + k0 * s.d_rope * bytes, p->kv.as<char>() + v_at, p->o.as<char>() + o_at,
                           p->lse.as<float>() + q0 * s.heads});
    p->grads.push_back({p->d_o.as<char>() + o_at, p->d_q.as<char>() + q_at, p->d_kv.as<char>() + k_at, p->d_kv.as<char>() + v_at,
                        p->d_k_rope.as<float>() + k0 * s.d_rope});
  }
  return p;
}

}  // namespace

std::vector<AttentionBenchCase> attention_bench_cases(DType t) {
  const Sizes kSizes[] = {
      {"training", 16, 256, 256, 8, 32, 16, 32, false},
      {"prefill", 1, 2048, 2048, 8, 32, 16, 32, false},
      {"prefill v2-lite", 1, 512, 512, 16, 128, 64, 128, false},
      {"decode", 1, 1, 4096, 8, 32, 16, 32, false},
      {"decode absorbed", 1, 1, 4096, 8, 64, 16, 64, true},
      {"decode absorbed x16", 16, 1, 4096, 8, 64, 16, 64, true},
      {"decode absorbed v2-lite", 1, 1, 4096, 16, 512, 64, 512, true},
  };
  std::vector<AttentionBenchCase> cases;
  for (const Sizes& s : kSizes) {
    const std::string name = std::string(dtype_info(t).name) + " attention " + s.name;
    const std::string shape = std::to_string(s.segments) + "x" + std::to_string(s.queries) + "/" + std::to_string(s.keys) + " " +
                              std::to_string(s.heads) + "h " + std::to_string(s.d_nope) + "+" + std::to_string(s.d_rope) + "/" + std::to_string(s.d_v);
    const double pairs = double(s.segments * s.heads * s.queries) * (double(s.keys) - 0.5 * double(s.queries - 1));
    const double d = double(s.d_nope + s.d_rope), d_v = double(s.d_v);
    const double width = s.absorbed ? d : double(s.heads) * (double(s.d_nope) + d_v) + double(s.d_rope);
    const double bytes = double(s.segments * s.keys) * width * double(dtype_bytes(t));
    const auto problem = make_problem(t, s);
    cases.push_back({name + " forward", shape, 2 * pairs * (d + d_v), bytes, s.queries == 1 && !s.absorbed,
                     [problem] { attention_forward(problem->shape, problem->segments); }});
    if (s.queries == s.keys)
      cases.push_back({name + " backward", shape, 2 * pairs * (3 * d + 2 * d_v), 3 * bytes, false, [problem] {
                         if (problem->lse.as<float>()[0] == 0) attention_forward(problem->shape, problem->segments);
                         attention_backward(problem->shape, problem->segments, problem->grads);
                       }});
  }
  return cases;
}

}  // namespace minke
