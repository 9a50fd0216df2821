#pragma once
// The recursive descent of parse.h; its methods are one grammar, in three files: lists and items, sums to powers, bases.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reason/grade/parse.h"
#include "reason/grade/tokens.h"

namespace minke::grading {

class Parser {
 public:
  Parser(std::vector<Token> tokens, const ParseOptions& options) : tokens_(std::move(tokens)), options_(options) {}
  Node whole();

 private:
  struct Deeper {
    explicit Deeper(int& depth) : depth_(depth) {
      if (++depth_ > kMaxNesting) throw Refused{"nested deeper than 64"};
    }
    ~Deeper() { --depth_; }
    int& depth_;
  };

  // tokens
  const Token& token(size_t k) const { return tokens_[k < tokens_.size() ? k : tokens_.size() - 1]; }
  const Token& peek(size_t ahead = 0) const { return token(at_ + ahead); }
  const Token& take() { return token(at_++); }
  bool accept(char c);
  bool accept_command(std::string_view name);
  bool at_end() const { return peek().kind == TokenKind::kEnd; }
  [[noreturn]] void unexpected() const;
  void close(char c);  // with repairs, the end closes everything
  void close_command(std::string_view name);
  bool separator() const;

  // lists and items
  std::vector<Node> list(std::string* connector = nullptr);
  Node one_item(char close);
  Node item();
  Node union_of_sums();
  Node with_units();
  size_t units_length(size_t from) const;
  void take_units(size_t length, Node& out);

  // sums to powers
  Node sum();
  bool starts_factor() const;
  Node product();
  bool thousands_follow(const Node& n) const;
  void mixed(Node& whole);
  Node power();
  Node script();

  // bases
  Node base();
  Node number();
  Node repeating(const Token& t);
  Node symbol(std::string name);
  Node run();
  Node command();
  Node argument();
  Node fraction();
  Node root(bool plain);
  Node function(const std::string& name);
  bool next_is_function() const;
  Node bracket(char open);
  Node absolute();
  Node environment_matrix();
  std::string environment();

  std::vector<Token> tokens_;
  const ParseOptions& options_;
  size_t at_ = 0;
  int depth_ = 0;  // of bases within bases: every nesting passes base() once
  int bars_ = 0;   // open | of absolute values
  int arguments_ = 0;  // of functions, open: a degree sign there is an angle, not a unit
};

bool is_function_name(std::string_view name);  // sin, ln, ...
bool ends_item(const Token& t);
bool plain_digits(const Token& t);   // a number of digits alone, not grouped
char relation_sign(const Token& t);  // = < > l g #, or 0
void need_scalar(const Node& n);     // Refused
Node literal_number(const Token& t);
std::string lower(std::string_view s);

// Plus-minus signs go: two trees, all signs one way and all signs the other, in a list.
Node expanded(Node n);

}  // namespace minke::grading
