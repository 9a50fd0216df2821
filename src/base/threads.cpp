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

namespace minke {
namespace {

// A job is published by bumping `epoch_`; workers spin briefly for the next one (products follow one another within
// microseconds), then sleep on the condition variable so that an idle pool costs nothing.
class Pool {
 public:
  explicit Pool(int n) {
    for (int i = 1; i < n; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      epoch_.fetch_add(1);
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }
  int size() const { return int(workers_.size()) + 1; }

  void run(int64_t n, const std::function<void(int64_t)>& task) {
    error_ = nullptr;
    task_ = &task;
    count_ = n;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(int(workers_.size()), std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      epoch_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    drain();
    for (int spin = 0; busy_.load(std::memory_order_acquire) != 0; ++spin) spin < 2000 ? _mm_pause() : std::this_thread::yield();
    task_ = nullptr;
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void drain() {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
      try {
        (*task_)(i);
      } catch (...) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(count_, std::memory_order_relaxed);
      }
    }
  }

  void work() {
    set_float_state();
    in_worker() = true;
    uint64_t seen = 0;
    while (true) {
      for (int spin = 0; spin < 4000 && epoch_.load(std::memory_order_acquire) == seen; ++spin) _mm_pause();
      if (epoch_.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_relaxed) != seen; });
      }
      seen = epoch_.load(std::memory_order_acquire);
      if (stop_) return;
      drain();
      busy_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  int64_t count_ = 0;
  const std::function<void(int64_t)>* task_ = nullptr;
  std::exception_ptr error_;

 public:
  static bool& in_worker() {
    thread_local bool inside = false;
    return inside;
  }
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
