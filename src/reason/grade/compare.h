#pragma once
// The comparison of two trees, rule by rule (docs/grader.md).
#include <string>

#include "reason/grade/maths.h"
#include "reason/grade/tree.h"

namespace minke::grading {

class Comparison {
 public:
  Comparison(GradeMode mode, uint64_t seed) : lenient_(mode == GradeMode::kLenient), mode_(mode), seed_(seed) {}

  // Refused where a part has no value.
  bool same(const Node& gold, const Node& answer);
  const std::string& why() const { return why_; }

 private:
  bool decide(bool equal, std::string why) {
    why_ = std::move(why);
    return equal;
  }
  bool scalar(const Node& gold, const Node& answer);
  bool value(const Node& gold, const Node& answer);
  bool relation(const Node& gold, const Node& answer);
  bool equation(const Node& gold, const Node& answer);
  bool inequalities(const Node& gold, const Node& answer);
  bool assigned(const Node& gold, const Node& answer);
  bool in_order(const Node& gold, const Node& answer);
  bool in_any_order(const Node& gold, const Node& answer);
  bool unions(const Node& gold, const Node& answer);

  const bool lenient_;
  const GradeMode mode_;
  const uint64_t seed_;
  std::string why_;
};

// x = ..., xy = ...: a name of at most two characters. With `loose` also x_1 and f(x).
bool short_name(const Node& n, bool loose);

// 3 < x <= 5 as (3, 5], for one letter; nothing for what is no interval.
std::optional<Node> interval_of(const Node& relation);

// Digits behind commas that can be read as one number: `1, 000` or (1,000).
std::optional<Node> as_thousands(const Node& n);

// Intervals that touch or overlap are one, in increasing order; single points of sets are closed intervals of no length.
std::vector<Node> merged_parts(const Node& n, uint64_t seed);

}  // namespace minke::grading
