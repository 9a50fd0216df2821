#pragma once
// An account of what the kernels called by one thread take: where a step's time goes. A kernel says at its entry what it is and what it
// works through (KernelScope); with no ledger open that is one look at a thread-local pointer.
//
// The time is the wall time of the thread that opened the ledger, from a kernel's entry to its return, with the pool's help inside: the
// rows add up to that thread's time, whatever the thread count. Kernels called by kernels belong to the outermost one.
#include <chrono>
#include <cstdint>
#include <vector>

namespace minke {

class Ledger {
 public:
  // All calls of one name and shape.
  struct Row {
    const char* name = nullptr;      // of static storage; names are told apart by address
    int64_t out = 0, in = 0;         // of a matrix; 0: the row is about no matrix
    int64_t calls = 0;
    double seconds = 0, flop = 0, bytes = 0;  // flop 0: the roof is memory
  };

  Ledger();   // becomes the calling thread's, which has none
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  static Ledger* current() { return current_; }
  const std::vector<Row>& rows() const { return rows_; }  // in the order of their first calls

 private:
  friend class KernelScope;
  Row& row(const char* name, int64_t out, int64_t in);

  static thread_local constinit Ledger* current_;
  std::vector<Row> rows_;
  bool inside_ = false;  // a kernel
};

// Stands first in a kernel that layers call.
class KernelScope {
 public:
  KernelScope(const char* name, double flop, double bytes, int64_t out = 0, int64_t in = 0) {
    if (Ledger* ledger = Ledger::current()) begin(*ledger, {name, out, in, 1, 0, flop, bytes});
  }
  ~KernelScope() {
    if (ledger_) end();
  }
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  void begin(Ledger& ledger, const Ledger::Row& call);
  void end();

  Ledger* ledger_ = nullptr;  // null: nobody counts, or the caller is a kernel
  Ledger::Row call_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace minke
