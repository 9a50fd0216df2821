#pragma once
// Token ids in, token ids out: sequences that grow side by side over one model. The engine knows nothing of text. It reads the weights it
// is given, also those being trained; they must not change while requests are under way.
//
// What a request gets does not depend on who else is served, on chunks, shared prefixes, preemption or threads (docs/invariance.md). With
// the expanded cache it is, bit for bit, what the training forward gives.
//
// A step is one forward over the new rows of the sequences that run: the newest token of each, and chunks of prompts still entering. The
// past lies in pages of 64 positions (layers/kv_cache.h). Requests with equal prompts share the first one's pages; a fork shares its
// parent's; a page that is not full is copied before it is written. When the pool is full the youngest sequence gives its pages
// back and waits; later they are computed again.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "infer/page_pool.h"
#include "infer/sampler.h"
#include "model/transformer.h"

namespace minke {

struct GenerateRequest {
  std::vector<int32_t> prompt;         // at least one id
  int64_t max_tokens = 128;
  SamplerOptions sampler;
  std::vector<int64_t> eos;            // ids that end the answer; they are part of it
  uint64_t sequence = 0;               // tells samples of one seed apart
  bool record = false;                 // log-probabilities come back
  bool record_experts = false;         // the experts of every row come back
};

enum class FinishReason : uint8_t { kStop, kLength, kCancelled };
const char* finish_reason_name(FinishReason reason);  // "stop", "length", "cancelled"

struct Generation {
  std::vector<int32_t> ids;            // without the prompt
  std::vector<uint8_t> forced;         // [ids] 1: the logits hook named this id
  FinishReason finish = FinishReason::kLength;
  // Of requests that record them. With the expanded cache both are, bit for bit, those of the training forward.
  std::vector<float> logp;             // [ids] log softmax(raw logits / T)[id], before hook, top-k, top-p (T = 1 when greedy)
  std::vector<uint16_t> experts;       // [prompt + ids - 1][MoE layers][K] chosen by each row; the last id is never a row
};

// Called for every new token; false cancels that request (a stop string was seen: the caller then says so).
using TokenHook = std::function<bool(size_t request, int32_t id)>;

// Called before a token is drawn, with the ids so far (the first prompt_size are the prompt) and the logits [V] of the next one, which
// it may change in place. Returns the id to take instead of a draw, or kNoForce.
inline constexpr int32_t kNoForce = -1;
using LogitsHook = std::function<int32_t(size_t request, std::span<const int32_t> ids, size_t prompt_size, float* logits)>;

struct EngineOptions {
  int64_t prefill_chunk = 512;         // most rows of one prompt in a step
  int64_t step_rows = 2048;            // most rows of a step
  int64_t max_sequences = 256;         // that run; others wait for their turn
  int64_t cache_bytes = 0;             // most memory for pages; 0: as much as is asked for
};

// Bytes of the pages that a sequence of so many positions takes.
int64_t sequence_cache_bytes(const Transformer& model, CacheForm form, int64_t positions);

// What a step did, and what the engine has done in all.
struct EngineCounts {
  int64_t steps = 0, rows = 0, tokens = 0;
  int64_t preempted = 0;               // sequences that gave their pages back
  int64_t shared_prompts = 0;          // requests that began from another's prompt
};

class Engine {
 public:
  Engine(Transformer& model, CacheForm form, EngineOptions options = {});
  ~Engine();

  // Runs all requests to their ends; hooks get the request's number and may be empty. Stops early, all cancelled, when `stop` (may be
  // empty) returns true; it is asked before every step.
  std::vector<Generation> generate(const std::vector<GenerateRequest>& requests, const TokenHook& hook, const std::function<bool()>& stop,
                                   const LogitsHook& logits_hook = {});

  // For a server: requests come and go while others run. All calls from one thread, none from inside a hook.
  using Id = uint64_t;
  Id submit(GenerateRequest request, const TokenHook& hook = {}, const LogitsHook& logits_hook = {});  // hooks get the Id
  // A second sequence that begins as a copy of a running or waiting one, its draws under another `sequence`.
  Id fork(Id parent, uint64_t sequence);
  // Between the two calls the pages after this prompt stay for requests with the same one, as long as there is room; calls nest.
  void keep_prompt(const std::vector<int32_t>& prompt);
  void forget_prompt(const std::vector<int32_t>& prompt);
  void cancel(Id id);                                // ends with kCancelled; nothing happens to one that has ended
  bool step();                                       // false: nothing runs or waits
  const Generation& progress(Id id) const;           // so far
  bool ended(Id id) const;
  Generation take(Id id);                            // hands over an ended request's answer and forgets it

  int64_t cache_bytes() const { return pool_.bytes(); }  // memory allocated for pages
  const EngineCounts& counts() const { return counts_; }

 private:
  struct Prompt;
  struct Sequence;
  struct Draw;
  struct Part;

  Sequence& find(Id id) const;
  Sequence& add(GenerateRequest request, const TokenHook& hook, const LogitsHook& logits_hook);
  void join_prompt(Sequence& s);
  void leave_prompt(Sequence& s);
  void share_prompt(Sequence& s, const float* logits);
  void drop_shared(Prompt& p);
  void drop_unused(const std::vector<int32_t>& prompt);
  void admit();
  bool begin(Sequence& s);
  bool make_room(Sequence& s, int64_t positions, size_t planned);
  void release(Sequence& s);
  void preempt(Sequence& s);
  void finish(Sequence& s, FinishReason reason);
  std::vector<Sequence*> plan();
  void cut(const std::vector<Sequence*>& planned);
  void run(Part& part);
  void forward(Part& part);
  void draw_row(Draw& draw) const;
  void draw(const std::vector<Draw*>& draws);

  Transformer& model_;
  CacheForm form_;
  EngineOptions options_;
  int64_t tile_bytes_;
  PagePool pool_;
  std::vector<std::unique_ptr<Part>> parts_;        // of this step; their memory stays
  size_t used_parts_ = 0;
  EngineCounts counts_;
  Id next_id_ = 1;
  std::unordered_map<Id, std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> running_;                  // oldest first
  std::deque<Sequence*> waiting_;
  std::map<std::vector<int32_t>, std::shared_ptr<Prompt>> prompts_;  // that some sequence enters or waits for
};

}  // namespace minke
