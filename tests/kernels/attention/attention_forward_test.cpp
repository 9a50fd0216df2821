#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/attention/attention_case.h"
#include "kernels/attention/key_tiles.h"

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

// Keys in pages, packed or as rows, fed in any chunks: the bits of one block of rows. Tiles start anywhere in a page, and what other
// layers keep there stays.
TEST_F(AttentionForward, PagesAreTheRowsInOneBlock) {
  for (Isa isa : all_isas()) {
    force_isa(isa);
    uint64_t seed = 300;
    for (const CaseShape& s : kCaseShapes) {
      for (DType t : {DType::kF32, DType::kBF16}) {
        const AttentionCase c(t, s.heads, s.keys, s.d_nope, s.d_rope, s.d_v, s.absorbed, ++seed);
        const ForwardResult whole = run_forward(c);
        const int64_t size = int64_t(dtype_bytes(t));
        for (const KeyStore store : {KeyStore::kPagedTiles, KeyStore::kPagedRows}) {
          AttentionShape shape = c.shape;
          shape.keys = store;
          shape.page_tile = 128;
          shape.page_k_rope = kKeyTile * shape.k_nope_row * size;
          shape.page_v = shape.page_k_rope + kKeyTile * shape.k_rope_row * size;
          const int64_t tile = store == KeyStore::kPagedTiles ? KeyTileLayout(shape).bytes : shape.page_v + kKeyTile * shape.v_row * size;
          // A single query with as many segments as threads takes all heads of a tile at once.
          for (const auto& [chunk, threads] : {std::pair<int64_t, int>(1, 1), {1, 2}, {7, 2}, {64, 1}, {100, 3}, {s.keys, 2}}) {
            set_thread_count(threads);
            std::vector<Buffer> memory;
            std::vector<void*> pages;
            for (int64_t at = 0; at < s.keys; at += kKeyTile) pages.push_back(memory.emplace_back(size_t(128 + tile + 64)).data());
            const auto guards = [&](int64_t i) { return std::pair(static_cast<char*>(pages[size_t(i)]), static_cast<char*>(pages[size_t(i)]) + 128 + tile); };
            for (size_t i = 0; i < pages.size(); ++i) std::memset(guards(int64_t(i)).first, 0x55, 128), std::memset(guards(int64_t(i)).second, 0x55, 64);
            ForwardResult r(c);
            for (int64_t from = 0; from < s.keys; from += chunk) {
              const int64_t n = std::min(chunk, s.keys - from);
              AttentionSegment part = c.segment(from, n, r.o, r.lse);
              part.pages = pages.data();
              if (store == KeyStore::kPagedTiles) {
                part.k_nope = c.k_nope.at(from * shape.k_nope_row), part.k_rope = c.k_rope.at(from * shape.k_rope_row), part.v = c.v.at(from * shape.v_row);
              } else {
                part.k_nope = part.k_rope = part.v = nullptr;
                for (int64_t j = from; j < from + n; ++j) {
                  char* to = static_cast<char*>(pages[size_t(j / kKeyTile)]) + 128;
                  const int64_t at = j % kKeyTile;
                  std::memcpy(to + at * shape.k_nope_row * size, c.k_nope.at(j * shape.k_nope_row), size_t(shape.k_nope_row * size));
                  std::memcpy(to + shape.page_k_rope + at * shape.k_rope_row * size, c.k_rope.at(j * shape.k_rope_row), size_t(shape.k_rope_row * size));
                  std::memcpy(to + shape.page_v + at * shape.v_row * size, c.v.at(j * shape.v_row), size_t(shape.v_row * size));
                }
              }
              attention_forward(shape, std::span(&part, 1));
            }
            EXPECT_TRUE(r.same_bits(whole)) << describe(c) << (store == KeyStore::kPagedTiles ? " tiles" : " rows") << " chunk " << chunk;
            for (size_t i = 0; i < pages.size(); ++i) {
              const auto [before, after] = guards(int64_t(i));
              EXPECT_TRUE(std::all_of(before, before + 128, [](char x) { return x == 0x55; }) && std::all_of(after, after + 64, [](char x) { return x == 0x55; }))
                  << describe(c);
            }
          }
        }
      }
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
