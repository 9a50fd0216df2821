#pragma once
// A user's own grader: a command, started once, that reads one JSON line a sample on stdin and answers with one JSON line on stdout.
//   in   {"prompt": "...", "gold": "...", "answer": "...", "completion": "..."}
//   out  {"reward": 0..1}   or   {"equal": true|false}          (other keys are ignored)
// Answers come in the order of the questions; stdout must be flushed after each; stderr is kept for messages. Any other output, an
// exit, or silence longer than the time limit is an Error that names the command and quotes what it printed, never a reward of 0.
#include <memory>
#include <string>

namespace minke {

struct GradeRequest {
  std::string prompt, gold, answer, completion;
};

class CommandGrader {
 public:
  // `command` runs under `sh -c`. `timeout_s` is the limit of one answer.
  explicit CommandGrader(std::string command, double timeout_s = 10);
  ~CommandGrader();  // closes stdin, gives the command a moment, then kills its process group
  CommandGrader(const CommandGrader&) = delete;
  CommandGrader& operator=(const CommandGrader&) = delete;

  // The reward, in [0, 1]; `equal` gives 1 or 0. Any thread may call: one question at a time. After an Error every call fails with it.
  double reward(const GradeRequest& request);

 private:
  class Process;
  std::unique_ptr<Process> process_;
};

}  // namespace minke
