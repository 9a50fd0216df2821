#pragma once
// RUN/metrics.jsonl, one JSON object a step, read into columns. Of its fields these are kept: step, tokens, loss,
// bpb{prose, problems}, max_vio[], skipped, seconds, threads, tok_s, the length of mtp_loss[], and of fine-tuning examples and sft_loss;
// others are passed over. null is NaN: the writer has no other way to say it. Runs of RL: rl_metrics.h.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

struct RunMetrics {
  std::vector<int64_t> step;         // [rows], rising
  std::vector<double> tokens;        // [rows], trained on so far, never falling
  std::vector<double> loss;          // [rows], nats a token; NaN: not finite in the run
  std::vector<double> bpb_prose;     // [rows], held-out bits per byte; NaN: not measured at this step
  std::vector<double> bpb_problems;  // [rows]
  std::vector<double> answer_loss;   // [rows], of fine-tuning: nats per token of held-out answers; NaN: not measured at this step
  std::vector<std::vector<double>>
      max_vio;            // [MoE layers][rows]: busiest expert's load / mean load - 1 in the step's batch
  int64_t skipped = 0;    // steps whose loss or gradient was not finite, as the last row counts them
  size_t mtp_layers = 0;  // the last so many of max_vio belong to MTP modules
  double seconds = 0;     // of the run so far; where the lines do not say it, that of the steps alone
  double threads = NAN;   // that computed, as the last row says; NaN: not said
  bool fine_tuning = false;  // loss is over the tokens of answers
  size_t rows() const { return step.size(); }
};

// A step that appears again (a run resumed from an older checkpoint) takes the place of the earlier lines from that
// step on. A last line without a line end that is no JSON is a write in progress and left out. Error (path:line) on
// anything else that does not fit.
RunMetrics parse_run_metrics(std::string_view text, const std::string& path);

}  // namespace minke
