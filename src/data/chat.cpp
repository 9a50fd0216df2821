#include "data/chat.h"

#include <algorithm>

#include "base/error.h"

namespace minke {
namespace {

constexpr std::string_view kUser = "<｜User｜>", kAssistant = "<｜Assistant｜>", kThink = "<think>", kEndThink = "</think>";

int32_t required(const Tokenizer& tokenizer, std::string_view token) {
  const int32_t id = tokenizer.special_id(token);
  if (id < 0) fail("the tokenizer has no token {}, which a conversation needs; retrain it with the special tokens of tokenizer/, or use that one", token);
  return id;
}

int32_t required_eos(const Tokenizer& tokenizer) {
  if (tokenizer.eos_id() < 0) fail("the tokenizer has no EOS token, with which an answer ends");
  return tokenizer.eos_id();
}

struct ChatTokens {
  explicit ChatTokens(const Tokenizer& t)
      : bos(t.bos_id()), eos(required_eos(t)), user(required(t, kUser)), assistant(required(t, kAssistant)), think(required(t, kThink)), end_think(required(t, kEndThink)) {
    if (bos < 0) fail("the tokenizer has no BOS token, with which a conversation begins");
  }
  int32_t bos, eos, user, assistant, think, end_think;
};

std::string_view without_thought(std::string_view content) {
  const size_t at = content.rfind(kEndThink);
  return at == std::string_view::npos ? content : content.substr(at + kEndThink.size());
}

std::vector<int32_t> render_prompt(const Tokenizer& tokenizer, const ChatTokens& tokens, std::span<const ChatMessage> messages, Thinking thinking) {
  if (messages.empty() || messages.back().role != "user")
    fail("a conversation needs a last question: expected a message of the role user, found {}", messages.empty() ? "none" : messages.back().role);
  std::string system;
  bool first = true;
  for (const ChatMessage& m : messages) {
    if (m.role != "system" && m.role != "user" && m.role != "assistant")
      fail("a message has the role \"{}\"; expected system, user or assistant", m.role);
    if (m.role != "system") continue;
    if (!first) system += "\n\n";
    system += m.content;
    first = false;
  }
  std::vector<int32_t> ids = {tokens.bos};
  tokenizer.encode(system, false, &ids);
  for (const ChatMessage& m : messages) {
    if (m.role == "user") {
      ids.push_back(tokens.user);
      tokenizer.encode(m.content, false, &ids);
    } else if (m.role == "assistant") {
      ids.push_back(tokens.assistant);
      tokenizer.encode(without_thought(m.content), false, &ids);
      ids.push_back(tokens.eos);
    }
  }
  ids.push_back(tokens.assistant);
  if (thinking == Thinking::kOn) {
    ids.push_back(tokens.think);
    tokenizer.encode("\n", false, &ids);
  } else {
    ids.push_back(tokens.end_think);
  }
  return ids;
}

// The two texts of an assistant's message.
struct Completion {
  Thinking thinking = Thinking::kOff;
  std::string_view thought, answer;
};

Completion split_completion(std::string_view content) {
  const bool opened = content.starts_with(kThink);
  const size_t end = content.find(kEndThink);
  if (end == std::string_view::npos) {
    if (opened) fail("an answer opens <think> and never closes it; expected <think>thought</think>answer");
    return {Thinking::kOff, {}, content};
  }
  const std::string_view answer = content.substr(end + kEndThink.size());
  if (answer.find(kEndThink) != std::string_view::npos) fail("an answer has more than one </think>; expected <think>thought</think>answer");
  if (end == 0) return {Thinking::kOff, {}, answer};
  std::string_view thought = content.substr(0, end);
  if (opened) thought.remove_prefix(kThink.size());
  if (opened && thought.starts_with('\n')) thought.remove_prefix(1);
  return {Thinking::kOn, thought, answer};
}

}  // namespace

std::vector<int32_t> chat_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages, Thinking thinking) {
  return render_prompt(tokenizer, ChatTokens(tokenizer), messages, thinking);
}

ChatExample chat_example(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  const ChatTokens tokens(tokenizer);
  if (messages.empty() || messages.back().role != "assistant")
    fail("an example ends with the answer to learn: expected a last message of the role assistant, found {}",
         messages.empty() ? "none" : messages.back().role);
  const Completion completion = split_completion(messages.back().content);
  ChatExample e;
  e.thinking = completion.thinking;
  e.ids = render_prompt(tokenizer, tokens, messages.first(messages.size() - 1), e.thinking);
  const size_t prompt = e.ids.size();
  if (e.thinking == Thinking::kOn) {
    tokenizer.encode(completion.thought, false, &e.ids);
    e.ids.push_back(tokens.end_think);
  }
  tokenizer.encode(completion.answer, false, &e.ids);
  e.ids.push_back(tokens.eos);
  e.trained.assign(e.ids.size(), 1);
  std::fill_n(e.trained.begin(), prompt, uint8_t(0));
  return e;
}

std::string completion_text(const Tokenizer& tokenizer, std::span<const int32_t> completion, Thinking thinking) {
  std::vector<int32_t> ids;
  if (thinking == Thinking::kOff) ids.push_back(end_of_thinking_id(tokenizer));
  std::copy_if(completion.begin(), completion.end(), std::back_inserter(ids), [&](int32_t id) { return id != tokenizer.eos_id(); });
  return tokenizer.decode(ids);
}

ChatAnswer chat_answer(const Tokenizer& tokenizer, std::span<const int32_t> completion, Thinking thinking) {
  const auto text = [&](std::span<const int32_t> ids) { return completion_text(tokenizer, ids, Thinking::kOn); };
  if (thinking == Thinking::kOff) return {"", text(completion), true};
  const auto end = std::find(completion.begin(), completion.end(), end_of_thinking_id(tokenizer));
  const size_t n = size_t(end - completion.begin());
  if (end == completion.end()) return {text(completion), "", false};
  return {text(completion.first(n)), text(completion.subspan(n + 1)), true};
}

std::vector<int64_t> answer_eos(std::span<const int64_t> of_model, const Tokenizer& tokenizer) {
  std::vector<int64_t> ids = {required_eos(tokenizer)};
  std::copy_if(of_model.begin(), of_model.end(), std::back_inserter(ids), [&](int64_t id) { return id != ids[0]; });
  return ids;
}

int32_t end_of_thinking_id(const Tokenizer& tokenizer) { return required(tokenizer, kEndThink); }

}  // namespace minke
