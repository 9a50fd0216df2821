#pragma once
// OUT/metrics.jsonl: a line a step, names that scripts read (docs/train.md).
#include <cstdio>
#include <optional>
#include <string>

#include "train/prediction.h"
#include "train/step.h"

namespace minke {

// What was measured at this step on held-out data: bits per byte of texts, nats per token of answers (fine-tuning).
struct HeldOut {
  std::optional<double> prose, problems, answers;
};

struct MetricsLine {
  const Progress& progress;
  const StepReport& report;
  const HeldOut* held_out = nullptr;  // null: not measured
  int64_t examples = 0, answer_tokens = 0;  // of a fine-tuning step; 0: another run
  double tok_s = 0, peak_share = 0;
  int64_t rss_bytes = 0;
  double seconds = 0;  // spent on the run so far
  const Prediction* prediction = nullptr;  // on a session's first and last line, with the peak so far beside it
  int64_t peak_bytes = 0;
};

class Metrics {
 public:
  // Keeps the lines up to `step` of a file that is there (a resumed run writes its later steps again).
  Metrics(const std::string& path, int64_t step);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  void write(const MetricsLine& line);
  void write_line(const std::string& json);  // an object of another kind of run; "step" in it is what a resume looks at

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace minke
