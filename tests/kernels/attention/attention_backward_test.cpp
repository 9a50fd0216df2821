#include "base/threads.h"
#include "kernels/attention/attention_case.h"

namespace minke {
namespace {

using Complex = std::complex<double>;

// L = sum w · o; the derivative of L with respect to every input by a complex step of 1e-40.
TEST(AttentionReference, BackwardIsTheDerivativeOfForward) {
  const AttentionCase c(DType::kF32, 2, 9, 5, 4, 6, false, 1);
  const AttentionShape& a = c.shape;
  const auto padded = [](const std::vector<double>& x) { return std::vector<Complex>(x.begin(), x.end()); };
  std::vector<Complex> q = padded(c.q.values), kn = padded(c.k_nope.values), kr = padded(c.k_rope.values), v = padded(c.v.values);
  std::vector<Complex> o(c.keys * a.o_row);
  const AttentionRefInputs<Complex> in{.n_q = c.keys, .first = 0, .q = q.data(), .k_nope = kn.data(), .k_rope = kr.data(), .v = v.data()};
  const auto loss = [&] {
    attention_ref_forward(a, in, o.data(), static_cast<Complex*>(nullptr));
    Complex sum = 0;
    for (int64_t i = 0; i < c.keys; ++i)
      for (int64_t j = 0; j < a.heads * a.d_v; ++j) sum += o[i * a.o_row + j] * c.d_o.values[i * a.o_row + j];
    return sum;
  };

  std::vector<double> ro(o.size()), lse(c.keys * a.heads), dq(q.size()), dk(kn.size()), dr(c.keys * a.d_rope), dv(v.size());
  attention_ref_forward(a, c.ref(), ro.data(), lse.data());
  attention_ref_backward(a, c.ref(), ro.data(), lse.data(), c.d_o.values.data(), dq.data(), dk.data(), dr.data(), dv.data());
  const auto check = [&](std::vector<Complex>& x, int64_t at, double gradient, const char* name) {
    const Complex kept = x[at];
    x[at] += Complex(0, 1e-40);
    EXPECT_NEAR(loss().imag() / 1e-40, gradient, 1e-12) << name << " " << at;
    x[at] = kept;
  };
  for (int64_t i = 0; i < c.keys; ++i) {
    for (int64_t j = 0; j < a.heads * (a.d_nope + a.d_rope); ++j) check(q, i * a.q_row + j, dq[i * a.q_row + j], "q");
    for (int64_t h = 0; h < a.heads; ++h) {
      for (int64_t j = 0; j < a.d_nope; ++j) check(kn, i * a.k_nope_row + h * a.k_nope_head + j, dk[i * a.k_nope_row + h * a.k_nope_head + j], "k_nope");
      for (int64_t j = 0; j < a.d_v; ++j) check(v, i * a.v_row + h * a.v_head + j, dv[i * a.v_row + h * a.v_head + j], "v");
    }
    for (int64_t j = 0; j < a.d_rope; ++j) check(kr, i * a.k_rope_row + j, dr[i * a.d_rope + j], "k_rope");
  }
}

struct Gradients {
  Stored q, k_nope, v;
  std::vector<float> k_rope;
  explicit Gradients(const AttentionCase& c) : k_rope(size_t(c.keys * c.shape.d_rope), std::nanf("")) {
    q.resize(c.shape.dtype, c.keys * c.shape.q_row);
    k_nope.resize(c.shape.dtype, c.keys * c.shape.k_nope_row);
    v.resize(c.shape.dtype, c.keys * c.shape.v_row);
  }
  AttentionGrad grad(const AttentionCase& c) { return {c.d_o.at(0), q.at(0), k_nope.at(0), v.at(0), k_rope.data()}; }
  bool same_bits(const Gradients& b) const {
    return q.raw == b.q.raw && k_nope.raw == b.k_nope.raw && v.raw == b.v.raw &&
           (k_rope.empty() || std::memcmp(k_rope.data(), b.k_rope.data(), k_rope.size() * sizeof(float)) == 0);
  }
};

// What each gradient sums, in absolute values: rounding errors are relative to this, not to what cancellation leaves.
struct Magnitudes {
  std::vector<double> q, k_nope, k_rope, v;
  Magnitudes(const AttentionCase& c, const std::vector<double>& lse)
      : q(c.q.values.size(), 0), k_nope(c.k_nope.values.size(), 0), k_rope(size_t(c.keys * c.shape.d_rope), 0), v(c.v.values.size(), 0) {
    const AttentionShape& a = c.shape;
    const AttentionRefInputs<double> in = c.ref();
    for (int64_t h = 0; h < a.heads; ++h) {
      for (int64_t i = 0; i < c.keys; ++i) {
        const auto p = [&](int64_t j) { return std::exp(attention_ref_score(a, in, i, j, h) - lse[i * a.heads + h]); };
        const auto dp = [&](int64_t j) {
          double sum = 0;
          for (int64_t w = 0; w < a.d_v; ++w) sum += std::fabs(c.d_o.values[i * a.o_row + h * a.o_head + w] * in.v[j * a.v_row + h * a.v_head + w]);
          return sum;
        };
        double delta = 0;   // of |o| <= sum p |v|
        for (int64_t j = 0; j <= i; ++j) delta += p(j) * dp(j);
        for (int64_t j = 0; j <= i; ++j) {
          const double ds = p(j) * (dp(j) + delta) * a.scale;
          const int64_t qi = i * a.q_row + h * a.q_head, kj = j * a.k_nope_row + h * a.k_nope_head, vj = j * a.v_row + h * a.v_head;
          for (int64_t w = 0; w < a.d_nope; ++w) q[qi + w] += ds * std::fabs(in.k_nope[kj + w]), k_nope[kj + w] += ds * std::fabs(in.q[qi + w]);
          for (int64_t w = 0; w < a.d_rope; ++w) {
            q[qi + a.d_nope + w] += ds * std::fabs(in.k_rope[j * a.k_rope_row + w]);
            k_rope[j * a.d_rope + w] += ds * std::fabs(in.q[qi + a.d_nope + w]);
          }
          for (int64_t w = 0; w < a.d_v; ++w) v[vj + w] += p(j) * std::fabs(c.d_o.values[i * a.o_row + h * a.o_head + w]);
        }
      }
    }
  }
};

class AttentionBackward : public testing::Test {
 protected:
  void SetUp() override { set_thread_count(2); }
  void TearDown() override { force_isa(best_isa()); }
};

TEST_F(AttentionBackward, AgreesWithTheReferenceOnEveryVariant) {
  for (Isa isa : all_isas()) {
    force_isa(isa);
    uint64_t seed = 1;
    for (const CaseShape& s : kCaseShapes) {
      if (s.absorbed) continue;
      for (DType t : {DType::kF32, DType::kBF16}) {
        const AttentionCase c(t, s.heads, s.keys, s.d_nope, s.d_rope, s.d_v, false, ++seed);
        ForwardResult f = run_forward(c);
        Gradients g(c);
        const AttentionSegment segment = c.segment(0, c.keys, f.o, f.lse);
        const AttentionGrad grad = g.grad(c);
        attention_backward(c.shape, std::span(&segment, 1), std::span(&grad, 1));

        std::vector<double> o(f.o.values.size()), lse(f.lse.size());
        std::vector<double> dq(g.q.values.size(), std::nan("")), dk(g.k_nope.values.size(), std::nan("")), dv(dk), dr(g.k_rope.size());
        attention_ref_forward(c.shape, c.ref(), o.data(), lse.data());
        attention_ref_backward(c.shape, c.ref(), o.data(), lse.data(), c.d_o.values.data(), dq.data(), dk.data(), dr.data(), dv.data());
        // Rounded to dtype: o (inside delta), ds and the result; p and the result. In f32 a score of size 10 moves p by 40 units or so.
        const Magnitudes m(c, lse);
        const double tolerance = t == DType::kF32 ? 100 * 0x1p-24 : 3.5 * 0x1p-9;
        const auto expect_close = [&](const char* name, const std::vector<double>& ref, const std::vector<double>& size, const auto& get) {
          double worst = 0;
          for (size_t i = 0; i < ref.size(); ++i) {
            if (std::isnan(ref[i])) continue;   // padding
            const double error = std::fabs(get(int64_t(i)) - ref[i]) / size[i];
            worst = std::max(worst, std::isfinite(error) ? error : HUGE_VAL);
          }
          EXPECT_LE(worst, tolerance) << name << " " << describe(c);
        };
        expect_close("dq", dq, m.q, [&](int64_t i) { return g.q.get(i); });
        expect_close("dk_nope", dk, m.k_nope, [&](int64_t i) { return g.k_nope.get(i); });
        expect_close("dv", dv, m.v, [&](int64_t i) { return g.v.get(i); });
        expect_close("dk_rope", dr, m.k_rope, [&](int64_t i) { return g.k_rope[i]; });
        bool padding_kept = true;
        for (size_t i = 0; i < dq.size(); ++i) padding_kept &= !std::isnan(dq[i]) || std::isnan(g.q.get(int64_t(i)));
        EXPECT_TRUE(padding_kept) << "written outside of q's rows: " << describe(c);
      }
    }
  }
}

TEST_F(AttentionBackward, DoesNotDependOnThreadsOrBatch) {
  for (Isa isa : all_isas()) {
    force_isa(isa);
    for (DType t : {DType::kF32, DType::kBF16}) {
      const AttentionCase first(t, 3, 150, 12, 4, 10, false, 21), second(t, 3, 67, 12, 4, 10, false, 22);
      ForwardResult f1 = run_forward(first), f2 = run_forward(second);
      const AttentionSegment segments[] = {first.segment(0, first.keys, f1.o, f1.lse), second.segment(0, second.keys, f2.o, f2.lse)};
      Gradients alone(first), other(second);
      const AttentionGrad grads[] = {alone.grad(first), other.grad(second)};
      set_thread_count(1);
      for (int i = 0; i < 2; ++i) attention_backward(first.shape, std::span(&segments[i], 1), std::span(&grads[i], 1));
      for (int threads : {1, 2, 3}) {
        set_thread_count(threads);
        Gradients a(first), b(second);
        const AttentionGrad both[] = {a.grad(first), b.grad(second)};
        attention_backward(first.shape, segments, both);
        EXPECT_TRUE(a.same_bits(alone) && b.same_bits(other)) << describe(first) << " threads " << threads;
      }
    }
  }
}

}  // namespace
}  // namespace minke
