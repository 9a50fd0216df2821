#pragma once
// A conversation with a model: questions in, answers with what they cost out, and what is remembered between them.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/sampling_flags.h"
#include "data/chat.h"
#include "data/tokenizer/tokenizer.h"
#include "dial/ask.h"
#include "model/transformer.h"

namespace minke {

struct ChatSetup {
  std::string model, system;  // folder; instructions before the conversation, may be empty
  SamplingFlags sampling;     // max_tokens: of the answer, after its thinking
  Effort effort;
  double price = 0.02;        // US dollars per core-hour
};

struct ChatReply {
  AskResult result;
  double seconds = 0, dollars = 0;  // by the clock; of that time on all threads
};

struct ChatTotals {
  int64_t answers = 0, prompt = 0, thinking = 0, answer = 0, discarded = 0;  // tokens; thinking and answer of those given
  double seconds = 0, dollars = 0;
};

class ChatSession {
 public:
  // A token of a sample; thinking: up to and with </think>.
  using OnToken = std::function<void(size_t sample, int32_t id, bool thinking)>;

  explicit ChatSession(ChatSetup setup);

  // Ctrl-C (base/interrupt.h) cancels: what was answered until then is the reply. A question whose thought did not end is forgotten.
  // Error where the conversation leaves no room for an answer; the question is forgotten.
  ChatReply ask(const std::string& question, const OnToken& on_token);
  // The last question once more, with other draws; its answer is replaced. nullopt: nothing was asked.
  std::optional<ChatReply> ask_again(const OnToken& on_token);
  void clear();  // forgets the conversation, not the totals

  void set_effort(const Effort& effort) { setup_.effort = effort; }
  bool thinks() const;           // with this effort
  bool several_samples() const;  // may be taken
  const ChatSetup& setup() const { return setup_; }
  const EffortProfile& profile() const { return asker_->profile(); }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const ModelConfig& config() const { return model_->config(); }
  const ChatTotals& totals() const { return totals_; }

 private:
  ChatReply reply(const OnToken& on_token);

  ChatSetup setup_;
  Tokenizer tokenizer_;
  std::unique_ptr<Transformer> model_;
  Engine engine_;
  std::unique_ptr<Asker> asker_;
  const OnToken* on_token_ = nullptr;  // of the question under way
  std::vector<ChatMessage> messages_;
  std::string question_;               // the last one
  uint64_t turn_ = 0;
  int64_t draw_ = 0;                   // of this turn
  ChatTotals totals_;
};

// "$0.0000047": cents, or the first two digits that are not 0.
std::string dollars_text(double dollars);

}  // namespace minke
