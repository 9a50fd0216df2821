// Linear equations ax + b = cx + d with one rational solution. The trace moves x to one side and divides.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reason/tasks/families.h"
#include "reason/tasks/fraction.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

std::string x_term(int64_t a) { return a == 1 ? "x" : a == -1 ? "-x" : fmt::format("{}x", a); }

std::string side(int64_t a, int64_t b) {
  if (a == 0) return std::to_string(b);
  return b == 0 ? x_term(a) : fmt::format("{} {}", x_term(a), signed_term(b));
}

int64_t nonzero(Rng& rng, int64_t high) {
  const int64_t value = rng.range(1, high);
  return rng.below(2) ? value : -value;
}

}  // namespace

bool draw_equations(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  int64_t a, b, c, d;
  if (level <= 2) {  // a whole solution is chosen first
    const int64_t x = rng.range(-10, 10);
    a = nonzero(rng, 9);
    b = rng.range(-20, 20);
    c = level == 1 ? 0 : nonzero(rng, 9);
    d = (a - c) * x + b;
  } else {
    const int64_t coefficient = level == 3 ? 9 : 99, constant = level == 3 ? 20 : 199;
    a = nonzero(rng, coefficient);
    b = rng.range(-constant, constant);
    c = nonzero(rng, coefficient);
    d = rng.range(-constant, constant);
  }
  if (a == c) return false;
  const std::pair one{a, b}, other{c, d};
  const auto [first, second] = std::minmax(one, other);
  out.canonical_key = fmt::format("equations:{}x{:+}={}x{:+}", first.first, first.second, second.first, second.second);
  if (!keep(out.canonical_key)) return false;

  if (rng.below(2)) {
    std::swap(a, c);
    std::swap(b, d);
  }
  const Fraction x = reduced(d - b, a - c);
  out.prompt = fmt::format("Solve {} = {}.", side(a, b), side(c, d));
  out.gold = written(x);
  std::vector<std::string> lines = {
      fmt::format("x: {} {} {}", a, signed_term(-c), noisy_equals(rng, a - c)),
      fmt::format("rest: {} {} {}", d, signed_term(-b), noisy_equals(rng, d - b)),
      fmt::format("{} = {}", x_term(a - c), d - b),
      fmt::format("x = {}/{} = {}", d - b, a - c, out.gold),
  };
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
