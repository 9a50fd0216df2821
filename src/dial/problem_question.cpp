#include "dial/problem_question.h"

namespace minke {

AskQuestion problem_question(const Problem& problem, const Effort& effort, GradeMode mode, CommandGrader* grader, bool checker) {
  AskQuestion q;
  q.id = problem.id;
  q.messages = {{"user", problem.prompt}};
  q.effort = effort;
  q.checker = checker && (grader || checks_itself(problem));
  q.read = [problem, mode, grader, verifies = q.checker](std::string_view completion) {
    Judgement j = judge(problem, completion, mode);
    AnswerReading r{std::move(j.answer), std::move(j.vote), false};
    if (!verifies || j.outcome == Outcome::kAbstained || r.answer.empty()) return r;
    r.verified = grader ? grader->reward({problem.prompt, problem.gold, r.answer, std::string(completion)}) >= 0.5 : j.outcome == Outcome::kRight;
    return r;
  };
  return q;
}

}  // namespace minke
