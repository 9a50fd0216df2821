// Products of numbers of k and m digits. The trace multiplies by one digit at a time and adds up.
#include <fmt/format.h>

#include <algorithm>

#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

struct Shape {
  int64_t a_low, a_high, b_low, b_high;
};
constexpr Shape kShapes[] = {{1, 9, 1, 9},         {10, 99, 1, 9},        {10, 99, 10, 99},
                             {100, 999, 10, 99},   {100, 999, 100, 999},  {1000, 9999, 100, 999}};

}  // namespace

std::string products_key(int64_t a, int64_t b) { return fmt::format("products:{}*{}", std::min(a, b), std::max(a, b)); }

bool draw_products(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const Shape& shape = kShapes[level - 1];
  int64_t a = rng.range(shape.a_low, shape.a_high), b = rng.range(shape.b_low, shape.b_high);
  out.canonical_key = products_key(a, b);
  if (!keep(out.canonical_key)) return false;
  if (rng.below(2)) std::swap(a, b);
  out.prompt = fmt::format("What is {} * {}?", a, b);
  out.gold = std::to_string(a * b);

  // The shorter number gives the digits; a line for each that is not zero, then the sum grows line by line.
  const int64_t wide = std::max(a, b), narrow = std::min(a, b);
  std::vector<std::string> lines;
  int64_t sum = 0;
  for (int64_t unit = 1; unit <= narrow; unit *= 10) {
    const int64_t part = narrow / unit % 10 * unit;
    if (part == 0) continue;
    lines.push_back(fmt::format("{} * {} {}", wide, part, noisy_equals(rng, wide * part)));
    if (sum > 0) lines.push_back(fmt::format("{} + {} {}", sum, wide * part, noisy_equals(rng, sum + wide * part)));
    sum += wide * part;
  }
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
