// Countdown: an expression that uses every given number once and equals the target. Search, with a free exact checker.
//
// A candidate joins two numbers of the pool at a time, the larger first, until one is left; every value is a whole number from 1
// to the level's limit. Three numbers and + - * give 27 candidates. The target is the value of a random candidate, so each problem
// has a solution. A trace is a few candidates in random order, one a line: `7 - 3 = 4 ; 5 * 4 = 20 x`, the last with `!` if it
// reaches the target; some traces give up first.
#include <fmt/format.h>

#include <algorithm>

#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

struct Rules {
  int least, most;      // how many numbers
  int64_t high;         // each in 1..high
  const char* ops;
  int64_t limit;        // of every value on the way
  int64_t target;       // of the last one
};

constexpr Rules kRules[] = {
    {2, 2, 20, "+-*", 400, 400},    // A1
    {3, 3, 10, "+-*", 100, 100},    // A2
    {3, 3, 25, "+-*/", 625, 100},   // A3
    {4, 4, 25, "+-*/", 999, 100},   // A4
    {4, 5, 100, "+-*/", 9999, 999}  // A5
};

struct Step {
  int64_t a, b, c;  // a op b = c, a >= b
  char op;
};

struct Term {
  int64_t value;
  std::string text;
  char op;  // of the outermost operation; 0: a number
};

int64_t apply(int64_t a, char op, int64_t b) {  // 0 where the result is not a whole number from 1
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    default: return a % b == 0 ? a / b : 0;
  }
}

int strength(char op) { return op == 0 ? 3 : op == '*' || op == '/' ? 2 : 1; }

Term join(const Term& a, char op, const Term& b, int64_t value) {
  const bool left = strength(a.op) < strength(op);
  const bool right = strength(b.op) < strength(op) || (strength(b.op) == strength(op) && !(b.op == op && (op == '+' || op == '*')));
  return {value, fmt::format("{}{}{} {} {}{}{}", left ? "(" : "", a.text, left ? ")" : "", op, right ? "(" : "", b.text, right ? ")" : ""), op};
}

struct Candidate {
  std::vector<Step> steps;
  Term result;
};

// A random candidate; pairs and operations that break the rules are drawn again.
Candidate draw_candidate(Rng& rng, const Rules& rules, const std::vector<int64_t>& numbers) {
  const uint64_t op_count = std::string_view(rules.ops).size();
  for (;;) {
    std::vector<Term> pool;
    for (const int64_t n : numbers) pool.push_back({n, std::to_string(n), 0});
    Candidate candidate;
    for (int tries = 0; pool.size() > 1 && tries < 50; ++tries) {
      size_t i = rng.below(pool.size()), j = rng.below(pool.size() - 1);
      j += j >= i;
      if (pool[i].value < pool[j].value) std::swap(i, j);
      const char op = rules.ops[rng.below(op_count)];
      const int64_t value = apply(pool[i].value, op, pool[j].value);
      if (value < 1 || value > rules.limit) continue;
      candidate.steps.push_back({pool[i].value, pool[j].value, value, op});
      Term joined = join(pool[i], op, pool[j], value);
      pool.erase(pool.begin() + int64_t(std::max(i, j)));
      pool.erase(pool.begin() + int64_t(std::min(i, j)));
      pool.push_back(std::move(joined));
    }
    if (pool.size() > 1) continue;
    candidate.result = pool[0];
    return candidate;
  }
}

std::string attempt_line(Rng& rng, const Candidate& candidate, int64_t target) {
  std::string line;
  for (const Step& s : candidate.steps)
    line += fmt::format("{}{} {} {} {}", line.empty() ? "" : " ; ", s.a, s.op, s.b, noisy_equals(rng, s.c));
  return line + (candidate.result.value == target ? " !" : " x");
}

bool draw(const Rules& rules, Rng& rng, const KeyFilter& keep, Problem& out) {
  std::vector<int64_t> numbers(size_t(rng.range(rules.least, rules.most)));
  for (int64_t& n : numbers) n = rng.range(1, rules.high);
  const Candidate solution = draw_candidate(rng, rules, numbers);
  const int64_t target = solution.result.value;
  if (target > rules.target) return false;
  std::sort(numbers.begin(), numbers.end());
  out.canonical_key = fmt::format("countdown:{}:{}", fmt::join(numbers, ","), target);
  if (!keep(out.canonical_key)) return false;

  for (size_t i = numbers.size(); i > 1; --i) std::swap(numbers[i - 1], numbers[rng.below(i)]);
  std::string list = std::to_string(numbers[0]);
  for (size_t i = 1; i < numbers.size(); ++i) list += fmt::format("{}{}", i + 1 == numbers.size() ? " and " : ", ", numbers[i]);
  out.prompt = fmt::format("Use {} once each to make {}.", list, target);
  out.gold = solution.result.text;

  // A budget of attempts at random; a trace that has a line left and luck ends with the solution.
  const int64_t budget = rng.range(1, 8);
  out.lines.clear();
  out.answer.assign(1, '?');  // assigning "?" draws a false warning from GCC 12
  for (int64_t attempt = 1; attempt <= budget && out.answer == "?"; ++attempt) {
    const bool lucky = rng.below(4) == 0;
    const Candidate candidate = lucky ? solution : draw_candidate(rng, rules, numbers);
    out.lines.push_back(attempt_line(rng, candidate, target));
    if (candidate.result.value == target) out.answer = candidate.result.text;
  }
  out.text = pretraining_text(out);
  return true;
}

}  // namespace

bool draw_countdown_a1(Rng& rng, int, const KeyFilter& keep, Problem& out) { return draw(kRules[0], rng, keep, out); }
bool draw_countdown_a2(Rng& rng, int, const KeyFilter& keep, Problem& out) { return draw(kRules[1], rng, keep, out); }
bool draw_countdown_a3(Rng& rng, int, const KeyFilter& keep, Problem& out) { return draw(kRules[2], rng, keep, out); }
bool draw_countdown_a4(Rng& rng, int, const KeyFilter& keep, Problem& out) { return draw(kRules[3], rng, keep, out); }
bool draw_countdown_a5(Rng& rng, int, const KeyFilter& keep, Problem& out) { return draw(kRules[4], rng, keep, out); }

}  // namespace minke
