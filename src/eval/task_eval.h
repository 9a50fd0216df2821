#pragma once
// A task times a model: every problem answered `samples` times, all of them one stream of requests through the engine, each graded as
// it ends. What a sample says is a function of the weights, the options, its problem's id and its number alone.
// DeepSeek-R1 (2501.12948v2), appendix D.1: temperature 0.6, top-p 0.95, pass@1 as a mean over samples.
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "data/chat.h"
#include "dial/effort.h"
#include "dial/profile.h"
#include "eval/summary.h"
#include "infer/engine.h"
#include "reason/grade/command.h"

namespace minke {

struct TaskEvalOptions {
  int64_t samples = 1;                   // of each problem
  uint64_t seed = 1;                     // of the draws
  double temperature = 0.6, top_p = 0.95;
  int64_t max_tokens = 256;              // of a completion; less where the model's positions end
  int64_t think_cap = 0;                 // </think> is forced after so many tokens of thinking; 0: never
  Thinking thinking = Thinking::kOn;
  GradeMode mode = GradeMode::kLenient;
  CommandGrader* grader = nullptr;       // a user's own: right where its reward is at least 0.5
  CacheForm cache = CacheForm::kExpanded;
  // How hard to think, instead of max_tokens, think_cap and thinking (dial/effort.h); a row's total_tokens are then those of all samples.
  std::optional<Effort> effort;
  EffortProfile profile;
  int64_t answer_tokens = 0;             // most of an answer under an effort; 0: its reserve
  bool checker = true;                   // under an effort: answers that can be checked end its samples (dial/problem_question.h)

  static constexpr int64_t kAnswerRoom = 16;  // tokens that a cap must leave for the answer
  void validate() const;                 // UsageError names the option
};

struct TaskEvalHooks {
  // Is this sample's row known from before? Then it is not run again and takes its place among the rows.
  std::function<const SampleRow*(const Problem&, int64_t sample)> known;
  std::function<void(const SampleRow&)> on_row;  // a new one, in the order in which they end
  std::function<bool()> stop;                    // asked before every step of the engine
};

// Rows by problem, then sample. Fewer than problems x samples when `stop` ended it: whole problems only.
// Error: a prompt that fills the model's positions (names the problem), a tokenizer without the chat's tokens, a failing grader.
std::vector<SampleRow> evaluate_task(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, const TaskEvalOptions& options,
                                     const TaskEvalHooks& hooks = {});

// From row.text: answer, vote, outcome, correct.
void grade_row(const Problem& problem, const TaskEvalOptions& options, SampleRow& row);

// Of rows by problem, then sample, those of problems that have all of theirs.
std::vector<SampleRow> whole_problems(std::vector<std::optional<SampleRow>>& rows, size_t samples);

}  // namespace minke
