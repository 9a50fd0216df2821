#pragma once
// A task times a model times an effort.
#include "eval/task_eval.h"

namespace minke {

// What evaluate_task() does where the options name an effort: an answer is whole, with all samples that the effort asks for.
std::vector<SampleRow> evaluate_with_effort(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, const TaskEvalOptions& options,
                                            const TaskEvalHooks& hooks);

}  // namespace minke
