#include "base/threads.h"
#include "kernels/attention/attention_case.h"

namespace minke {
namespace {

class AttentionForward : public testing::Test {
 protected:
  void SetUp() override { set_thread_count(2); }
  void TearDown() override { force_isa(best_isa()); }
};

TEST_F(AttentionForward, AgreesWithTheReferenceOnEveryVariant) {
  for (Isa isa : all_isas()) {
    force_isa(isa);
    uint64_t seed = 1;
    for (const CaseShape& s : kCaseShapes) {
      for (DType t : {DType::kF32, DType::kBF16}) {
        const AttentionCase c(t, s.heads, s.keys, s.d_nope, s.d_rope, s.d_v, s.absorbed, ++seed);
        const ForwardResult r = run_forward(c);
        std::vector<double> o(r.o.values.size(), std::nan("")), lse(r.lse.size());
        attention_ref_forward(c.shape, c.ref(), o.data(), lse.data());
        // o is a mean of v with weights rounded to dtype: a few roundings of |v|, at most about 4.5 here.
        const double unit = t == DType::kF32 ? 0x1p-24 : 0x1p-9, v_max = 4.5;
        const Difference d = difference(o, [&](int64_t i) { return r.o.get(i); });
        EXPECT_LE(d.worst, (t == DType::kF32 ? 40 : 3) * unit * v_max) << describe(c);
        EXPECT_LE(d.rms_error, (t == DType::kF32 ? 10 : 2) * unit * d.rms) << describe(c);
        // Scores are f32 sums of up to 80 products, of size up to 10.
        EXPECT_LE(difference(lse, [&](int64_t i) { return r.lse[i]; }).worst, 40 * 0x1p-24 * 10) << describe(c);
        bool padding_kept = true;
        for (size_t i = 0; i < o.size(); ++i) padding_kept &= !std::isnan(o[i]) || std::isnan(r.o.get(int64_t(i)));
        EXPECT_TRUE(padding_kept) << "written outside of o's rows: " << describe(c);
      }
    }
  }
}

// The contract: a query row has one answer, alone, in a chunk, in a batch, with any number of threads.
TEST_F(AttentionForward, ARowDoesNotSeeItsNeighbours) {
  for (Isa isa : all_isas()) {
    force_isa(isa);
    uint64_t seed = 100;
    for (const CaseShape& s : {CaseShape{2, 150, 32, 16, 32, false}, CaseShape{3, 139, 9, 4, 9, true}, CaseShape{1, 66, 5, 0, 7, false}}) {
      for (DType t : {DType::kF32, DType::kBF16}) {
        const AttentionCase c(t, s.heads, s.keys, s.d_nope, s.d_rope, s.d_v, s.absorbed, ++seed);
        set_thread_count(1);
        const ForwardResult whole = run_forward(c);
        for (int threads : {1, 2, 3}) {
          set_thread_count(threads);
          EXPECT_TRUE(run_forward(c).same_bits(whole)) << describe(c) << " threads " << threads;

          ForwardResult alone(c);
          std::vector<AttentionSegment> batch;   // every row by itself, then all of them as one batch
          for (int64_t i = 0; i < c.keys; ++i) batch.push_back(c.segment(i, 1, alone.o, alone.lse));
          for (const AttentionSegment& one : batch) attention_forward(c.shape, std::span(&one, 1));
          EXPECT_TRUE(alone.same_bits(whole)) << describe(c) << " threads " << threads;
          ForwardResult batched(c);
          for (int64_t i = 0; i < c.keys; ++i) batch[i] = c.segment(i, 1, batched.o, batched.lse);
          std::reverse(batch.begin(), batch.end());
          attention_forward(c.shape, batch);
          EXPECT_TRUE(batched.same_bits(whole)) << describe(c) << " threads " << threads;

          for (int64_t chunk : {7, 50, 64, 100}) {
            ForwardResult chunks(c);
            for (int64_t from = 0; from < c.keys; from += chunk) {
              const AttentionSegment part = c.segment(from, std::min(chunk, c.keys - from), chunks.o, chunks.lse);
              attention_forward(c.shape, std::span(&part, 1));
            }
            EXPECT_TRUE(chunks.same_bits(whole)) << describe(c) << " chunk " << chunk;
          }
        }
      }
    }
  }
}

// One sequence's decode over many keys shares its tiles out over the pool.
TEST_F(AttentionForward, LongDecodeEqualsTheWholeSegment) {
  for (DType t : {DType::kF32, DType::kBF16}) {
    const AttentionCase c(t, 5, 700, 12, 4, 12, true, 9);
    set_thread_count(1);
    const ForwardResult whole = run_forward(c);
    set_thread_count(3);
    ForwardResult tail(c);
    for (int64_t i = 0; i < c.keys; ++i) {   // rows in ones and sixes, with tile boundaries inside
      const int64_t n = i % 2 ? std::min<int64_t>(6, c.keys - i) : 1;
      const AttentionSegment s = c.segment(i, n, tail.o, tail.lse);
      attention_forward(c.shape, std::span(&s, 1));
      i += n - 1;
    }
    EXPECT_TRUE(tail.same_bits(whole));
  }
}

TEST_F(AttentionForward, MemoryBehindTheLastKeyHasNoEffect) {
  for (DType t : {DType::kF32, DType::kBF16}) {
    AttentionCase c(t, 2, 77, 8, 4, 8, false, 5);
    const ForwardResult clean = run_forward(c);
    for (float garbage : {0.0f, 1e30f, std::numeric_limits<float>::infinity()}) {
      for (int64_t j = c.keys; j < c.keys + 70; ++j) {
        for (int64_t i = 0; i < c.shape.k_nope_row; ++i) c.k_nope.set(j * c.shape.k_nope_row + i, garbage), c.v.set(j * c.shape.v_row + i, garbage);
        for (int64_t i = 0; i < c.shape.k_rope_row; ++i) c.k_rope.set(j * c.shape.k_rope_row + i, garbage);
      }
      EXPECT_TRUE(run_forward(c).same_bits(clean));
    }
  }
}

TEST_F(AttentionForward, LargeScoresStayFinite) {
  AttentionCase c(DType::kF32, 1, 130, 8, 0, 8, false, 3);
  c.shape.scale = 300;
  const ForwardResult r = run_forward(c);
  std::vector<double> o(r.o.values.size(), std::nan(""));
  attention_ref_forward(c.shape, c.ref(), o.data(), static_cast<double*>(nullptr));
  // Scores of about 1e4 carry f32 errors of about 1e-3; that is the relative error of a probability.
  EXPECT_LE(difference(o, [&](int64_t i) { return r.o.get(i); }).worst, 0.02);
}

TEST_F(AttentionForward, NothingToDo) {
  AttentionCase c(DType::kF32, 2, 4, 8, 4, 8, false, 4);
  ForwardResult r(c);
  AttentionSegment none = c.segment(2, 0, r.o, r.lse);
  attention_forward(c.shape, std::span(&none, 1));
  attention_forward(c.shape, {});
  EXPECT_TRUE(r.same_bits(ForwardResult(c)));
}

}  // namespace
}  // namespace minke
