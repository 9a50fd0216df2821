#pragma once
// Rows added up: what `minke eval` prints and what a run of RL follows.
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/sample_row.h"
#include "eval/stats.h"

namespace minke {

struct TaskSummary {
  std::string family;           // "" where several are added up
  int level = 0;                // 0: all
  std::string group;            // "" where several are added up, or there is none
  int64_t n = 0;                // problems scored
  int64_t samples = 0;          // of each
  double pass1 = 0;             // mean over problems of the share of samples that are right
  Interval ci95;                // mean_interval()
  std::map<int64_t, double> pass_k, cons_k;  // k = 1, 2, 4, 8, 16, ... up to samples; means over problems
  double mean_tokens = 0;       // of an answer
  double mean_think_tokens = 0;
  double abstained = 0, no_answer = 0, capped = 0, cut = 0;  // shares of the answers: `?`, nothing to grade, Exit::kCap, Exit::kLength
  int64_t ungradable = 0;       // problems left out: their gold does not parse
  std::optional<double> mtp_acceptance;  // where it was asked for (mtp_acceptance.h)
};

// Rows in any order, the same number of samples for every problem (0 to samples - 1). A problem with an ungradable sample is left
// out. No rows: n = 0 and zeros.
TaskSummary summarise(std::span<const SampleRow> rows);

// One summary a family, level and group, in their order.
std::vector<TaskSummary> summarise_levels(std::span<const SampleRow> rows);

// {"pass1", "ci95", "pass_k", "cons_k", "n", "samples", "mean_tokens", "mean_think_tokens", "abstained", "no_answer", "capped", "cut",
// "ungradable"}, "mtp_acceptance" where it was measured; with levels: "levels", the same objects with "family", "level" and, where there is one, "group" before them.
std::string summary_json(const TaskSummary& all, std::span<const TaskSummary> levels = {});

// A table, a line a level and one for all where there are several.
std::string summary_table(const TaskSummary& all, std::span<const TaskSummary> levels);

}  // namespace minke
