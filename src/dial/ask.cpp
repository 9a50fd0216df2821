#include "dial/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/hash.h"
#include "dial/controller.h"
#include "infer/thought.h"
#include "reason/grade/extract.h"
#include "reason/grade/maths.h"
#include "reason/pace.h"

namespace minke {

constexpr const char* kAbstention = "\\boxed{?}";

AnswerReading read_answer(std::string_view completion) {
  AnswerReading r;
  r.answer = extract_answer(completion).answer;
  if (!is_abstention(r.answer)) r.vote = vote_key(r.answer);
  return r;
}

void AskOptions::validate() const {
  sampler.validate();
  if (answer_tokens < 0) usage_fail("--max-tokens {}: expected 0 (the reserve) or more", answer_tokens);
  for (const std::string& s : stop)
    if (s.empty()) usage_fail("--stop: expected a text, found an empty one");
}

// A sample under way, then ended. The engine's hooks point at it.
struct Asker::Sample {
  Engine::Id id = 0;
  size_t number = 0;         // in its question
  int64_t plan_cap = 0;      // before positions shortened it
  ThoughtLimiter limiter;
  StreamDecoder decoder;     // of the answer, for stop strings
  bool thinking = false;     // </think> has not come yet
  std::string answer = {};   // where there are stop strings
  bool stopped = false;      // by one of them
  bool ended = false;
  AskSample out = {};

