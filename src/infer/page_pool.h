#pragma once
// Memory of the caches: pages of one size with reference counts, so that sequences with a common beginning share it. A page that
// several hold is read only. Not thread-safe.
#include <cstdint>
#include <vector>

#include "base/buffer.h"

namespace minke {

class PagePool {
 public:
  // max_pages 0: as many as are asked for.
  PagePool(int64_t page_bytes, int64_t max_pages) : page_bytes_(page_bytes), max_pages_(max_pages) {}

  void* take();                          // zero bytes, one reference; null when all pages are held
  void* copy(const void* page);          // a page of the same content; null as above
  void hold(void* page) { ++references(page); }
  void drop(void* page);                 // gives one reference back
  bool shared(void* page) const { return references(page) > 1; }

  int64_t available() const;             // pages that take() still has
  int64_t max_pages() const { return max_pages_; }
  int64_t bytes() const { return pages_ * page_bytes_; }  // allocated, held or not

 private:
  // The count lives in a line of its own before the page.
  static int64_t& references(void* page) { return *reinterpret_cast<int64_t*>(static_cast<char*>(page) - kAlign); }
  void* free_page();

  int64_t page_bytes_, max_pages_, pages_ = 0, in_use_ = 0;
  std::vector<Buffer> blocks_;
  std::vector<void*> free_;
};

}  // namespace minke
