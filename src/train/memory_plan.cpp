#include "train/memory_plan.h"

#include <algorithm>
#include <optional>

#include "base/ledger.h"
#include "data/loader.h"
#include "model/score.h"
#include "train/step.h"

namespace minke {

MemoryPlan memory_table(const MemoryUse& use, int64_t saved_bytes) {
  const int64_t pass = use.of(MemoryKind::kPass), saved = std::min(saved_bytes, pass);
  return {use.peak,
          {{"masters", use.of(MemoryKind::kMasters)},
           {"gradients", use.of(MemoryKind::kGradients)},
           {"moments", use.of(MemoryKind::kMoments)},
           {"packed_weights", use.of(MemoryKind::kPackedWeights)},
           {"activations", saved},
           {"workspace", pass - saved + use.of(MemoryKind::kScratch)},
           {"evaluation", use.of(MemoryKind::kEvaluation)},
           {"loader", use.of(MemoryKind::kLoader)},
           {"other", use.of(MemoryKind::kOther)}}};
}

MemoryPlan plan_memory(const ModelConfig& config, const RunConfig& run, const TrainBatch& batch,
                       const std::vector<std::vector<std::vector<int32_t>>>& held_out) {
  const TrainOptions& o = run.train;
  Ledger ledger(Ledger::Mode::kDry);
  std::optional<MemoryCharge> loader;
  if (run.data.chat.empty()) loader.emplace(MemoryKind::kLoader, Loader::memory_bytes(o.batch_sequences, o.sequence_length));
  Transformer model(config, o.recipe(), WeightUse::kTraining);
  TrainStep step(model, o, run.data.mask_segments);
  StepValues values;
  values.mtp_lambda = std::max(o.mtp_lambda, o.mtp_lambda_final);  // with MTP where it is ever trained
  Progress progress;
  step.run(batch, values, progress);
  for (const auto& windows : held_out) score_windows(model, windows);
  return memory_table(ledger.memory(), ledger.saved_bytes());
}

MemoryPlan plan_memory(const ModelConfig& config, const RunConfig& run) {
  const TrainOptions& o = run.train;
  const std::vector<int32_t> tokens(size_t(o.batch_sequences * (o.sequence_length + 1)), 0);
  const TrainBatch batch{tokens, std::vector<int64_t>(size_t(o.batch_sequences), o.sequence_length), {}, {}};
  const auto windows = size_t(std::max<int64_t>(1, run.run.eval_tokens / o.sequence_length));
  const bool evaluates = !run.data.held_out.empty() || run.data.problem_weight > 0;
  std::vector<std::vector<std::vector<int32_t>>> held_out;
  if (evaluates) held_out.push_back({windows, std::vector<int32_t>(size_t(o.sequence_length), 0)});
  return plan_memory(config, run, batch, held_out);
}

}  // namespace minke
