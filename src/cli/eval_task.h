#pragma once
// `minke eval MODEL --task`: a task's held-out problems, answered and graded.
#include "cli/task_flags.h"

namespace minke {

struct EvalTaskFlags : TaskFlags {
  EvalTaskFlags() {
    n = 256;
    grade = "lenient";
    options.samples = 4;
  }
  std::string split = "test", rows, against;
  bool mtp = false;
};

void run_eval_task(const EvalTaskFlags& flags);

}  // namespace minke
