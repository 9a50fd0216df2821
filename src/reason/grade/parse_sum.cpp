// Sums, products and powers; mixed numbers.
#include "reason/grade/parser.h"
#include "reason/grade/units.h"

namespace minke::grading {

bool plain_digits(const Token& t) {
  return t.kind == TokenKind::kNumber && !t.grouped && t.text.find_first_of(".eE") == std::string::npos;
}

Node Parser::sum() {
  std::vector<Node> terms;
  const auto sign_follows = [&] { return peek().is('+') || peek().is('-') || peek().command("pm") || peek().command("mp"); };
  do {
    const bool signs = sign_follows();
    bool negative = false;
    std::string both;
    while (sign_follows()) {
      const Token& sign = take();
      if (sign.is('-')) negative = !negative;
      else if (sign.kind == TokenKind::kCommand) both = (sign.text == "pm") != negative ? "+-" : "-+", negative = false;
    }
    Node term = product();
    if (signs || sign_follows()) need_scalar(term);
    if (!both.empty()) term = node(Kind::kPlusMinus, {std::move(term)}, both);
    if (negative) term = node(Kind::kNegate, {std::move(term)});
    terms.push_back(std::move(term));
  } while (sign_follows());
  return terms.size() == 1 ? std::move(terms[0]) : node(Kind::kAdd, std::move(terms));
}

bool Parser::starts_factor() const {
  const Token& t = peek();
  if (ends_item(t)) return false;
  switch (t.kind) {
    case TokenKind::kNumber:
    case TokenKind::kLetter:
    case TokenKind::kRun:
    case TokenKind::kWord: return true;
    case TokenKind::kPunct: return t.is('(') || t.is('[') || t.is('{') || (t.is('|') && bars_ == 0);
    case TokenKind::kCommand:
      for (const std::string_view other : {"circ", "pm", "mp", "in", "cents", "$", "rfloor", "rceil"})
        if (t.text == other) return false;
      return true;
    case TokenKind::kEnd: break;
  }
  return false;
}

Node Parser::product() {
  std::vector<Node> factors;
  factors.push_back(power());
  if (factors[0].literal == Literal::kInteger) mixed(factors[0]);
  while (true) {
    bool inverse = false, negative = false;
    const bool written = peek().is('*') || peek().is('/');
    if (written) {
      inverse = take().is('/');
      if (!inverse && options_.repairs && accept('*')) {  // ** as programs write powers
        Node exponent = power();
        need_scalar(exponent), need_scalar(factors.back());
        factors.back() = node(Kind::kPower, {std::move(factors.back()), std::move(exponent)});
        continue;
      }
      while (peek().is('-') || peek().is('+')) negative ^= take().is('-');
    } else {
      if (!starts_factor() || units_length(at_) > 0) break;
      if (peek().kind == TokenKind::kNumber && factors.back().kind == Kind::kNumber) {
        if (!thousands_follow(factors.back())) throw Refused{"two numbers side by side"};
        Node& n = factors.back();
        n.name += take().text;
        n.number = Rational(BigInt::parse(n.name), 1);
        n.grouped = true;
        continue;
      }
    }
    Node f = power();
    need_scalar(f), need_scalar(factors.back());
    if (negative) f = node(Kind::kNegate, {std::move(f)});
    if (inverse) f = node(Kind::kInverse, {std::move(f)});
    factors.push_back(std::move(f));
  }
  return factors.size() == 1 ? std::move(factors[0]) : node(Kind::kMul, std::move(factors));
}

// 10 000: three digits behind a blank, behind at most three digits or such groups.
bool Parser::thousands_follow(const Node& n) const {
  const bool three_digits = peek().blank_before && plain_digits(peek()) && peek().text.size() == 3;
  return options_.labels && three_digits && n.literal == Literal::kInteger && (n.grouped || n.name.size() <= 3);
}

// After a whole number: 3/4 behind a blank, or \frac{3}{4}, with 3 < 4.
void Parser::mixed(Node& whole) {
  size_t used = 0;
  std::string above, below;
  if (peek().blank_before && plain_digits(peek()) && peek(1).is('/') && plain_digits(peek(2))) {
    above = peek().text, below = peek(2).text, used = 3;
  } else if (peek().command("frac")) {
    // Two arguments: digits in braces, or one digit each.
    std::string* parts[] = {&above, &below};
    size_t k = 1, part = 0;
    while (part < 2) {
      if (peek(k).is('{') && plain_digits(peek(k + 1)) && peek(k + 2).is('}')) {
        *parts[part++] = peek(k + 1).text, k += 3;
      } else if (plain_digits(peek(k)) && peek(k).text.size() <= 2 - part) {
        for (const char c : peek(k).text) *parts[part++] = std::string(1, c);
        ++k;
      } else {
        return;
      }
    }
    used = k;
  }
  if (used == 0) return;
  const BigInt a = BigInt::parse(above), b = BigInt::parse(below);
  if (a.is_zero() || a >= b) return;
  at_ += used;
  const Rational part(a, b);
  whole.reduced = part.below() == b;
  whole.number = whole.number + part;
  whole.literal = Literal::kMixed;
}

Node Parser::power() {
  Node b = base();
  for (int n = 0;; ++n) {
    if (n > kMaxNesting) throw Refused{"nested deeper than 64"};
    if (peek().is('!') && !peek(1).is('=')) {
      take();
      need_scalar(b);
      b = node(Kind::kFunction, {std::move(b)}, "fact");
    } else if (peek().is('%') && !ends_item(peek(1))) {
      take();
      need_scalar(b);
      b = node(Kind::kMul, {std::move(b), number_node(Rational(BigInt(1), BigInt(100)))});
    } else if (peek().is('^') || peek().command("circ")) {
      if (arguments_ == 0 && units_length(at_) > 0) return b;  // a degree sign at the end
      need_scalar(b);
      const size_t braces = peek().is('^') && peek(1).is('{') ? 1 : 0;
      const size_t circ = peek().is('^') ? 1 + braces : 0;
      if (peek(circ).command("circ")) {  // inside: an angle
        at_ += circ + 1 + braces;
        b = node(Kind::kMul, {std::move(b), node(Kind::kPi), number_node(Rational(BigInt(1), BigInt(180)))});
        continue;
      }
      take();
      Node exponent = script();
      need_scalar(exponent);
      b = node(Kind::kPower, {std::move(b), std::move(exponent)});
    } else {
      return b;
    }
  }
}

// After ^ or _: a braced expression, or one base with its sign.
Node Parser::script() {
  bool negative = false;
  while (peek().is('-')) take(), negative = !negative;
  Node out = base();
  return negative ? node(Kind::kNegate, {std::move(out)}) : out;
}

}  // namespace minke::grading
