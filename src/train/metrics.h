#pragma once
// OUT/metrics.jsonl: a line a step, names that scripts read (docs/train.md).
#include <cstdio>
#include <optional>
#include <string>

#include "train/step.h"

namespace minke {

// Held-out bits per byte, when they were measured at this step.
struct HeldOut {
  std::optional<double> prose, problems;
};

struct MetricsLine {
  const Progress& progress;
  const StepReport& report;
  const HeldOut* bpb = nullptr;   // null: not measured
  double tok_s = 0, peak_share = 0;
  int64_t rss_bytes = 0;
};

class Metrics {
 public:
  // Keeps the lines up to `step` of a file that is there (a resumed run writes its later steps again).
  Metrics(const std::string& path, int64_t step);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  void write(const MetricsLine& line);

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace minke
