#include "reason/grade/parse.h"

#include "reason/grade/parser.h"
#include "reason/grade/units.h"

namespace minke::grading {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c + 32);
  return out;
}

namespace {

bool is_connector(const Token& t) {
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kRun) return false;
  const std::string w = lower(t.text);
  return w == "or" || w == "and";
}

bool is_money(const Token& t) { return t.command("$") || t.command("euro") || t.command("pounds"); }

void add_unit(Node& n, std::string_view unit, bool over) {
  if (n.name == "degree" && (unit == "celsius" || unit == "fahrenheit")) n.name.clear();
  if (n.name == unit) return;
  if (!n.name.empty()) n.name += over ? "/" : " ";
  n.name += unit;
}

}  // namespace

char relation_sign(const Token& t) {
  if (t.is('=') || t.is('<') || t.is('>')) return t.text[0];
  if (t.command("le")) return 'l';
  if (t.command("ge")) return 'g';
  if (t.command("neq")) return '#';
  if (t.command("approx")) return '=';
  return 0;
}

bool ends_item(const Token& t) {
  return t.kind == TokenKind::kEnd || t.is(',') || t.is(';') || t.is(')') || t.is(']') || t.is('&') || t.is('}') || t.command("}") || t.command("\\") ||
         t.command("rangle") || t.command("end") || is_connector(t) || t.command("cup") || relation_sign(t);
}

void need_scalar(const Node& n) {
  if (!n.scalar()) throw Refused{"arithmetic on something that is no number"};
}

bool Parser::accept(char c) {
  if (!peek().is(c)) return false;
  ++at_;
  return true;
}

bool Parser::accept_command(std::string_view name) {
  if (!peek().command(name)) return false;
  ++at_;
  return true;
}

void Parser::unexpected() const { throw Refused{at_end() ? "it breaks off" : "unexpected: " + peek().text}; }

void Parser::close(char c) {
  if (!accept(c) && !(options_.repairs && at_end())) unexpected();
}

void Parser::close_command(std::string_view name) {
  if (!accept_command(name) && !(options_.repairs && at_end())) unexpected();
}

bool Parser::separator() const { return peek().is(',') || peek().is(';') || is_connector(peek()); }

Node Parser::whole() {
  std::string connector;
  std::vector<Node> items = list(&connector);
  if (!at_end()) unexpected();
  if (items.empty()) throw Refused{"nothing is there"};
  return items.size() == 1 ? std::move(items[0]) : node(Kind::kList, std::move(items), connector);
}

// `connector` takes the last of its words: or, and.
std::vector<Node> Parser::list(std::string* connector) {
  std::vector<Node> items;
  if (ends_item(peek()) && !separator() && !relation_sign(peek())) return items;
  while (true) {
    items.push_back(item());
    if (!separator()) return items;
    const bool comma = !is_connector(peek());
    if (comma) take();
    if (is_connector(peek())) {  // also "1, 2, and 3"
      if (connector) *connector = lower(peek().text);
      take();
    }
  }
}

Node Parser::one_item(char c) {
  std::vector<Node> items = list();
  close(c);
  if (items.size() != 1) throw Refused{"one expression was expected"};
  return std::move(items[0]);
}

Node Parser::item() {
  if (peek().kind == TokenKind::kLetter && peek(1).command("in")) {  // x \in S says S
    at_ += 2;
    return union_of_sums();
  }
  Node first = union_of_sums();
  if (!relation_sign(peek())) return first;
  Node out = node(Kind::kRelation, {});
  out.kids.push_back(std::move(first));
  while (char sign = relation_sign(peek())) {
    take();
    if ((sign == '<' || sign == '>') && accept('=')) sign = sign == '<' ? 'l' : 'g';  // as keyboards have them
    out.name += sign;
    out.kids.push_back(union_of_sums());
  }
  return out;
}

Node Parser::union_of_sums() {
  Node first = with_units();
  if (!peek().command("cup")) return first;
  Node out = node(Kind::kUnion);
  out.kids.push_back(std::move(first));
  while (accept_command("cup")) out.kids.push_back(with_units());
  return out;
}

