#include "infer/page_pool.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace minke {

int64_t PagePool::available() const { return max_pages_ == 0 ? std::numeric_limits<int64_t>::max() : max_pages_ - in_use_; }

void* PagePool::free_page() {
  if (free_.empty()) {
    if (max_pages_ > 0 && pages_ == max_pages_) return nullptr;
    constexpr int64_t kBlock = int64_t(8) << 20;  // large enough for huge pages
    const int64_t stride = page_bytes_ + int64_t(kAlign);
    int64_t n = std::max<int64_t>(1, kBlock / stride);
    if (max_pages_ > 0) n = std::min(n, max_pages_ - pages_);
    char* block = blocks_.emplace_back(size_t(n * stride)).as<char>();
    for (int64_t i = n; i-- > 0;) free_.push_back(block + i * stride + int64_t(kAlign));
    pages_ += n;
  }
  void* page = free_.back();
  free_.pop_back();
  references(page) = 1;
  ++in_use_;
  return page;
}

void* PagePool::take() {
  void* page = free_page();
  if (page) std::memset(page, 0, size_t(page_bytes_));
  return page;
}

void* PagePool::copy(const void* page) {
  void* to = free_page();
  if (to) std::memcpy(to, page, size_t(page_bytes_));
  return to;
}

void PagePool::drop(void* page) {
  MINKE_CHECK_GE(references(page), int64_t(1));
  if (--references(page) > 0) return;
  free_.push_back(page);
  --in_use_;
}

}  // namespace minke
