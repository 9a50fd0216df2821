#pragma once
// What an answer says, as a tree.
#include <string>
#include <utility>
#include <vector>

#include "reason/grade/rational.h"

namespace minke::grading {

enum class Kind : unsigned char {
  // scalars
  kNumber, kSymbol, kPi, kE, kI, kInfinity, kAdd, kMul, kNegate, kInverse, kPower, kRoot, kFunction, kPlusMinus,
  kBased,    // 52_8: digits in a base
  kPercent,  // of kids[0]
  kUnit,     // kids[0] with the unit `name`, raised to `count`
  // containers
  kTuple,     // `open` items `close`: tuples, points, intervals
  kSet,       // braces
  kList,      // bare, separated by commas or a word, then `name`: or, and
  kRatio,     // 3:4
  kUnion,
  kRelation,  // kids joined by the signs in `name`: = < > # (not equal), l (<=), g (>=)
  kMatrix,    // kids row by row, `count` columns
};

// How a number was written, for the rules on literals.
enum class Literal : unsigned char { kNone, kInteger, kDecimal, kMixed, kScientific };

struct Node {
  Kind kind = Kind::kNumber;
  Literal literal = Literal::kNone;
  bool reduced = true;   // a mixed number: its fraction is in lowest terms
  bool grouped = false;  // written 1,000
  char open = 0, close = 0;
  int decimals = 0;      // of a decimal literal
  int count = 0;         // columns of a matrix; power of a unit (0: none said); index of a root
  Rational number;
  std::string name;      // symbol, function, unit, digits of a literal
  std::vector<Node> kids;

  bool scalar() const { return kind < Kind::kTuple; }
};

inline Node node(Kind kind, std::vector<Node> kids = {}, std::string name = "") {
  Node n;
  n.kind = kind, n.kids = std::move(kids), n.name = std::move(name);
  return n;
}
inline Node number_node(Rational value) {
  Node n;
  n.number = std::move(value);
  return n;
}

// What stands in it, by one walk.
struct Traits {
  std::vector<std::string> symbols;  // sorted, each once
  bool irrational = false;           // roots, pi, e, functions, powers that are not whole: no exact value, no residue
  bool infinite = false, decimal = false, plus_minus = false;
};
Traits traits_of(const Node& n);

}  // namespace minke::grading
