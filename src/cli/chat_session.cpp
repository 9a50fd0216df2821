#include "cli/chat_session.h"

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "checkpoint/model_folder.h"

namespace minke {
namespace {

AskOptions ask_options(const SamplingFlags& flags) {
  AskOptions o;
  o.sampler = flags.sampler;
  o.answer_tokens = flags.max_tokens;
  o.stop = flags.stop;
  return o;
}

}  // namespace

ChatSession::ChatSession(ChatSetup setup)
    : setup_(std::move(setup)), tokenizer_(Tokenizer::load(setup_.model)), model_(load_model(setup_.model, setup_.sampling.dtype, WeightUse::kInference)),
      engine_(*model_, setup_.sampling.form()) {
  AskHooks hooks;
  hooks.on_token = [this](uint64_t, size_t sample, int32_t id, bool thinking) {
    if (*on_token_) (*on_token_)(sample, id, thinking);
  };
  asker_ = std::make_unique<Asker>(engine_, config(), tokenizer_, EffortProfile::load(setup_.model, config().max_position_embeddings), ask_options(setup_.sampling), hooks);
  clear();
}

void ChatSession::clear() {
  messages_.clear();
  question_.clear();
  if (!setup_.system.empty()) messages_.push_back({"system", setup_.system});
}

bool ChatSession::thinks() const { return plan_effort(setup_.effort, profile()).cap > 0; }

bool ChatSession::several_samples() const { return setup_.sampling.sampler.temperature > 0 && plan_effort(setup_.effort, profile()).samples > 1; }

ChatReply ChatSession::ask(const std::string& question, const OnToken& on_token) {
  question_ = question;
  ++turn_;
  draw_ = 0;
  return reply(on_token);
}

std::optional<ChatReply> ChatSession::ask_again(const OnToken& on_token) {
  if (question_.empty()) return std::nullopt;
  if (!messages_.empty() && messages_.back().role == "assistant") messages_.resize(messages_.size() - 2);
  ++draw_;
  return reply(on_token);
}

ChatReply ChatSession::reply(const OnToken& on_token) {
  AskQuestion q;
  q.id = fmt::format("turn {}", turn_);
  q.number = draw_;
  q.messages = messages_;
  q.messages.push_back({"user", question_});
  q.effort = setup_.effort;
  on_token_ = &on_token;
  const auto start = std::chrono::steady_clock::now();
  const Asker::Id id = asker_->submit(std::move(q));
  while (!asker_->ended(id)) {
    if (interrupted())
      asker_->cancel(id);
    else
      asker_->step();
  }
  ChatReply r;
  r.result = asker_->take(id);
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  r.dollars = r.seconds / 3600 * double(thread_count()) * setup_.price;

  const AskSample& given = r.result.sample();
  // Earlier thoughts are dropped by chat_prompt().
  if (given.said.closed && !given.said.answer.empty()) {
    messages_.push_back({"user", question_});
    messages_.push_back({"assistant", given.said.answer});
  }
  ++totals_.answers;
  totals_.prompt += r.result.prompt_tokens;
  totals_.thinking += given.thinking;
  totals_.answer += given.answer;
  totals_.discarded += r.result.effort.discarded;
  totals_.seconds += r.seconds;
  totals_.dollars += r.dollars;
  return r;
}

std::string dollars_text(double dollars) {
  const int digits = dollars > 0 ? std::max(2, 1 - int(std::floor(std::log10(dollars)))) : 2;
  return fmt::format("${:.{}f}", dollars, digits);
}

}  // namespace minke
