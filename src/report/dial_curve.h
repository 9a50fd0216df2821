#pragma once
// What thinking buys: accuracy against tokens for every effort, from the lines of `minke dial curve --json`.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/panel.h"

namespace minke {

struct DialPoint {
  std::string effort;         // off ... max, auto
  double tokens = 0;          // a problem, mean; every token counted, those of samples not given too
  double right = 0;           // share of the problems
  double low = NAN, high = NAN;  // 95% interval
  double price = NAN;         // of `auto`: what a token must be worth, in accuracy
  double samples = NAN;       // a problem, mean
};

struct DialCurve {
  std::string name;                // "all problems", or a family
  int64_t problems = 0;
  std::vector<DialPoint> efforts;  // in the file's order
  std::vector<DialPoint> prices;   // `auto`, rising tokens
};

// The curve of all problems; where there are several families, then each family's, without intervals. Errors and unfinished lines: metrics_lines.h.
std::vector<DialCurve> parse_dial_curves(std::string_view text, const std::string& path);

// Tokens on a logarithmic scale; every effort with its name, `auto` as a line of its own.
Panel dial_panel(const DialCurve& curve);

}  // namespace minke
