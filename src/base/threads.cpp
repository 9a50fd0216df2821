#include "base/threads.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "base/ledger.h"

namespace minke {
namespace {

// One job at a time. Its tasks are handed out by `ticket_`: the job's number above, the next task below. A worker claims a task by
// exchanging the ticket it saw, so one that wakes late can neither claim a task of a job that is over nor hold up its end: the
// caller waits for tasks, not for workers. Workers spin briefly for the next job (products follow one another within
// microseconds), then sleep, so that an idle pool costs nothing.
class Pool {
 public:
  explicit Pool(int n) {
    for (int i = 1; i < n; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      ticket_.store((job_of(ticket_.load()) + 1) << 32 | kClosed);
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }
  int size() const { return int(workers_.size()) + 1; }

  void run(int64_t n, const std::function<void(int64_t)>& task) {
    MINKE_CHECK_LT(uint64_t(n), kClosed);
    const uint64_t job = job_of(ticket_.load(std::memory_order_relaxed)) + 1;
    ticket_.store((job - 1) << 32 | kClosed);  // nobody claims while the fields change, and the new job is not yet news
    error_ = nullptr;
    failed_.store(false, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    task_.store(&task, std::memory_order_relaxed);
    count_.store(uint64_t(n), std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);  // a worker between its last look and its sleep must not miss it
      ticket_.store(job << 32, std::memory_order_release);
    }
    wake_.notify_all();
    drain(job);
    for (int spin = 0; done_.load(std::memory_order_acquire) != uint64_t(n); ++spin) spin < 2000 ? _mm_pause() : std::this_thread::yield();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  static bool& in_worker() {
    thread_local bool inside = false;
    return inside;
  }

 private:
  static constexpr uint64_t kClosed = 0xFFFFFFFFu;
  static uint64_t job_of(uint64_t ticket) { return ticket >> 32; }

  // Claims and runs tasks of `job` until none is left.
  void drain(uint64_t job) {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (job_of(ticket) == job) {
      const uint64_t i = ticket & kClosed;
      if (i >= count_.load(std::memory_order_relaxed)) return;
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      if (!failed_.load(std::memory_order_relaxed)) {
        try {
          (*task_.load(std::memory_order_relaxed))(int64_t(i));
        } catch (...) {
          std::lock_guard lock(mutex_);
          if (!error_) error_ = std::current_exception();
          failed_.store(true, std::memory_order_relaxed);
        }
      }
      done_.fetch_add(1, std::memory_order_release);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void work() {
    set_float_state();
    in_worker() = true;
    uint64_t seen = 0;
    const auto news = [&] { return job_of(ticket_.load(std::memory_order_acquire)) != seen; };
    while (!stop_) {
      for (int spin = 0; spin < 4000 && !news(); ++spin) _mm_pause();
      if (!news()) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, news);
      }
      seen = job_of(ticket_.load(std::memory_order_acquire));
      drain(seen);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> ticket_{kClosed};
  std::atomic<uint64_t> count_{0}, done_{0};
  std::atomic<const std::function<void(int64_t)>*> task_{nullptr};
  std::atomic<bool> failed_{false}, stop_{false};
  std::exception_ptr error_;
};

std::unique_ptr<Pool>& slot() {
  static std::unique_ptr<Pool> pool;
  return pool;
}

int default_threads() {
  if (const char* text = std::getenv("MINKE_THREADS"); text && *text) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end || n < 1 || n > 4096) usage_fail("MINKE_THREADS={}: expected a whole number from 1 to 4096", text);
    return int(n);
  }
  return hardware_threads();
}

Pool& pool() {
  if (!slot()) {
    set_float_state();
    slot() = std::make_unique<Pool>(default_threads());
  }
  return *slot();
}

}  // namespace

int thread_count() { return pool().size(); }

void set_thread_count(int n) {
  MINKE_CHECK_GE(n, 1);
  set_float_state();
  if (slot() && slot()->size() == n) return;
  slot().reset();
  slot() = std::make_unique<Pool>(n);
}

void parallel_for(int64_t n, const std::function<void(int64_t)>& task) {
  if (n <= 0) return;
  if (dry_run()) return Ledger::current()->run_tasks(n, task);
  bool& inside = Pool::in_worker();
  if (inside || n == 1 || pool().size() == 1) {
    for (int64_t i = 0; i < n; ++i) task(i);
    return;
  }
  inside = true;
  try {
    pool().run(n, task);
  } catch (...) {
    inside = false;
    throw;
  }
  inside = false;
}

void parallel_ranges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (n <= 0) return;
  const int64_t parts = std::clamp<int64_t>(n / std::max<int64_t>(grain, 1), 1, int64_t(thread_count()) * 4);
  parallel_for(parts, [&](int64_t i) { body(n * i / parts, n * (i + 1) / parts); });
}

}  // namespace minke
