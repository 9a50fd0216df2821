#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "base/buffer.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/threads.h"

namespace minke {
namespace {

TEST(Rng, PhiloxKnownAnswer) {
  // Random123's known-answer vector for philox4x32-10: zero key and counter, and all ones.
  const RandomBlock zero = random_block(0, 0, 0);
  EXPECT_EQ(zero.v[0], 0x6627e8d5u);
  EXPECT_EQ(zero.v[1], 0xe169c58du);
  EXPECT_EQ(zero.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.v[3], 0x9b00dbd8u);
  const RandomBlock ones = random_block(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.v[0], 0x408f276du);
  EXPECT_EQ(ones.v[1], 0x41c83b0eu);
  EXPECT_EQ(ones.v[2], 0xa20bc7c6u);
  EXPECT_EQ(ones.v[3], 0x6d5451fdu);
}

TEST(Rng, BelowStaysInRangeAndReachesAll) {
  Rng rng(7);
  int seen[5] = {};
  for (int i = 0; i < 1000; ++i) ++seen[rng.below(5)];
  for (int count : seen) EXPECT_GT(count, 120);
}

TEST(Threads, EveryTaskRunsOnceAndErrorsComeBack) {
  for (int threads : {1, 2, 3}) {
    set_thread_count(threads);
    std::vector<std::atomic<int>> hits(1000);
    parallel_for(1000, [&](int64_t i) { ++hits[size_t(i)]; });
    for (auto& h : hits) EXPECT_EQ(h, 1);
    EXPECT_THROW(parallel_for(50, [](int64_t i) { if (i == 31) fail("task {}", i); }), Error);
    std::atomic<int64_t> sum{0};
    parallel_ranges(1000, 10, [&](int64_t b, int64_t e) { sum += e - b; });
    EXPECT_EQ(sum, 1000);
  }
}

TEST(Threads, WorkersFlushDenormals) {
  set_thread_count(2);
  std::atomic<int> bad{0};
  parallel_for(64, [&](int64_t) {
    volatile float tiny = 1e-38f;
    if (tiny * 0.01f != 0.0f) ++bad;
  });
  EXPECT_EQ(bad, 0);
}

TEST(File, AtomicReplaceKeepsOldOnAbort) {
  const std::string path = testing::TempDir() + "/minke_atomic";
  write_file_atomic(path, "good");
  {
    AtomicFile file(path);
    file.write("half");
  }
  EXPECT_EQ(read_file(path), "good");
  std::filesystem::remove(path);
  EXPECT_THROW(read_file(path), Error);
  EXPECT_THROW(AtomicFile("/nonexistent-folder/x"), Error);
}

TEST(Arena, GivesBackAndStaysAligned) {
  Arena arena;
  const auto mark = arena.mark();
  void* a = arena.take(10);
  void* b = arena.take(size_t(10) << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % kAlign, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % kAlign, 0u);
  arena.release(mark);
  EXPECT_EQ(arena.take(10), a);
}

TEST(Cpu, ChoiceIsSupported) { EXPECT_TRUE(isa_supported(chosen_isa())); }

TEST(Cpu, NamesItself) {
  const std::string name = cpu_model();
  ASSERT_FALSE(name.empty());
  EXPECT_NE(name.front(), ' ');
  EXPECT_NE(name.back(), ' ');
  for (const char c : name) EXPECT_TRUE(c >= ' ' && c <= '~') << int(c);
}

}  // namespace
}  // namespace minke
