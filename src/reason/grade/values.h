#pragma once
// Do two scalar trees have the same value, for every value of their letters?
#include "reason/grade/evaluate.h"

namespace minke::grading {

// Exact where no root stands; else polynomials and their fractions at 8 random residues and 2 real points; roots, pi, e and functions
// in 128 and then in 192 bits. `seed` draws the points. Refused where a side has no value.
bool same_value(const Node& a, const Node& b, uint64_t seed, std::string& why);

// Is a = c * b for one constant c, not 0, or above 0? Also true where both are 0 everywhere.
enum class Factor { kAny, kPositive };
bool proportional(const Node& a, const Node& b, Factor factor, uint64_t seed);

// |a - b| <= bound * max(|a|, |b|)? and |a - b| <= bound? For constants, in 128 bits; complex ones are never near.
bool near(const Node& a, const Rational& b, const Rational& absolute, const Rational& relative);

// The constant's sign, and order of two; Refused for complex ones.
int sign_of(const Node& a);
int compare_values(const Node& a, const Node& b, uint64_t seed);

// A text equal for equal values: of rationals exact, of other constants 25 digits, of trees with letters their values at fixed points.
std::string value_key(const Node& n);
// Equal for trees that are proportional.
std::string proportion_key(const Node& n);

}  // namespace minke::grading
