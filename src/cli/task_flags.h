#pragma once
// What `minke eval --task` and `minke sample` share: which problems, answered how, and the file of rows that they go on from.
#include <CLI/CLI.hpp>
#include <string>

#include "cli/effort_flags.h"
#include "eval/task_eval.h"
#include "reason/problem_source.h"

namespace minke {

struct TaskFlags {
  SourceOptions problems;
  std::string model, dtype = "auto", cache = "expanded", grade, grader;
  int64_t n = 0;
  bool no_think = false, json = false;
  TaskEvalOptions options;
  EffortFlags effort;            // of eval alone
  bool n_given = false, max_tokens_given = false;

  // The options that both commands have. Returns --task.
  CLI::Option* add(CLI::App& c);
  int64_t count(const ProblemSource& source, Split split) const;  // --n; not given, a small file's split may be less
  ProblemSource source() const;  // says on stderr what it passed over
  // Settles what the flags say about answers, and checks it. The grader command must outlive the options' use.
  TaskEvalOptions settled(CommandGrader* grader_command) const;
  // What rows are made by: the model's and the task's bytes, and every option that changes an answer.
  RowFile::MadeBy made_by(const char* split) const;
};

// All answers to these problems by the flags' model: those of the file are taken from it, new ones appended. A count on the terminal's
// last line. Interrupted when Ctrl-C ended it early, after saying how to go on.
std::vector<SampleRow> answer_problems(const TaskFlags& flags, const TaskEvalOptions& options, const std::vector<Problem>& asked, RowFile* file);

}  // namespace minke
