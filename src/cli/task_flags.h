#pragma once
// What `minke eval --task` and `minke sample` share: which problems, answered how, and the file of rows that they go on from.
#include <CLI/CLI.hpp>
#include <string>

#include "eval/task_eval.h"

namespace minke {

// The problems of a task by name, at one level or all.
struct TaskProblems {
  const Family& family;
  int level;
  std::string name() const { return family.name + (level ? fmt::format(" level {}", level) : ""); }
  Problem train(uint64_t seed, uint64_t index) const { return draw_problem(family, level, Split::kTrain, seed, index); }
  std::vector<Problem> held_out(Split split, uint64_t seed, int64_t n) const { return draw_problems(family, level, split, seed, n); }
};

struct TaskFlags {
  std::string model, task, dtype = "auto", cache = "expanded", grade, grader;
  int level = 0;
  int64_t n = 0;
  bool no_think = false, json = false;
  TaskEvalOptions options;

  // The options that both commands have. Returns --task.
  CLI::Option* add(CLI::App& c);
  TaskProblems source() const;
  // Settles what the flags say about answers, and checks it. The grader command must outlive the options' use.
  TaskEvalOptions settled(CommandGrader* grader_command) const;
  // What rows are made by: the model's and the task's bytes, and every option that changes an answer.
  RowFile::MadeBy made_by(const char* split) const;
};

// All answers to these problems by the flags' model: those of the file are taken from it, new ones appended. A count on the terminal's
// last line. Interrupted when Ctrl-C ended it early, after saying how to go on.
std::vector<SampleRow> answer_problems(const TaskFlags& flags, const TaskEvalOptions& options, const std::vector<Problem>& problems, RowFile* file);

}  // namespace minke
