#pragma once
// What the rows of a forward pass are: which belong together, and at which positions. Training and inference fill it alike.
#include <cstdint>
#include <vector>

namespace minke {

// Rows [begin, begin + n) are the positions first, first + 1, ... of one segment. Attention sees only the segment's own past.
struct RowSegment {
  int64_t begin = 0, n = 0;
  int64_t first = 0;          // > 0 only with a cache that holds the earlier positions
};

struct Rows {
  std::vector<RowSegment> segments;
  std::vector<int32_t> positions;  // [rows]
  int64_t count() const { return int64_t(positions.size()); }
  void add(int64_t n, int64_t first) {
    segments.push_back({count(), n, first});
    for (int64_t i = 0; i < n; ++i) positions.push_back(int32_t(first + i));
  }
};

}  // namespace minke
