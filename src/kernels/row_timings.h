#pragma once
// Times of the row operations at the shapes of a training step (4096 tokens, hidden 256, 16 experts top-2 of inner size 256,
// vocabulary 4096, 23M parameters), on the chosen ISA and the pool's threads. `minke bench rows` prints them.
#include <string>
#include <vector>

namespace minke {

struct RowTiming {
  std::string name, shape;
  double ms = 0;     // the fastest of the repetitions
  double gb_s = 0;   // bytes that must be read or written once, over ms
};

// Every operation repeated for about `seconds` each.
std::vector<RowTiming> row_timings(double seconds);

}  // namespace minke
