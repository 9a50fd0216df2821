#pragma once
// Questions with efforts in, answers with what they cost out: many at once through one engine.
//   question + effort -> plan (effort.h) -> prompt, budget -> samples -> decide (decide.h) -> more samples, or the answer
//
// Budgets are exact: thinking is counted by the state machine of the turn under way (infer/thought.h), so an old </think> in the history
// or in a question is text like any other; a thought cannot end the turn (EOS is not drawn in it), an answer cannot open or close a
// thought; the answer's reserve is never spent on thinking. What an answer says is a function of the weights, the options, the question with its id and number, and the effort: not of
// who else is asked.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/chat.h"
#include "dial/decide.h"
#include "infer/engine.h"

namespace minke {

// What a completion answers: for votes, and for a checker.
struct AnswerReading {
  std::string answer;     // as extracted, "" where there is none
  std::string vote;       // equal answers have equal names, "" abstains
  bool verified = false;  // where there is a checker
};
// Gets the completion's text (data/chat.h: completion_text), cut before a stop string.
using AnswerReader = std::function<AnswerReading(std::string_view completion)>;
AnswerReading read_answer(std::string_view completion);  // the last box (reason/grade/extract.h), named by its value; `?` abstains

struct AskQuestion {
  std::string id;                     // names the draws, with `number`
  std::vector<ChatMessage> messages;  // the last one is a user's
  Effort effort;
  int64_t number = 0;                 // of several whole answers to one question
  int64_t samples = 0;                // more than 0: exactly so many at the effort's cap, whatever they say
  AnswerReader read;                  // empty: read_answer
  bool checker = false;               // `read` verifies
};

struct AskOptions {
  SamplerOptions sampler{.temperature = 0.6, .top_p = 0.95};  // greedy samples are all alike: one is asked for
  int64_t answer_tokens = 0;          // most of an answer; 0: answer_reserve() of the cap
  std::vector<std::string> stop;      // texts that end an answer (not a thought)
  void validate() const;              // UsageError names the option
};

struct AskSample {
  int64_t cap = 0;                    // most tokens of thinking that it could have
  std::vector<int32_t> ids;           // of the completion
  ChatAnswer said;                    // their texts without tags, the answer cut before a stop string
  std::string text;                   // both as one, what AnswerReader got
  AnswerReading reading;
  int64_t thinking = 0, answer = 0;   // tokens before and after </think>, without it and EOS
  EffortExit exit = EffortExit::kOwn;  // own, cap, length or cancelled
  // The geometric mean of the probabilities that its own tokens had when they were drawn (softmax of logits / temperature, before top-k
  // and top-p; forced tokens left out).
  double confidence = 0;

  FinishReason finish() const {
    return exit == EffortExit::kCancelled ? FinishReason::kCancelled : exit == EffortExit::kLength ? FinishReason::kLength : FinishReason::kStop;
  }
};

struct AskResult {
  std::vector<AskSample> samples;     // in their order
  size_t given = 0;                   // which one speaks
  bool abstained = false;             // with `?` in place of its own answer (decide.h): its ids are what it drew, its texts say `?`
  EffortSpent effort;
  int64_t prompt_tokens = 0;          // of its different prompts (one a cap); each goes through the model once
  int64_t tokens = 0;                 // of all completions
  const AskSample& sample() const { return samples[given]; }
};

struct AskHooks {
  // A token of a sample; thinking: of its thought, up to and with </think>. EOS comes too.
  std::function<void(uint64_t question, size_t sample, int32_t id, bool thinking)> on_token;
};

// For a server or a terminal: questions come and go while others are answered. All calls from one thread, none from inside a hook. The
// engine may serve others too; it, the tokenizer and the config must outlive this.
class Asker {
 public:
  using Id = uint64_t;
  Asker(Engine& engine, const ModelConfig& config, const Tokenizer& tokenizer, EffortProfile profile, AskOptions options = {}, AskHooks hooks = {});
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // Error where the model's positions leave no room (names the question), or an id is outside its vocabulary.
  Id submit(AskQuestion question);
  bool step();                        // one of the engine; false: no question is open
  bool ended(Id id) const;
  void cancel(Id id);                 // its samples so far decide, those under way are cut; nothing happens to one that has ended
  AskResult take(Id id);              // hands over an ended question's answer and forgets it

  const EffortProfile& profile() const { return profile_; }

 private:
  struct Open;
  struct Sample;
  struct Prepared;
  Open& find(Id id) const;
  void proceed(Open& q);
  void start(Open& q, const Decision& wave);
  void prepare(Open& q, int64_t cap, Prepared& p);
  void leave_engine(Open& q);
  void forget_prompts(Open& q);
  void end_sample(Open& q, Sample& s);
  const std::string& arm_name(int64_t cap) const;
  void finish(Open& q, const Decision& d);

  Engine& engine_;
  const ModelConfig& config_;
  const Tokenizer& tokenizer_;
  EffortProfile profile_;
  AskOptions options_;
  AskHooks hooks_;
  int32_t begin_of_thinking_, end_of_thinking_;  // begin: -1 where the tokenizer has none
  std::vector<int64_t> eos_;
  Id next_id_ = 1;
  std::map<Id, std::unique_ptr<Open>> questions_;
};

// All questions to their ends, results in their order. on_end comes as they end; `stop` (may be empty) is asked before every step, and
// true cancels those still open.
std::vector<AskResult> ask_all(Asker& asker, const std::vector<AskQuestion>& questions, const std::function<void(size_t, const AskResult&)>& on_end = {},
                               const std::function<bool()>& stop = {});

}  // namespace minke
