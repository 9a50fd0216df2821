#pragma once
// The form of a conversation, DeepSeek-R1's: one place for fine-tuning, RL, evaluation, chat and serving.
//   prompt      BOS system <｜User｜>question<｜Assistant｜><think>\n         (Thinking::kOn)
//               BOS system <｜User｜>question<｜Assistant｜></think>          (Thinking::kOff; V3.1 closes the thought this way)
//   completion  thought</think>answer EOS         or         answer EOS
// Earlier turns stand between them as <｜User｜>question<｜Assistant｜>answer EOS, without the thought. Text is never read for
// special tokens: only this file places them. Every call is an Error that names the token if the tokenizer has no such token.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace minke {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

enum class Thinking : uint8_t { kOn, kOff };

// The ids before an answer. The last message is a user's; system messages, wherever they stand, come first, a blank line between them.
// An earlier answer is cut after its last </think>. Error for another role, an empty list or a last message of another role.
std::vector<int32_t> chat_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages, Thinking thinking);

struct ChatExample {
  std::vector<int32_t> ids;      // chat_prompt() of all but the last message, then the completion
  std::vector<uint8_t> trained;  // [ids] 1: this token is a target of the loss. The completion with its EOS; 0 for the prompt
  Thinking thinking = Thinking::kOn;
};

// An example whose last message, an assistant's, is learnt. Its content is `<think>thought</think>answer` (the first <think> and a line
// end after it may be missing: the prompt holds them), or, for kOff, an answer without </think>, or one that begins with it.
// Error for more than one </think> or a <think> that is never closed.
ChatExample chat_example(const Tokenizer& tokenizer, std::span<const ChatMessage> messages);

// What graders read: the text of the ids after a prompt, special tokens written out, EOS dropped; for kOff with the prompt's </think>.
std::string completion_text(const Tokenizer& tokenizer, std::span<const int32_t> completion, Thinking thinking);

// A completion cut at its first </think> token. closed: there was one (kOff: the prompt's).
struct ChatAnswer {
  std::string thinking, answer;
  bool closed = false;
};
ChatAnswer chat_answer(const Tokenizer& tokenizer, std::span<const int32_t> completion, Thinking thinking);

// The ids that end an answer: EOS of the tokenizer, which fine-tuning teaches and limits force, then what else ends a text for the model.
std::vector<int64_t> answer_eos(std::span<const int64_t> of_model, const Tokenizer& tokenizer);

// The id of </think>: where the answer begins.
int32_t end_of_thinking_id(const Tokenizer& tokenizer);

}  // namespace minke
