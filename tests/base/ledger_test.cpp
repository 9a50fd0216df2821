#include "base/ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/threads.h"

namespace minke {
namespace {

void inner() { const KernelScope kernel("inner", 0, 8); }

void outer(int64_t out) {
  const KernelScope kernel("outer", 100, 0, out, 3);
  inner();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

TEST(Ledger, AddsUpByNameAndShapeAndLeavesInnerKernelsToTheOuterOne) {
  outer(1);  // nobody counts
  Ledger ledger(Ledger::Mode::kTimed);
  outer(1), outer(2), outer(1);
  inner();
  ASSERT_EQ(ledger.rows().size(), 3u);
  const Ledger::Row &one = ledger.rows()[0], &two = ledger.rows()[1], &last = ledger.rows()[2];
  EXPECT_STREQ(one.name, "outer");
  EXPECT_EQ(one.calls, 2);
  EXPECT_EQ(one.out, 1);
  EXPECT_EQ(one.flop, 200);
  EXPECT_GE(one.seconds, 4e-3);
  EXPECT_EQ(two.calls, 1);
  EXPECT_STREQ(last.name, "inner");
  EXPECT_EQ(last.calls, 1);
  EXPECT_EQ(last.bytes, 8);
}

TEST(Ledger, BelongsToItsThread) {
  set_thread_count(3);
  Ledger ledger(Ledger::Mode::kTimed);
  std::atomic<int> strangers{0};
  const std::thread::id own = std::this_thread::get_id();
  {
    const KernelScope kernel("group", 1, 0);  // its parts, on whatever thread, are its own
    parallel_for(64, [&](int64_t) {
      inner();
      strangers += std::this_thread::get_id() != own && Ledger::current() != nullptr;
    });
  }
  EXPECT_EQ(strangers, 0);
  ASSERT_EQ(ledger.rows().size(), 1u);
  EXPECT_EQ(ledger.rows()[0].calls, 1);
  set_thread_count(1);
}

}  // namespace
}  // namespace minke
