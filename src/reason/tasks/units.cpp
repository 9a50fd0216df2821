// Percentages, units and fractions: short sums whose answers come in forms that a grader must see through (fractions, a percent
// sign, a unit).
#include <fmt/format.h>

#include <algorithm>

#include "reason/tasks/families.h"
#include "reason/tasks/fraction.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

struct Unit {
  const char *large, *small;
  int64_t factor;
};
constexpr Unit kUnits[] = {{"km", "m", 1000}, {"m", "cm", 100}, {"kg", "g", 1000}, {"l", "ml", 1000}, {"h", "min", 60}, {"min", "s", 60}, {"days", "h", 24}};

// n / 10^places as a decimal without trailing zeros.
std::string decimal(int64_t n, int places) {
  int64_t scale = 1;
  for (int i = 0; i < places; ++i) scale *= 10;
  std::string text = fmt::format("{}.{:0{}}", n / scale, n % scale, places);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

bool percentage(Rng& rng, const KeyFilter& keep, Problem& out) {
  const int64_t percent = rng.range(1, 150), whole = rng.range(1, 400);
  out.canonical_key = fmt::format("units:{}%of{}", percent, whole);
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("What is {}% of {}?", percent, whole);
  out.gold = decimal(percent * whole, 2);
  set_chain(rng, {fmt::format("{} * {} {}", percent, whole, noisy_equals(rng, percent * whole)),
                  fmt::format("{} / 100 = {}", percent * whole, out.gold)}, out);
  return true;
}

bool conversion(Rng& rng, const KeyFilter& keep, Problem& out) {
  const Unit& unit = kUnits[rng.below(std::size(kUnits))];
  const int64_t tenths = rng.range(1, 999);  // of the large unit
  if (tenths * unit.factor % 10) return false;
  out.canonical_key = fmt::format("units:{}{}in{}", decimal(tenths, 1), unit.large, unit.small);
  if (!keep(out.canonical_key)) return false;
  const int64_t small = tenths * unit.factor / 10;
  out.prompt = fmt::format("How many {} are {} {}?", unit.small, decimal(tenths, 1), unit.large);
  out.gold = fmt::format("{} {}", small, unit.small);
  set_chain(rng, {fmt::format("1 {} = {} {}", unit.large, unit.factor, unit.small),
                  fmt::format("{} * {} {}", decimal(tenths, 1), unit.factor, noisy_equals(rng, small))}, out);
  return true;
}

bool fractions(Rng& rng, const KeyFilter& keep, Problem& out) {
  const int64_t q = rng.range(2, 12), s = rng.range(2, 12), p = rng.range(1, q - 1), r = rng.range(1, s - 1);
  const bool add = rng.below(2);
  std::string one = written(reduced(p, q)), other = written(reduced(r, s));  // 2/4 is 1/2 in another wording
  if (add && other < one) std::swap(one, other);
  out.canonical_key = fmt::format("units:{}{}{}", one, add ? '+' : '-', other);
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("What is {}/{} {} {}/{}?", p, q, add ? '+' : '-', r, s);
  const int64_t a = p * s, b = r * q, above = add ? a + b : a - b;
  out.gold = written(reduced(above, q * s));
  set_chain(rng, {fmt::format("{}/{} {} {}/{}", a, q * s, add ? '+' : '-', b, q * s),
                  fmt::format("{} {} {} {}", a, add ? '+' : '-', b, noisy_equals(rng, above)),
                  fmt::format("{}/{} = {}", above, q * s, out.gold)}, out);
  return true;
}

bool share(Rng& rng, const KeyFilter& keep, Problem& out) {
  const int64_t percent = rng.range(1, 99), whole = rng.range(2, 400);
  if (percent * whole % 100) return false;
  const int64_t part = percent * whole / 100;
  out.canonical_key = fmt::format("units:{}as%of{}", part, whole);
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("What percentage of {} is {}?", whole, part);
  out.gold = fmt::format("{}%", percent);
  set_chain(rng, {fmt::format("100 * {} {}", part, noisy_equals(rng, 100 * part)),
                  fmt::format("{} / {} {}", 100 * part, whole, noisy_equals(rng, percent))}, out);
  return true;
}

}  // namespace

bool draw_units(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  switch (level) {
    case 1: return percentage(rng, keep, out);
    case 2: return conversion(rng, keep, out);
    case 3: return fractions(rng, keep, out);
    default: return share(rng, keep, out);
  }
}

}  // namespace minke
