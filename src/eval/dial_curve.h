#pragma once
// Accuracy against tokens for every setting of the dial, from recorded samples (dial/record.h).
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dial/record.h"
#include "eval/stats.h"

namespace minke {

enum class CurveKind : uint8_t {
  kEffort,    // off, minimal, low, medium, high, max, auto
  kFixed,     // one cap, so many samples: "low x4"; with the early stop of max: "low x4 agreed", "low x4 confident"
  kPrice,     // auto at a price
  kShuffled,  // the control: each problem gets as many samples as auto, at a price, wanted for another one; they vote without confidences
};
const char* curve_kind_name(CurveKind kind);  // "effort", "fixed", "price", "shuffled"

struct CurvePoint {
  CurveKind kind = CurveKind::kEffort;
  std::string setting;
  std::optional<double> price;
  std::vector<uint8_t> right;    // [problems]
  std::vector<int64_t> tokens;   // [problems] every token: prompts, thoughts, answers, those discarded too
  double accuracy = 0, mean_tokens = 0, mean_samples = 0;
  Interval ci95;
};

// The efforts, then six prices where the profile has a table. checker: problems that can be checked end at the first verified sample.
std::vector<CurvePoint> dial_curve(std::span<const RecordedProblem> problems, const EffortProfile& profile, bool checker);
// All fixed settings, and the control at the six prices; without a checker.
std::vector<CurvePoint> dial_rivals(std::span<const RecordedProblem> problems, const EffortProfile& profile, uint64_t seed);

// Six prices between the ends of the table: of those where its policy changes, without the first and the last, evenly by their place; fewer
// where there are fewer.
std::vector<double> six_prices(const AutoTable& table);

// {"effort", "price" (auto's; else null), "n", "accuracy", "ci95", "tokens", "samples", "levels": [{"family", "level", "n", "accuracy", "tokens"}, ...]}
std::string curve_json(const CurvePoint& point, std::span<const RecordedProblem> problems);
// {"setting", "kind", "price", "right": [0, 1, ...], "tokens": [...]}: a line of a file whose first line is problems_json().
std::string setting_json(const CurvePoint& point);
std::string problems_json(std::span<const RecordedProblem> problems);  // {"id": [...], "family": [...], "level": [...]}

}  // namespace minke
