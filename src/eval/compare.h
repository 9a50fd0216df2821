#pragma once
// Two sets of rows on the same problems: what changed, and whether by chance.
#include <span>
#include <string>
#include <vector>

#include "eval/sample_row.h"
#include "eval/stats.h"

namespace minke {

// The rows of a file that --rows or --json wrote; lines that are no rows (what made them, the summary) are passed over.
std::vector<SampleRow> read_rows(const std::string& path);

struct Comparison {
  std::string name;       // "pass@1", "pass@16", "cons@16", "tokens"
  Difference difference;  // now minus before, over problems
  double holm = 1;        // its p, adjusted for all that are compared
};

// Problems are paired by id; those that one side lacks are left out, and how many remain is `problems`. k is the largest power of two that
// both sides have samples for; each side uses its first samples up to the smaller number. Error where no problem is in both.
std::vector<Comparison> compare_rows(std::span<const SampleRow> now, std::span<const SampleRow> before, uint64_t seed, int64_t* problems);

}  // namespace minke
