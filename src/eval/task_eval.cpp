#include "eval/task_eval.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "eval/effort_eval.h"
#include "infer/thought.h"

namespace minke {
namespace {

// What the hooks know of a request under way.
struct Progress {
  size_t problem;
  int64_t sample;
  std::vector<int32_t> ids;  // of the completion
  ThoughtLimiter limiter;
};

SampleRow graded(const Tokenizer& tokenizer, const Problem& problem, const Progress& p, bool ended, int32_t end_of_thinking, const TaskEvalOptions& o) {
  SampleRow row;
  row.id = problem.id;
  row.family = problem.family;
  row.level = problem.level;
  row.group = problem.group;
  row.sample = p.sample;
  row.think_tokens = count_thought(p.ids, o.thinking == Thinking::kOn, end_of_thinking, ended).think;
  row.total_tokens = int64_t(p.ids.size());
  row.exit = !ended ? Exit::kLength : p.limiter.cut() ? Exit::kCap : Exit::kOwn;
  row.text = completion_text(tokenizer, p.ids, o.thinking);
  grade_row(problem, o, row);
  return row;
}

}  // namespace

void grade_row(const Problem& problem, const TaskEvalOptions& o, SampleRow& row) {
  Judgement j = judge(problem, row.text, o.mode);
  row.correct = j.outcome == Outcome::kRight;
  row.answer = std::move(j.answer);
  row.vote = std::move(j.vote);
  row.outcome = j.outcome;
  if (!o.grader || row.outcome == Outcome::kAbstained) return;
  row.correct = o.grader->reward({problem.prompt, problem.gold, row.answer, row.text}) >= 0.5;
  if (row.correct || row.outcome != Outcome::kNoAnswer) row.outcome = row.correct ? Outcome::kRight : Outcome::kWrong;
}

std::vector<SampleRow> whole_problems(std::vector<std::optional<SampleRow>>& rows, size_t samples) {
  std::vector<SampleRow> out;
  for (auto begin = rows.begin(); begin != rows.end(); begin += int64_t(samples)) {
    const auto end = begin + int64_t(samples);
    if (!std::all_of(begin, end, [](const auto& row) { return row.has_value(); })) continue;
    for (auto r = begin; r != end; ++r) out.push_back(std::move(**r));
  }
  return out;
}

void TaskEvalOptions::validate() const {
  if (samples < 1) usage_fail("--samples {}: expected at least 1", samples);
  if (max_tokens < 1) usage_fail("--max-tokens {}: expected at least 1", max_tokens);
  if (think_cap < 0) usage_fail("--cap {}: expected 0 (none) or more", think_cap);
  if (think_cap > 0 && thinking == Thinking::kOff) usage_fail("--cap {} with --no-think: there is no thinking to cap", think_cap);
  if (think_cap > 0 && think_cap + kAnswerRoom > max_tokens)
    usage_fail("--cap {} leaves less than {} of --max-tokens {} for the answer", think_cap, kAnswerRoom, max_tokens);
  SamplerOptions sampler;
  sampler.temperature = temperature;
  sampler.top_p = top_p;
  sampler.validate();
}

std::vector<SampleRow> evaluate_task(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, const TaskEvalOptions& o,
                                     const TaskEvalHooks& hooks) {
  o.validate();
  if (o.effort) return evaluate_with_effort(model, tokenizer, problems, o, hooks);
  const ModelConfig& config = model.config();
  const int32_t end_of_thinking = end_of_thinking_id(tokenizer);
  const std::vector<int64_t> eos = answer_eos(config.eos_token_id, tokenizer);

  const size_t samples = size_t(o.samples);
  std::vector<std::optional<SampleRow>> rows(problems.size() * samples);
  std::vector<GenerateRequest> requests;
  std::vector<Progress> progress;
  const ThoughtLimiter limiter({end_of_thinking, int32_t(eos.front()), o.think_cap > 0 ? o.think_cap : kNoCap, kNoCap}, o.thinking == Thinking::kOn);
  for (size_t p = 0; p < problems.size(); ++p) {
    const ChatMessage question{"user", problems[p].prompt};
    const std::vector<int32_t> prompt = chat_prompt(tokenizer, {&question, 1}, o.thinking);
    const int64_t room = config.max_position_embeddings - int64_t(prompt.size());
    if (room < 1) fail("problem {}: its prompt has {} tokens, the model {} positions", problems[p].id, prompt.size(), config.max_position_embeddings);
    for (const int32_t id : prompt)
      if (id >= config.vocab_size) fail("token {} of a prompt is outside the model's vocabulary of {}; is this the model's own tokenizer?", id, config.vocab_size);
    for (size_t s = 0; s < samples; ++s) {
      if (const SampleRow* known = hooks.known ? hooks.known(problems[p], int64_t(s)) : nullptr) {
        rows[p * samples + s] = *known;
        continue;
      }
      GenerateRequest r;
      r.prompt = prompt;
      r.max_tokens = std::min(o.max_tokens, room);
      r.sampler.temperature = o.temperature;
      r.sampler.top_p = o.top_p;
      r.sampler.seed = o.seed;
      r.eos = eos;
      // The id names the problem, so that a sample does not depend on how many problems stand before it.
      r.sequence = xxh3_64(problems[p].id) + s;
      requests.push_back(std::move(r));
      progress.push_back({p, int64_t(s), {}, limiter});
    }
  }

  const LogitsHook cap = [&](size_t i, std::span<const int32_t> ids, size_t prompt, float*) { return progress[i].limiter.force(ids, prompt); };
  const TokenHook count = [&](size_t i, int32_t id) {
    Progress& p = progress[i];
    p.ids.push_back(id);
    const bool ended = std::find(eos.begin(), eos.end(), int64_t(id)) != eos.end();
    if (!ended && int64_t(p.ids.size()) < requests[i].max_tokens) return true;
    SampleRow& row = rows[p.problem * samples + size_t(p.sample)].emplace(graded(tokenizer, problems[p.problem], p, ended, end_of_thinking, o));
    if (hooks.on_row) hooks.on_row(row);
    return true;
  };
  Engine(model, o.cache).generate(requests, count, hooks.stop, o.think_cap > 0 ? cap : LogitsHook());

  return whole_problems(rows, samples);
}

}  // namespace minke
