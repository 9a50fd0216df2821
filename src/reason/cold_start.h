#pragma once
// Examples for the first fine-tuning before reinforcement, DeepSeek-R1's cold start: the form of thinking and answering, on traces
// that leave room. They search in random order, err and put it right, and stop early: sometimes of themselves, sometimes at a cap.
// docs/data.md gives the share of `?` for each family.
#include <string>

#include "base/rng.h"
#include "reason/tasks/task.h"

namespace minke {

struct ColdStart {
  std::string system;    // "", or the pace's tag
  std::string prompt;    // the question
  std::string thinking;  // lines, each with its "\n"; "" without thinking
  std::string answer;    // right, or `?` where the budget ran out; never wrong
  bool think;
};

inline constexpr double kNoThinkShare = 0.15;  // of examples: the gold at once, so that thinking can be switched off
inline constexpr double kCapShare = 0.25;      // of the others: a cap on the lines, uniform from 0 to the trace's length

// A cap below the trace's length cuts it between two lines, and the answer is `?`.
ColdStart cold_start(const Problem& problem, Rng& rng);

// For a model with a dial: a thought keeps within the budget of a pace (pace.h), drawn evenly, counted in pieces (mix.h) against
// `full_budget`. What is cut between two lines is answered with the gold, a best guess; a trace that gave up keeps its `?`. kTagShare of
// the thoughts are told their pace; of the examples without a thought, half are told `off`.
inline constexpr double kTagShare = 0.6;
inline constexpr double kBareShare = 0.3;  // of questions with an explanation: asked without, the thought tries some meaning
ColdStart paced_start(const Problem& problem, int64_t full_budget, Rng& rng);

// Of traces that gave up, so many become paced examples: who mostly sees searches that hit learns to try likely candidates first.
inline constexpr double kKeepGaveUp = 0.3;
bool keep_for_pacing(const Problem& problem, Rng& rng);

// The assistant's turn of a chat file: `<think>\n...</think>\boxed{...}`, or the box alone.
std::string cold_start_completion(const ColdStart& example);

}  // namespace minke
