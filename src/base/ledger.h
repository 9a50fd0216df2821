#pragma once
// An account of what the kernels called by one thread take. A kernel says at its entry what it is and what it works through (KernelScope);
// with no ledger open that is one look at a thread-local pointer. Two modes:
//
// timed   where a step's time goes. The time is the wall time of the thread that opened the ledger, from a kernel's entry to its return,
//         with the pool's help inside: the rows add up to that thread's time, whatever the thread count. Kernels called by kernels
//         belong to the outermost one.
// dry     what a step takes of memory, asked of the code that takes it. Kernels take their scratch and return, buffers are addresses
//         without memory, tasks of the pool run here. What is made meanwhile must be gone before the ledger.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/buffer.h"
#include "base/memory.h"

namespace minke {

class Ledger {
 public:
  enum class Mode : uint8_t { kTimed, kDry };

  // All calls of one name and shape.
  struct Row {
    const char* name = nullptr;      // of static storage; names are told apart by address
    int64_t out = 0, in = 0;         // of a matrix; 0: the row is about no matrix
    int64_t calls = 0;
    double seconds = 0, flop = 0, bytes = 0;  // flop 0: the roof is memory
  };

  explicit Ledger(Mode mode);   // becomes the calling thread's, which has none
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  static Ledger* current() { return current_; }
  bool dry() const { return mode_ == Mode::kDry; }
  const std::vector<Row>& rows() const { return rows_; }  // in the order of their first calls

  // Of a dry run: the blocks that all threads of the pool would hold, each helper as much scratch as the largest tasks take.
  MemoryUse memory() const;
  // What stays below p in the arena of a pass is kept for its backward: called where the forward ends, matters in a dry run.
  void keeps_below(const void* p) { saved_bytes_ = std::max(saved_bytes_, own_.below(p)); }
  int64_t saved_bytes() const { return saved_bytes_; }
  MemoryAccount& account() { return helping_ ? helper_ : own_; }           // for Buffer, as the next
  static MemoryAccount* dry_account_of(const void* p);                     // null: p is real memory
  Arena& scratch() { return helping_ ? helper_scratch_ : own_scratch_; }   // for thread_arena()
  void run_tasks(int64_t n, const std::function<void(int64_t)>& task);     // for parallel_for

 private:
  friend class KernelScope;
  Row& row(const char* name, int64_t out, int64_t in);

  static thread_local constinit Ledger* current_;
  Mode mode_;
  std::vector<Row> rows_;
  bool inside_ = false;    // a kernel
  bool in_tasks_ = false, helping_ = false;
  MemoryAccount own_, helper_;
  int64_t saved_bytes_ = 0;
  Arena own_scratch_, helper_scratch_;
};

inline bool dry_run() { return Ledger::current() && Ledger::current()->dry(); }

// Stands first in a kernel that layers call. One without large scratch returns at once where it is dry().
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
  bool dry() const { return dry_; }

 private:
  void begin(Ledger& ledger, const Ledger::Row& call);
  void end();

  Ledger* ledger_ = nullptr;  // null: nobody counts, or the caller is a kernel
  bool dry_ = false;
  Ledger::Row call_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace minke
