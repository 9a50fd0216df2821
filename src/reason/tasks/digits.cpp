// Addition and subtraction of two numbers of k digits. The trace works from the last digit with carries, as on paper.
#include <fmt/format.h>

#include <algorithm>

#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

int64_t power_of_ten(int k) {
  int64_t p = 1;
  while (k-- > 0) p *= 10;
  return p;
}

// Lines `7 + 8 + 1 = 16 write 6 carry 1`; a >= b >= 0 for '-'.
std::vector<std::string> column_lines(Rng& rng, int64_t a, char op, int64_t b) {
  std::vector<std::string> lines;
  int64_t carry = 0;
  for (int64_t x = a, y = b; x > 0 || y > 0; x /= 10, y /= 10) {
    const int64_t p = x % 10, q = y % 10;
    const std::string carried = carry ? fmt::format(" {} 1", op) : "";
    if (op == '+') {
      const int64_t sum = p + q + carry;
      carry = sum / 10;
      lines.push_back(fmt::format("{} + {}{} {} write {}{}", p, q, carried, noisy_equals(rng, sum), sum % 10, carry ? " carry 1" : ""));
    } else {
      const int64_t difference = p - q - carry;
      carry = difference < 0;
      lines.push_back(fmt::format("{} - {}{} {} write {}{}", p, q, carried, noisy_equals(rng, difference), difference + 10 * carry,
                                  carry ? " borrow 1" : ""));
    }
  }
  if (op == '+' && carry) lines.push_back("write 1");
  return lines;
}

}  // namespace

std::string digits_key(int64_t a, char op, int64_t b) {
  if (op == '+' && a > b) std::swap(a, b);
  return fmt::format("digits:{}{}{}", a, op, b);
}

bool draw_digits(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const int64_t low = level == 1 ? 0 : power_of_ten(level - 1), high = power_of_ten(level) - 1;
  const int64_t a = rng.range(low, high), b = rng.range(low, high);
  const char op = rng.below(2) ? '+' : '-';
  out.canonical_key = digits_key(a, op, b);
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("What is {} {} {}?", a, op, b);
  out.gold = std::to_string(op == '+' ? a + b : a - b);
  std::vector<std::string> lines;
  if (op == '-' && a < b) {
    lines.push_back(fmt::format("{} - {} = -({} - {})", a, b, b, a));
    for (std::string& line : column_lines(rng, b, op, a)) lines.push_back(std::move(line));
  } else {
    lines = column_lines(rng, a, op, b);
  }
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
