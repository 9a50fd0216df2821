#pragma once
// The engine's own records.
#include "infer/engine.h"

namespace minke {

enum class SequenceState : uint8_t { kWaiting, kRunning, kEnded };

// A growing sequence. ids = prompt + answer; positions [0, cached) lie in its pages; a running one has at least one id to feed, or the
// logits of its prompt's end to draw from.
struct Engine::Sequence {
  Id id = 0;
  GenerateRequest request;
  TokenHook hook;
  LogitsHook logits_hook;
  SequenceState state = SequenceState::kWaiting;
  std::vector<int32_t> ids;
  Generation out;
  int64_t cached = 0;
  std::vector<void*> pages;
  int64_t rows = 0;                                   // in this step
  int64_t recorded_rows = 0;                          // whose experts are in out
  std::shared_ptr<Prompt> prompt;                     // while it leads or waits for others with the same prompt
  std::shared_ptr<std::vector<float>> begun_from;     // logits after the prompt, if another entered it
};

// A prompt that sequences enter or wait for.
struct Engine::Prompt {
  int64_t waiting = 0;                                // sequences, the leader not counted, and those who keep it
  Sequence* leader = nullptr;                         // enters it now
  bool record_experts = false;                        // some want its experts
  // Once entered, while others wait: its pages, its last row's logits, its rows' experts.
  std::vector<void*> pages;
  std::shared_ptr<std::vector<float>> logits;
  std::vector<uint16_t> experts;
  bool has_experts = false;
};

// A token to be drawn: from a row of the step, or (row < 0) from the logits its prompt's leader left.
struct Engine::Draw {
  Sequence* sequence = nullptr;
  int64_t row = 0;
  float* logits = nullptr;
  float* raw = nullptr;                               // before the hook, where that may have changed them
  int32_t id = kNoForce;
  bool forced = false;
  bool done = false;
  float logp = 0;
};

// Sequences whose rows go through the model in one forward of their own. With as many parts as threads a step has one meeting of the
// threads, not one for every product; which part a row is in cannot be seen in its result.
struct Engine::Part {
  std::vector<Sequence*> sequences;
  Rows rows;
  std::vector<int32_t> ids;
  std::vector<Draw> draws;
  Arena arena;
};

// Appends the experts that rows [begin, begin + n) of a pass chose: [n][MoE layers][K].
void append_experts(const ForwardSaved& saved, int64_t begin, int64_t n, int64_t top_k, std::vector<uint16_t>& out);

}  // namespace minke
