#include "eval/effort_eval.h"

#include <algorithm>
#include <optional>

#include "dial/problem_question.h"

namespace minke {
namespace {

SampleRow row_of(const Problem& problem, int64_t number, const AskResult& r, const TaskEvalOptions& o) {
  SampleRow row;
  row.id = problem.id;
  row.family = problem.family;
  row.level = problem.level;
  row.group = problem.group;
  row.sample = number;
  row.think_tokens = r.sample().thinking;
  row.total_tokens = r.tokens;
  row.exit = r.sample().exit == EffortExit::kOwn ? Exit::kOwn : r.sample().exit == EffortExit::kCap ? Exit::kCap : Exit::kLength;
  row.effort = r.effort;
  row.text = r.sample().text;
  grade_row(problem, o, row);
  return row;
}

}  // namespace

std::vector<SampleRow> evaluate_with_effort(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, const TaskEvalOptions& o,
                                            const TaskEvalHooks& hooks) {
  const size_t samples = size_t(o.samples);
  std::vector<std::optional<SampleRow>> rows(problems.size() * samples);
  std::vector<AskQuestion> questions;
  std::vector<size_t> places;
  for (size_t p = 0; p < problems.size(); ++p)
    for (size_t s = 0; s < samples; ++s) {
      if (const SampleRow* known = hooks.known ? hooks.known(problems[p], int64_t(s)) : nullptr) {
        rows[p * samples + s] = *known;
        continue;
      }
      questions.push_back(problem_question(problems[p], *o.effort, o.mode, o.grader, o.checker));
      questions.back().number = int64_t(s);
      places.push_back(p * samples + s);
    }
  AskOptions ask;
  ask.sampler.temperature = o.temperature;
  ask.sampler.top_p = o.top_p;
  ask.sampler.seed = o.seed;
  ask.answer_tokens = o.answer_tokens;
  Engine engine(model, o.cache);
  Asker asker(engine, model.config(), tokenizer, o.profile, ask);
  const auto ended = [&](size_t i, const AskResult& r) {
    if (r.effort.exit == EffortExit::kCancelled) return;
    const size_t p = places[i] / samples;
    const SampleRow& row = rows[places[i]].emplace(row_of(problems[p], int64_t(places[i] % samples), r, o));
    if (hooks.on_row) hooks.on_row(row);
  };
  ask_all(asker, questions, ended, hooks.stop);
  return whole_problems(rows, samples);
}

}  // namespace minke
