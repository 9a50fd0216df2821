#include "reason/countdown_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "reason/tasks/canonical.h"

namespace minke {
namespace {

constexpr size_t kMostBytes = 128;   // also bounds the nesting
constexpr int64_t kMostNumber = 99999;

struct Value {  // above / below, in lowest terms; below 0: a division by zero on the way
  __int128 above = 0, below = 1;
};

__int128 gcd(__int128 a, __int128 b) {
  while (b) a = std::exchange(b, a % b);
  return a < 0 ? -a : a;
}

Value reduced(Value v) {
  const __int128 g = gcd(v.above, v.below);
  if (g == 0) return v;
  return v.below < 0 ? Value{-v.above / g, -v.below / g} : Value{v.above / g, v.below / g};
}

// Exact while the products fit: five numbers of at most 3 digits give at most 15 digits above and below.
Value apply(Value a, char op, Value b) {
  if (a.below == 0 || b.below == 0 || (op == '/' && b.above == 0)) return {0, 0};
  switch (op) {
    case '+': return reduced({a.above * b.below + b.above * a.below, a.below * b.below});
    case '-': return reduced({a.above * b.below - b.above * a.below, a.below * b.below});
    case '*': return reduced({a.above * b.above, a.below * b.below});
    default: return reduced({a.above * b.below, a.below * b.above});
  }
}

struct Node {
  char op = 0;  // 0: a number
  int64_t number = 0;
  size_t left = 0, right = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // The root's place in nodes(), or nothing.
  std::optional<size_t> parse() {
    const size_t root = sum();
    skip_blanks();
    return failed_ || at_ != text_.size() ? std::nullopt : std::optional(root);
  }
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  size_t sum() {
    size_t left = product();
    for (char op; (op = take_one_of("+-")) != 0;) left = add({op, 0, left, product()});
    return left;
  }
  size_t product() {
    size_t left = atom();
    for (char op; (op = take_one_of("*/")) != 0;) left = add({op, 0, left, atom()});
    return left;
  }
  size_t atom() {
    if (take_one_of("(")) {
      const size_t inner = sum();
      if (!take_one_of(")")) failed_ = true;
      return inner;
    }
    int64_t value = 0;
    const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
    const bool digit = begin < end && *begin >= '0' && *begin <= '9';  // from_chars alone would take a minus
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (!digit || error != std::errc() || value > kMostNumber) failed_ = true;
    at_ += size_t(stop - begin);
    return add({0, value, 0, 0});
  }
  size_t add(Node node) {
    nodes_.push_back(node);
    return nodes_.size() - 1;
  }
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char take_one_of(std::string_view wanted) {  // 0: none, nothing taken; blanks around are taken
    skip_blanks();
    if (failed_ || at_ == text_.size()) return 0;
    const std::string_view rest = text_.substr(at_);
    const bool times = rest.starts_with("×"), over = rest.starts_with("÷");
    const char sign = times ? '*' : over ? '/' : rest[0];
    if (wanted.find(sign) == std::string_view::npos) return 0;
    at_ += times || over ? 2 : 1;
    skip_blanks();
    return sign;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool failed_ = false;
  std::vector<Node> nodes_;
};

Value value_of(const std::vector<Node>& nodes, size_t at) {
  const Node& n = nodes[at];
  if (n.op == 0) return {n.number, 1};
  return apply(value_of(nodes, n.left), n.op, value_of(nodes, n.right));
}

Canonical canonical_of(const std::vector<Node>& nodes, size_t at) {
  const Node& n = nodes[at];
  if (n.op == 0) return canonical_number(n.number);
  return canonical_join(canonical_of(nodes, n.left), n.op, canonical_of(nodes, n.right));
}

// "countdown:3,5,7:36" -> 3 5 7, 36.
std::pair<std::vector<int64_t>, int64_t> read_key(std::string_view key) {
  std::vector<int64_t> numbers;
  const char *p = key.data() + std::min(key.size(), std::string_view("countdown:").size()), *end = key.data() + key.size();
  for (int64_t n = 0;; ++p) {
    const auto [stop, error] = std::from_chars(p, end, n);
    if (error != std::errc() || (stop != end && *stop != ',' && *stop != ':'))
      fail("'{}' is no key of a Countdown problem; expected e.g. countdown:3,5,7:36", key);
    if (stop == end) return {numbers, n};
    numbers.push_back(n);
    p = stop;
  }
}

}  // namespace

CountdownVerdict check_countdown(const Problem& problem, std::string_view answer) {
  const auto [given, target] = read_key(problem.canonical_key);
  if (answer.size() > kMostBytes) return {false, "", fmt::format("longer than {} bytes", kMostBytes)};
  Parser parser(answer);
  const auto root = parser.parse();
  if (!root) return {false, "", "no expression of numbers, + - * / and parentheses"};
  CountdownVerdict verdict;
  verdict.vote = canonical_text(canonical_of(parser.nodes(), *root));
  std::vector<int64_t> used;
  for (const Node& n : parser.nodes())
    if (n.op == 0) used.push_back(n.number);
  std::sort(used.begin(), used.end());
  if (used != given) {
    verdict.why = fmt::format("uses {}, not each of {} once", fmt::join(used, ", "), fmt::join(given, ", "));
    return verdict;
  }
  const Value value = value_of(parser.nodes(), *root);
  verdict.right = value.below == 1 && value.above == target;
  verdict.why = value.below == 0 ? "divides by zero" : verdict.right ? "reaches the target" : fmt::format("does not make {}", target);
  return verdict;
}

}  // namespace minke
