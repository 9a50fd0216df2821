#pragma once
// A problem (reason/tasks/task.h) as a question to ask.
#include "dial/ask.h"
#include "reason/grade/command.h"
#include "reason/judge.h"

namespace minke {

// Its answers are read and named by the problem's own judge. checker: where an answer can be checked without knowing a right one
// (Countdown), or a user's grader is given, a right one is verified and ends the samples; never by the gold alone. `grader` may be null; it
// must outlive the question.
AskQuestion problem_question(const Problem& problem, const Effort& effort, GradeMode mode, CommandGrader* grader, bool checker);

}  // namespace minke