Node Parser::with_units() {
  std::string money;
  const bool minus = peek().is('-') && is_money(peek(1));
  if (minus) take();
  if (is_money(peek())) {
    const std::string sign = take().text;
    money = sign == "$" ? "dollar" : sign == "euro" ? "euro" : "pound";
  }
  Node value = sum();
  if (minus) value = node(Kind::kNegate, {std::move(value)});
  if (peek().is(':') && value.scalar()) {
    Node ratio = node(Kind::kRatio);
    ratio.kids.push_back(std::move(value));
    while (accept(':')) {
      ratio.kids.push_back(sum());
      need_scalar(ratio.kids.back());
    }
    return ratio;
  }
  const size_t length = units_length(at_);
  if (length == 0 && money.empty()) return value;
  if (!value.scalar()) throw Refused{"a unit behind something that is no number"};
  if (peek().is('%')) {
    take();
    return node(Kind::kPercent, {std::move(value)});
  }
  Node out = node(Kind::kUnit, {std::move(value)}, money);
  take_units(length, out);
  if (out.name == "mile/hour") out.name = "mph";
  if (out.name == "km/hour") out.name = "kph";
  if (out.name == "percent") return node(Kind::kPercent, {std::move(out.kids[0])});
  return out;
}

// The tokens that units_length() has looked through.
void Parser::take_units(size_t length, Node& out) {
  const size_t end = at_ + length;
  bool over = false;
  while (at_ < end) {
    const Token& t = take();
    if (t.is('^')) {
      const bool braces = accept('{');
      if (accept_command("circ")) add_unit(out, "degree", over);
      else out.count = take().text == "2" ? 2 : 3;
      if (braces) accept('}');
    } else if (t.command("circ")) {
      add_unit(out, "degree", over);
    } else if (t.command("$")) {
      add_unit(out, "dollar", over);
    } else if (t.command("cents")) {
      add_unit(out, "cent", over);
    } else if (t.is('/') || lower(t.text) == "per") {
      over = true;
    } else if (unit_prefix(t.text)) {
      out.count = lower(t.text)[0] == 's' ? 2 : 3;
    } else if (!unit_name(t.text).empty()) {
      add_unit(out, unit_name(t.text), over);
    } else if (out.name == "degree" && (t.text == "C" || t.text == "F")) {
      add_unit(out, t.text == "C" ? "celsius" : "fahrenheit", over);
    } else if (!traits_of(out.kids[0]).symbols.empty()) {  // a label stands behind a number, not behind `all`
      throw Refused{"a word: " + t.text};
    }
  }
}

// How many tokens from `from` are units that reach the end of the item; 0 if it is something else. Lenient: words that are no units
// are taken too (12 boxes).
size_t Parser::units_length(size_t from) const {
  if (token(from).is('%') && ends_item(token(from + 1))) return 1;
  bool any = false;
  size_t i = from;
  while (!ends_item(token(i))) {
    const Token& t = token(i);
    const bool word = t.kind == TokenKind::kWord, run = t.kind == TokenKind::kRun, letter = t.kind == TokenKind::kLetter;
    const bool known = !unit_name(t.text).empty() || unit_prefix(t.text) || (any && lower(t.text) == "per");
    if (t.command("circ") || t.command("$") || t.command("cents")) {
      ++i;
    } else if (t.is('^')) {
      const size_t open = token(i + 1).is('{') ? 1 : 0;
      const Token& power = token(i + 1 + open);
      const bool small = power.kind == TokenKind::kNumber && (power.text == "2" || power.text == "3");
      if (!power.command("circ") && !(any && small)) return 0;
      if (open && !token(i + 3).is('}')) return 0;
      i += 2 + 2 * open;
    } else if (any && t.is('/')) {
      ++i;
    } else if ((word || run) && known) {
      if (run && !any && is_function_name(lower(t.text)) && !ends_item(token(i + 1))) return 0;  // sec x
      ++i;
    } else if (letter && known && (any || (options_.single_letter_units && t.blank_before))) {
      ++i;
    } else if ((letter || word) && any && (t.text == "C" || t.text == "F")) {  // ^\circ C
      ++i;
    } else if (options_.labels && (word || (run && t.text.size() > 3 && !is_function_name(t.text) && t.text != "sqrt" && t.text != "frac"))) {
      ++i;
    } else {
      return 0;
    }
    any = true;
  }
  return any ? i - from : 0;
}

Node parse(std::string_view cleaned, const ParseOptions& options) {
  return expanded(Parser(tokens_of(cleaned, options.grouping), options).whole());
}

}  // namespace minke::grading
