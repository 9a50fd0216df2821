// Facts of arithmetic, a line each, in many surface forms. A sum, difference, product or quotient with its answer is a whole
// problem of digits-b1 or products-b2 and asks `keep`; comparing, counting and remainders are nobody's problem.
#include <fmt/format.h>

#include "reason/mix.h"
#include "reason/tasks/families.h"

namespace minke {
namespace {

std::string in_words(int64_t n) {  // 0..99
  static constexpr const char* kSmall[] = {"zero",    "one",     "two",       "three",    "four",     "five",    "six",
                                           "seven",   "eight",   "nine",      "ten",      "eleven",   "twelve",  "thirteen",
                                           "fourteen", "fifteen", "sixteen",  "seventeen", "eighteen", "nineteen"};
  static constexpr const char* kTens[] = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (n < 20) return kSmall[n];
  return n % 10 ? fmt::format("{}-{}", kTens[n / 10], kSmall[n % 10]) : kTens[n / 10];
}

int64_t draw_number(Rng& rng) {
  const uint64_t size = rng.below(10);
  return size < 4 ? rng.range(0, 9) : size < 9 ? rng.range(0, 99) : rng.range(100, 999);
}

// Words now and then, where all three numbers have them.
struct Shown {
  std::string a, b, c;
};
Shown shown(Rng& rng, int64_t a, int64_t b, int64_t c) {
  const bool words = a >= 0 && b >= 0 && c >= 0 && a < 100 && b < 100 && c < 100 && rng.below(6) == 0;
  if (words) return {in_words(a), in_words(b), in_words(c)};
  return {std::to_string(a), std::to_string(b), std::to_string(c)};
}

std::string sum_line(Rng& rng, const KeyFilter& keep, std::vector<std::string>& keys) {
  const int64_t a = draw_number(rng), b = draw_number(rng);
  std::string key = digits_key(a, '+', b);
  if (!keep(key)) return "";
  keys.push_back(std::move(key));
  const Shown s = shown(rng, a, b, a + b);
  switch (rng.below(6)) {
    case 0: return fmt::format("{} + {} = {}", s.a, s.b, s.c);
    case 1: return fmt::format("{} plus {} is {}", s.a, s.b, s.c);
    case 2: return fmt::format("The sum of {} and {} is {}.", s.a, s.b, s.c);
    case 3: return fmt::format("{} = {} + {}", s.c, s.a, s.b);
    case 4: return fmt::format("What is {} + {}? {}", s.a, s.b, s.c);
    default: return fmt::format("Who has {} apples and gets {} more has {}.", s.a, s.b, s.c);
  }
}

std::string difference_line(Rng& rng, const KeyFilter& keep, std::vector<std::string>& keys) {
  int64_t a = draw_number(rng), b = draw_number(rng);
  if (a < b && rng.below(4)) std::swap(a, b);
  std::string key = digits_key(a, '-', b);
  if (!keep(key)) return "";
  keys.push_back(std::move(key));
  const Shown s = shown(rng, a, b, a - b);
  const uint64_t forms = a < b ? 3 : 6;
  switch (rng.below(forms)) {
    case 0: return fmt::format("{} - {} = {}", s.a, s.b, s.c);
    case 1: return fmt::format("{} minus {} is {}", s.a, s.b, s.c);
    case 2: return fmt::format("What is {} - {}? {}", s.a, s.b, s.c);
    case 3: return fmt::format("{} taken from {} leaves {}.", s.b, s.a, s.c);
    case 4: return fmt::format("{} is {} more than {}.", s.a, s.c, s.b);
    default: return fmt::format("Who has {} nuts and eats {} has {} left.", s.a, s.b, s.c);
  }
}

std::string product_line(Rng& rng, const KeyFilter& keep, std::vector<std::string>& keys) {
  int64_t a = rng.below(4) ? rng.range(1, 9) : rng.range(10, 99), b = rng.range(1, 9);
  std::string key = products_key(a, b);
  if (!keep(key)) return "";
  keys.push_back(std::move(key));
  if (rng.below(2)) std::swap(a, b);
  const Shown s = shown(rng, a, b, a * b);
  switch (rng.below(a == 2 ? 8 : 7)) {
    case 0: return fmt::format("{} * {} = {}", s.a, s.b, s.c);
    case 1: return fmt::format("{} times {} is {}", s.a, s.b, s.c);
    case 2: return fmt::format("The product of {} and {} is {}.", s.a, s.b, s.c);
    case 3: return fmt::format("What is {} * {}? {}", s.a, s.b, s.c);
    case 4: return fmt::format("{} / {} = {}", s.c, s.a, s.b);
    case 5: return fmt::format("{} divided by {} is {}", s.c, s.b, s.a);
    case 6: return fmt::format("{} boxes of {} make {}.", s.a, s.b, s.c);
    default: return fmt::format("Half of {} is {}.", s.c, s.b);
  }
}

std::string order_line(Rng& rng) {
  const int64_t a = draw_number(rng), b = draw_number(rng);
  switch (rng.below(5)) {
    case 0: return fmt::format("{} {} {}", a, a < b ? '<' : a > b ? '>' : '=', b);
    case 1: return fmt::format("After {} comes {}.", a, a + 1);
    case 2: return fmt::format("{} is {}.", a, a % 2 ? "odd" : "even");
    case 3: return fmt::format("{}, {}, {}, {}", a, a + 1, a + 2, a + 3);
    default: return a < 100 ? fmt::format("{} is written {}.", in_words(a), a) : fmt::format("{} has three digits.", a);
  }
}

std::string remainder_line(Rng& rng) {
  if (rng.below(2)) {
    const int64_t n = rng.range(-96, 864);
    return fmt::format("{} mod 97 = {}", n, (n % 97 + 97) % 97);
  }
  const int64_t n = rng.range(0, 99), by = rng.range(2, 9);
  return fmt::format("{} divided by {} leaves {}.", n, by, n % by);
}

}  // namespace

std::string fact_lines(Rng& rng, int lines, const KeyFilter& keep, std::vector<std::string>& keys) {
  std::string text;
  while (lines > 0) {
    const uint64_t kind = rng.below(10);
    const std::string line = kind < 3   ? sum_line(rng, keep, keys)
                             : kind < 5 ? difference_line(rng, keep, keys)
                             : kind < 8 ? product_line(rng, keep, keys)
                             : kind < 9 ? order_line(rng)
                                        : remainder_line(rng);
    if (line.empty()) continue;  // a problem of another split
    text += text.empty() ? line : fmt::format("\n{}", line);
    --lines;
  }
  return text;
}

}  // namespace minke