  SampleView view() const { return {plan_cap, out.reading.vote, out.reading.verified, out.confidence}; }
};

// What samples of one cap begin with.
struct Asker::Prepared {
  std::vector<int32_t> prompt;
  EffortBudget budget;
  int64_t samples = 0;       // so far
  bool kept = false;         // by the engine
};

struct Asker::Open {
  Id id = 0;
  AskQuestion question;
  EffortPlan plan;
  std::vector<std::unique_ptr<Sample>> samples;
  std::map<int64_t, Prepared> of_cap;  // by plan_cap
  AskResult result;
  bool done = false;
};

Asker::Asker(Engine& engine, const ModelConfig& config, const Tokenizer& tokenizer, EffortProfile profile, AskOptions options, AskHooks hooks)
    : engine_(engine), config_(config), tokenizer_(tokenizer), profile_(std::move(profile)), options_(std::move(options)), hooks_(std::move(hooks)),
      begin_of_thinking_(tokenizer.special_id("<think>")), end_of_thinking_(end_of_thinking_id(tokenizer)), eos_(answer_eos(config.eos_token_id, tokenizer)) {
  options_.validate();
  if (end_of_thinking_ >= config.vocab_size || eos_.front() >= config.vocab_size)
    fail("</think> or EOS of the tokenizer is outside the model's vocabulary of {}; is this the model's own tokenizer?", config.vocab_size);
  std::erase_if(eos_, [&](int64_t id) { return id >= config.vocab_size; });
}

Asker::~Asker() {
  for (const auto& [id, q] : questions_) leave_engine(*q);
}

void Asker::leave_engine(Open& q) {
  for (const auto& s : q.samples)
    if (!s->ended && s->id) {
      engine_.cancel(s->id);
      engine_.take(s->id);
    }
  forget_prompts(q);
}

Asker::Open& Asker::find(Id id) const {
  const auto it = questions_.find(id);
  if (it == questions_.end()) fail("dial: no question {}", id);
  return *it->second;
}

Asker::Id Asker::submit(AskQuestion question) {
  auto q = std::make_unique<Open>();
  q->id = next_id_++;
  q->question = std::move(question);
  if (!q->question.read) q->question.read = read_answer;
  q->plan = plan_effort(q->question.effort, profile_);
  if (q->question.samples > 0) {
    q->plan.samples = q->question.samples;
    q->plan.rule = EffortRule::kAll;
  } else if (options_.sampler.temperature == 0) {
    q->plan.samples = 1;
    q->plan.rule = EffortRule::kOne;
  }
  Open& open = *q;
  questions_.emplace(open.id, std::move(q));
  try {
    proceed(open);
  } catch (...) {
    leave_engine(open);
    questions_.erase(open.id);
    throw;
  }
  return open.id;
}

// More samples, or the end.
void Asker::proceed(Open& q) {
  std::vector<SampleView> views;
  for (const auto& s : q.samples) views.push_back(s->view());
  const Decision d = decide(q.plan, profile_, q.question.checker, views);
  if (d.samples > 0)
    start(q, d);
  else
    finish(q, d);
}

// Renders the prompt for a cap and fits the budget after it.
void Asker::prepare(Open& q, int64_t cap, Prepared& p) {
  std::vector<ChatMessage> messages;
  if (profile_.tag) messages.push_back({"system", pace_tag(effort_tag(cap, profile_.full_budget))});
  messages.insert(messages.end(), q.question.messages.begin(), q.question.messages.end());
  p.prompt = chat_prompt(tokenizer_, messages, cap > 0 ? Thinking::kOn : Thinking::kOff);
  for (const int32_t id : p.prompt)
    if (id >= config_.vocab_size) fail("question {}: token {} is outside the model's vocabulary of {}; is this the model's own tokenizer?", q.question.id, id, config_.vocab_size);
  try {
    p.budget = fit_budget(cap, options_.answer_tokens, config_.max_position_embeddings - int64_t(p.prompt.size()));
  } catch (const Error& e) {
    fail("question {}: {}", q.question.id, e.what());
  }
  q.result.prompt_tokens += int64_t(p.prompt.size());
}

void Asker::forget_prompts(Open& q) {
  for (auto& [cap, p] : q.of_cap)
    if (p.kept) engine_.forget_prompt(p.prompt);
  q.of_cap.clear();
}

void Asker::start(Open& q, const Decision& wave) {
  const bool thinks = wave.cap > 0;
  Prepared& p = q.of_cap[wave.cap];
  if (p.prompt.empty()) prepare(q, wave.cap, p);
  // Samples may come later: they need not enter the prompt again.
  if (!p.kept && q.plan.rule != EffortRule::kOne) {
    engine_.keep_prompt(p.prompt);
    p.kept = true;
  }
  const ThoughtLimits limits{end_of_thinking_, int32_t(eos_.front()), p.budget.think, p.budget.answer};
  // Samples of different caps draw from different streams, so that their votes are independent also where no tag tells them apart.
  const uint64_t stream = xxh3_64(fmt::format("{}\n{}\n{}", q.question.id, q.question.number, wave.cap));
  for (int64_t k = 0; k < wave.samples; ++k) {
    q.samples.push_back(std::make_unique<Sample>(Sample{0, q.samples.size(), wave.cap, ThoughtLimiter(limits, thinks), StreamDecoder(tokenizer_, true), thinks}));
    Sample* s = q.samples.back().get();
    s->out.cap = p.budget.think;
    GenerateRequest r;
    r.prompt = p.prompt;
    r.max_tokens = p.budget.completion;
    r.sampler = options_.sampler;
    r.eos = eos_;
    r.sequence = stream + uint64_t(p.samples++);
    r.record = true;
    const auto on_logits = [this, s](size_t, std::span<const int32_t> ids, size_t prompt_size, float* logits) {
      const int32_t forced = s->limiter.force(ids, prompt_size);
      constexpr float kNever = -std::numeric_limits<float>::infinity();
      if (s->limiter.thinking()) {
        for (const int64_t eos : eos_) logits[eos] = kNever;
      } else {
        logits[end_of_thinking_] = kNever;
        if (begin_of_thinking_ >= 0) logits[begin_of_thinking_] = kNever;
      }
      return forced;
    };
    const auto on_token = [this, s, question = q.id](size_t, int32_t id) {
      const bool thinking = s->thinking;
      s->thinking = thinking && id != end_of_thinking_;
      if (hooks_.on_token) hooks_.on_token(question, s->number, id, thinking);
      if (thinking || options_.stop.empty() || std::find(eos_.begin(), eos_.end(), int64_t(id)) != eos_.end()) return true;
      s->answer += s->decoder.push(id);
      size_t end = std::string::npos;
      for (const std::string& stop : options_.stop) end = std::min(end, s->answer.find(stop));
      if (end == std::string::npos) return true;
      s->answer.resize(end);
      s->stopped = true;
      return false;
    };
    s->id = engine_.submit(std::move(r), on_token, on_logits);
  }
}

void Asker::end_sample(Open& q, Sample& s) {
  Generation g = engine_.take(s.id);
  s.ended = true;
  AskSample& out = s.out;
  out.ids = std::move(g.ids);
  double sum = 0;
  int64_t own = 0;
  for (size_t i = 0; i < out.ids.size(); ++i)
    if (!g.forced[i]) sum += double(g.logp[i]), ++own;
  out.confidence = own ? std::exp(sum / double(own)) : 0;
  const Thinking thinking = s.plan_cap > 0 ? Thinking::kOn : Thinking::kOff;
  const ThoughtTokens tokens = count_thought(out.ids, thinking == Thinking::kOn, end_of_thinking_, g.finish == FinishReason::kStop);
  out.thinking = tokens.think;
  out.answer = tokens.answer;
  q.result.tokens += int64_t(out.ids.size());
  out.said = chat_answer(tokenizer_, out.ids, thinking);
  if (s.stopped) out.said.answer = s.answer;
  out.text = out.said.thinking + (out.said.closed ? "</think>" : "") + out.said.answer;
  if (g.finish == FinishReason::kCancelled && !s.stopped) {
    out.exit = EffortExit::kCancelled;
    return;  // half an answer has no vote
  }
  out.exit = s.limiter.ended() || g.finish == FinishReason::kLength ? EffortExit::kLength : s.limiter.cut() ? EffortExit::kCap : EffortExit::kOwn;
  out.reading = q.question.read(out.text);
}

// What the controller chose.
const std::string& Asker::arm_name(int64_t cap) const {
  const std::vector<int64_t> caps = arm_caps(*profile_.automatic, profile_.full_budget);
  return profile_.automatic->arms[size_t(std::find(caps.begin(), caps.end(), cap) - caps.begin())].effort;
}

void Asker::finish(Open& q, const Decision& d) {
  q.done = true;
  AskResult& r = q.result;
  r.given = d.given;
  for (auto& s : q.samples) r.samples.push_back(std::move(s->out));
  r.abstained = d.abstains;
  if (r.abstained) {
    AskSample& s = r.samples[r.given];
    s.said.answer = kAbstention;
    s.text = s.said.thinking + (s.said.closed ? "</think>" : "") + s.said.answer;
    s.reading = q.question.read(s.text);
  }
  // Where nobody has a vote, a `?` speaks rather than a sample without an answer.
  for (size_t i = 0; i < r.samples.size() && r.sample().reading.answer.empty(); ++i)
    if (!r.samples[i].reading.answer.empty()) r.given = i;
  const AskSample& given = r.sample();
  EffortSpent& e = r.effort;
  e.asked = q.plan.asked;
  e.applied = given.cap < q.samples[r.given]->plan_cap ? std::to_string(given.cap)
              : q.plan.rule == EffortRule::kAuto && profile_.automatic ? arm_name(q.samples[r.given]->plan_cap) : q.plan.applied;
  e.cap = given.cap;
  e.thinking = given.thinking;
  e.discarded = r.tokens - int64_t(given.ids.size());
  e.samples = int64_t(r.samples.size());
  e.exit = d.exit.value_or(given.exit);
  q.samples.clear();
  forget_prompts(q);
}

bool Asker::step() {
  const auto open = [](const auto& q) { return !q.second->done; };
  if (std::none_of(questions_.begin(), questions_.end(), open)) return false;
  engine_.step();
  for (const auto& [id, q] : questions_) {
    if (q->done) continue;
    bool all = true;
    for (const auto& s : q->samples) {
      if (!s->ended && engine_.ended(s->id)) end_sample(*q, *s);
      all = all && s->ended;
    }
    if (all) proceed(*q);
  }
  return true;
}

bool Asker::ended(Id id) const { return find(id).done; }

void Asker::cancel(Id id) {
  Open& q = find(id);
  if (q.done) return;
  for (const auto& s : q.samples)
    if (!s->ended) {
      engine_.cancel(s->id);
      end_sample(q, *s);
    }
  std::vector<SampleView> whole;
  std::vector<size_t> at;
  for (const auto& s : q.samples)
    if (s->out.exit != EffortExit::kCancelled) {
      whole.push_back(s->view());
      at.push_back(s->number);
    }
  EffortPlan so_far = q.plan;
  so_far.samples = int64_t(whole.size());
  so_far.rule = EffortRule::kVotes;
  Decision d = whole.empty() ? Decision{} : decide(so_far, profile_, q.question.checker, whole);
  d.abstains = false;  // more samples might have agreed
  if (!at.empty()) d.given = at[d.given];
  d.exit = EffortExit::kCancelled;
  finish(q, d);
}

AskResult Asker::take(Id id) {
  Open& q = find(id);
  MINKE_CHECK(q.done);
  AskResult out = std::move(q.result);
  questions_.erase(id);
  return out;
}

std::vector<AskResult> ask_all(Asker& asker, const std::vector<AskQuestion>& questions, const std::function<void(size_t, const AskResult&)>& on_end,
                               const std::function<bool()>& stop) {
  constexpr size_t kOpen = 256;  // at once: each keeps its prompt's pages
  std::vector<AskResult> out(questions.size());
  std::map<Asker::Id, size_t> open;
  size_t next = 0;
  const auto collect = [&] {
    for (auto it = open.begin(); it != open.end();) {
      if (!asker.ended(it->first)) {
        ++it;
        continue;
      }
      out[it->second] = asker.take(it->first);
      if (on_end) on_end(it->second, out[it->second]);
      it = open.erase(it);
    }
  };
  bool stopped = false;
  while (next < questions.size() || !open.empty()) {
    for (; next < questions.size() && open.size() < kOpen; ++next) {
      const Asker::Id id = asker.submit(questions[next]);
      open.emplace(id, next);
      if (stopped) asker.cancel(id);
    }
    stopped = stopped || (stop && stop());
    if (stopped)
      for (const auto& [id, i] : open) asker.cancel(id);
    else
      asker.step();
    collect();
  }
  return out;
}

}  // namespace minke
