#include "eval/mtp_acceptance.h"

#include <algorithm>

#include "base/error.h"
#include "data/chat.h"
#include "infer/engine.h"

namespace minke {

MtpAcceptance mtp_acceptance(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, int64_t max_tokens,
                             const std::function<bool()>& stop) {
  const ModelConfig& config = model.config();
  if (model.mtp_depth() == 0) fail("MTP acceptance: the model has no MTP module");
  std::vector<GenerateRequest> requests;
  for (const Problem& p : problems) {
    const ChatMessage question{"user", p.prompt};
    GenerateRequest r;
    r.prompt = chat_prompt(tokenizer, {&question, 1}, Thinking::kOn);
    const int64_t room = config.max_position_embeddings - int64_t(r.prompt.size());
    if (room < 1) fail("problem {}: its prompt has {} tokens, the model {} positions", p.id, r.prompt.size(), config.max_position_embeddings);
    r.max_tokens = std::min(max_tokens, room);
    r.sampler.temperature = 0;
    r.eos = answer_eos(config.eos_token_id, tokenizer);
    requests.push_back(std::move(r));
  }
  const std::vector<Generation> answers = Engine(model, CacheForm::kExpanded).generate(requests, {}, stop);

  MtpAcceptance out;
  Arena arena;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].finish == FinishReason::kCancelled) continue;
    std::vector<int32_t> ids = requests[i].prompt;
    ids.insert(ids.end(), answers[i].ids.begin(), answers[i].ids.end());
    ArenaScope scope(arena);
    Rows rows;
    rows.add(int64_t(ids.size()), 0);
    ForwardSaved saved;
    model.forward(rows, ids.data(), saved, arena, {}, false);
    const View draft = model.mtp_logits(ids, saved, rows, arena)[0];  // row t has seen t + 1 and guesses t + 2
    for (size_t at = requests[i].prompt.size() + 1; at < ids.size(); ++at) {
      const float* logits = draft.f32() + int64_t(at - 2) * draft.cols;
      out.accepted += std::max_element(logits, logits + draft.cols) - logits == ids[at];
      ++out.drafts;
    }
  }
  return out;
}

}  // namespace minke
