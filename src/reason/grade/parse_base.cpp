// The bases of powers: numbers, letters, brackets, commands with their arguments.
#include <algorithm>

#include "reason/grade/parser.h"

namespace minke::grading {

namespace {

constexpr std::string_view kFunctions[] = {"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "ln", "log", "exp"};
constexpr std::string_view kGreek[] = {"alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "kappa", "lambda",
                                       "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta",
                                       "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi", "Omega", "ell", "hbar"};

bool is_greek(std::string_view name) { return std::find(std::begin(kGreek), std::end(kGreek), name) != std::end(kGreek); }

}  // namespace

bool is_function_name(std::string_view name) { return std::find(std::begin(kFunctions), std::end(kFunctions), name) != std::end(kFunctions); }

Node literal_number(const Token& t) {
  Node n;
  n.name = t.text, n.grouped = t.grouped;
  std::string_view digits = t.text;
  int64_t exponent = 0;
  const size_t e = digits.find_first_of("eE");
  if (e != digits.npos) {
    std::string_view after = digits.substr(e + 1);
    const bool minus = after.starts_with('-');
    if (minus || after.starts_with('+')) after.remove_prefix(1);
    if (after.size() > 3) throw Refused{"an exponent above 64"};
    for (const char c : after) exponent = exponent * 10 + (c - '0');
    if (exponent > kMaxExponent) throw Refused{"an exponent above 64"};
    if (minus) exponent = -exponent;
    digits = digits.substr(0, e);
  }
  const size_t point = digits.find('.');
  std::string plain(digits.substr(0, point));
  if (point != digits.npos) {
    plain += digits.substr(point + 1);
    n.decimals = int(digits.size() - point - 1);
    exponent -= n.decimals;
  }
  n.literal = e != t.text.npos ? Literal::kScientific : point != digits.npos ? Literal::kDecimal : Literal::kInteger;
  const BigInt value = BigInt::parse(plain), scale = BigInt::power(10, uint32_t(exponent < 0 ? -exponent : exponent));
  n.number = exponent < 0 ? Rational(value, scale) : Rational(value * scale, 1);
  return n;
}

// An argument of \frac or \sqrt: braces, or one character (\frac12, \sqrt3).
Node Parser::argument() {
  if (peek().kind == TokenKind::kNumber && peek().text.size() > 1 && peek().text.find('.') == std::string::npos) {
    Token& t = tokens_[at_];
    Token digit = t;
    digit.text = t.text.substr(0, 1);
    t.text.erase(0, 1);
    return literal_number(digit);
  }
  return base();
}

Node Parser::bracket(char open) {
  const int bars = std::exchange(bars_, 0);
  take();
  std::vector<Node> items = list();
  bars_ = bars;
  char end = open == '(' ? ')' : ']';
  if (peek().is(')') || peek().is(']')) end = take().text[0];
  else if (!(options_.repairs && at_end())) unexpected();
  if (items.empty()) throw Refused{"empty brackets"};
  const bool same = (open == '(') == (end == ')');
  if (items.size() == 1) {
    if (!same) throw Refused{"brackets that do not match"};
    if (items[0].kind == Kind::kList || items[0].kind == Kind::kRatio) throw Refused{"brackets around something that is no number"};
    return std::move(items[0]);
  }
  Node out = node(Kind::kTuple, std::move(items));
  out.open = open, out.close = end;
  return out;
}

Node Parser::absolute() {
  take();
  ++bars_;
  Node inner = sum();
  --bars_;
  close('|');
  need_scalar(inner);
  return node(Kind::kFunction, {std::move(inner)}, "abs");
}

Node Parser::symbol(std::string name) {
  if (peek().is('_')) {
    take();
    name += '_';
    const bool braces = accept('{');
    do {
      if (at_end() || peek().kind == TokenKind::kPunct) unexpected();
      name += take().text;
    } while (braces && !peek().is('}'));
    if (braces) close('}');
  }
  while (peek().is('\'')) name += take().text;  // x'
  return node(Kind::kSymbol, {}, std::move(name));
}

Node Parser::number() {
  const Token& t = take();
  if (peek().is('_')) {  // digits in a base
    const size_t braces = peek(1).is('{') ? 1 : 0;
    const Token& b = peek(1 + braces);
    if (plain_digits(t) && plain_digits(b) && b.text.size() <= 2 && (!braces || peek(3).is('}'))) {
      size_t zeros = 0;
      while (zeros + 1 < t.text.size() && t.text[zeros] == '0') ++zeros;
      Node n = node(Kind::kBased, {}, t.text.substr(zeros) + "_" + b.text);
      at_ += 2 + 2 * braces;
      return n;
    }
    throw Refused{"an index on a number"};
  }
  if (peek().command("overline")) return repeating(t);
  if (t.text.ends_with('.')) unexpected();
  return literal_number(t);
}

// 0.1\overline{6}: 1/10 + 6/90.
Node Parser::repeating(const Token& t) {
  const Token& period = peek(2);
  const size_t point = t.text.find('.');
  if (point == std::string::npos || !peek(1).is('{') || !plain_digits(period) || !peek(3).is('}')) unexpected();
  at_ += 4;
  std::string digits = t.text;
  digits.erase(point, 1);
  const BigInt scale = BigInt::power(10, uint32_t(t.text.size() - point - 1));
  const BigInt nines = BigInt::power(10, uint32_t(period.text.size())) - 1;
  Node out = number_node(Rational(BigInt::parse(digits), scale) + Rational(BigInt::parse(period.text), scale * nines));
  out.literal = Literal::kScientific;  // exact, whatever its decimals
  return out;
}

Node Parser::base() {
  const Deeper deeper(depth_);
  const Token& t = peek();
  switch (t.kind) {
    case TokenKind::kNumber: return number();
    case TokenKind::kLetter: {
      const std::string name = take().text;
      const bool plain = !peek().is('_');
      if (name == "e" && plain) return node(Kind::kE);
      if (name == "i" && plain) return node(Kind::kI);
      return symbol(name);
    }
    case TokenKind::kRun: return run();
    case TokenKind::kWord:
      if (t.text.size() == 1) return symbol(take().text);
      throw Refused{"a word: " + t.text};
    case TokenKind::kCommand: return command();
    case TokenKind::kPunct:
      if (t.is('(') || t.is('[')) return bracket(t.text[0]);
      if (t.is('{')) {
        take();
        return one_item('}');
      }
      if (t.is('|')) return absolute();
      unexpected();
    case TokenKind::kEnd: break;
  }
  unexpected();
}

// Letters side by side: a known name, else (up to three) a product. Longer ones are words.
Node Parser::run() {
  const std::string name = take().text;
  if (name == "pi" || name == "Pi") return node(Kind::kPi);
  if (name == "sqrt") return root(true);
  if (options_.repairs && name == "frac") return fraction();
  if (is_function_name(name)) return function(name);
  if (lower(name) == "infinity" || name == "inf" || name == "oo") return node(Kind::kInfinity);
  if (name.size() > 3) throw Refused{"a word: " + name};
  if (lower(name) == "am" || lower(name) == "pm") throw Refused{"a time of day"};
  // Cut off the first letter; the rest is the next factor.
  Token& t = tokens_[--at_];
  t.text.erase(0, 1);
  t.blank_before = false;
  if (t.text.size() == 1) t.kind = TokenKind::kLetter;
  const std::string letter(1, name[0]);
  if (letter == "e") return node(Kind::kE);
  if (letter == "i") return node(Kind::kI);
  return node(Kind::kSymbol, {}, letter);
}

Node Parser::fraction() {
  Node above = argument();
  Node below = argument();
  need_scalar(above), need_scalar(below);
  return node(Kind::kMul, {std::move(above), node(Kind::kInverse, {std::move(below)})});
}

// `plain`: sqrt12 without a backslash means the root of 12.
Node Parser::root(bool plain) {
  Node out = node(Kind::kRoot);
  out.count = 2;
  if (peek().is('[')) {
    take();
    Node index = one_item(']');
    need_scalar(index);
    if (index.kind != Kind::kNumber) {  // \sqrt[n]{x}
      Node inside = argument();
      need_scalar(inside);
      return node(Kind::kPower, {std::move(inside), node(Kind::kInverse, {std::move(index)})});
    }
    const Rational& n = index.number;
    if (!n.is_integer() || n.negative() || n.is_zero() || n > Rational(kMaxExponent)) throw Refused{"an exponent above 64"};
    out.count = int(index.number.above().small());
  }
  Node inside = plain ? base() : argument();
  need_scalar(inside);
  out.kids.push_back(std::move(inside));
  return out;
}

Node Parser::function(const std::string& name) {
  Node out = node(Kind::kFunction, {}, name);
  Node exponent, log_base;
  bool powered = false, based = false;
  while (peek().is('^') || peek().is('_')) {
    if (take().is('^')) exponent = script(), powered = true;
    else log_base = script(), based = true;
  }
  if (based && name != "log") throw Refused{"an index on a function"};
  ++arguments_;
  if (peek().is('(') || peek().is('[') || peek().is('{') || peek().is('|')) {
    out.kids.push_back(base());
  } else {  // \sin 2x: what is written without a sign
    std::vector<Node> factors;
    while (starts_factor() && !next_is_function() && units_length(at_) == 0) factors.push_back(power());
    if (factors.empty()) {
      if (!next_is_function()) unexpected();
      factors.push_back(power());
    }
    for (const Node& f : factors) need_scalar(f);
    out.kids.push_back(factors.size() == 1 ? std::move(factors[0]) : node(Kind::kMul, std::move(factors)));
  }
  --arguments_;
  need_scalar(out.kids[0]);
  if (based) need_scalar(log_base), out.kids.push_back(std::move(log_base));
  if (!powered) return out;
  need_scalar(exponent);
  const bool minus_one = exponent.kind == Kind::kNegate && exponent.kids[0].kind == Kind::kNumber && exponent.kids[0].number == Rational(1);
  if (minus_one && (name == "sin" || name == "cos" || name == "tan")) {
    out.name = "arc" + name;
    return out;
  }
  return node(Kind::kPower, {std::move(out), std::move(exponent)});
}

bool Parser::next_is_function() const {
  const Token& t = peek();
  return (t.kind == TokenKind::kCommand || t.kind == TokenKind::kRun) && is_function_name(t.text);
}

Node Parser::command() {
  const std::string name = take().text;
  if (name == "frac") return fraction();
  if (name == "sqrt") return root(false);
  if (name == "pi") return node(Kind::kPi);
  if (name == "infty") return node(Kind::kInfinity);
  if (is_function_name(name)) return function(name);
  if (is_greek(name)) return symbol("\\" + name);
  if (name == "{") {
    Node out = node(Kind::kSet, list());
    close_command("}");
    return out;
  }
  if (name == "emptyset") return node(Kind::kSet);
  if (name == "langle") {
    Node out = node(Kind::kTuple, list());
    out.open = '<', out.close = '>';
    close_command("rangle");
    return out;
  }
  if (name == "lfloor" || name == "lceil") {
    Node inner = sum();
    need_scalar(inner);
    close_command(name == "lfloor" ? "rfloor" : "rceil");
    return node(Kind::kFunction, {std::move(inner)}, name == "lfloor" ? "floor" : "ceil");
  }
  if (name == "binom") {
    Node n = argument(), k = argument();
    need_scalar(n), need_scalar(k);
    return node(Kind::kFunction, {std::move(n), std::move(k)}, "binom");
  }
  if (name == "mathbb") {
    Node inner = argument();
    if (inner.kind != Kind::kSymbol) unexpected();
    inner.name = "mathbb " + inner.name;
    return inner;
  }
  if (name == "begin") return environment_matrix();
  throw Refused{"an unknown command: \\" + name};
}

std::string Parser::environment() {
  if (!accept('{')) unexpected();
  const std::string name = take().text;
  if (!accept('}')) unexpected();
  return name;
}

Node Parser::environment_matrix() {
  const std::string kind = environment();
  if (kind == "array") {
    if (accept('{'))
      while (!accept('}')) {
        if (at_end()) unexpected();
        take();
      }
  } else if (kind != "pmatrix" && kind != "bmatrix" && kind != "matrix" && kind != "vmatrix" && kind != "smallmatrix") {
    throw Refused{"an unknown environment: " + kind};
  }
  Node out = node(Kind::kMatrix, {}, kind == "vmatrix" ? "vmatrix" : "");
  int columns = 0;
  while (true) {
    if (peek().command("end")) break;  // a final \\ before it
    Node cell = sum();
    need_scalar(cell);
    out.kids.push_back(std::move(cell));
    ++columns;
    if (accept('&')) continue;
    if (out.count == 0) out.count = columns;
    if (columns != out.count) throw Refused{"rows of different length"};
    columns = 0;
    if (!accept_command("\\")) break;
  }
  if (!accept_command("end")) unexpected();
  environment();
  if (out.kids.empty()) throw Refused{"an empty matrix"};
  return out;
}

}  // namespace minke::grading
