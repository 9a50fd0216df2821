#pragma once
// One pool of workers for the process. parallel_for hands out task numbers in any order to any thread, so a result must not
// depend on which thread runs a task: a task owns its outputs whole (docs/invariance.md).
#include <cstdint>
#include <functional>

namespace minke {

int thread_count();              // workers, the caller included; MINKE_THREADS or hardware_threads() at first use
void set_thread_count(int n);    // with no parallel_for running

// Calls task(i) for i in [0, n), the caller taking part. Nested calls run inline. The first exception is rethrown.
void parallel_for(int64_t n, const std::function<void(int64_t)>& task);

// Splits [0, n) into contiguous ranges of at least `grain` and calls body(begin, end) for each. The split depends on the thread
// count: only for work whose elements do not see one another.
void parallel_ranges(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace minke
