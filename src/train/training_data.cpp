#include "train/training_data.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "train/schedule.h"

namespace minke {

HeldOutSets held_out_sets(const Tokenizer& tokenizer, const DataOptions& data, int64_t length, std::array<int64_t, 2> windows) {
  constexpr uint64_t kEvalSeed = 17;
  constexpr int64_t kBytesPerToken = 4;  // generous: spread() takes what is asked for
  HeldOutSets out;
  if (!data.held_out.empty() && windows[0] > 0) out.prose = spread(file_windows(tokenizer, data.held_out, length), windows[0]);
  if (data.problem_weight > 0 && windows[1] > 0)
    out.problems = spread(problem_windows(tokenizer, data.problem_mix, Split::kCalibration, kEvalSeed, windows[1] * length * kBytesPerToken, length), windows[1]);
  return out;
}

TrainingData::TrainingData(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens) {
  tokenizer_ = std::make_shared<const Tokenizer>(Tokenizer::load(data.tokenizer));
  DataConfig c;
  if (data.text.empty() && data.problem_weight == 0) fail("[data] has neither text nor problem_weight: nothing to train on");
  if (!data.text.empty()) c.text.push_back({data.text, 1 - data.problem_weight, TextKind::kProse});
  c.problems_weight = data.problem_weight;
  c.mix = data.problem_mix;
  c.sequence_length = train.sequence_length;
  c.seed = train.seed;
  loader_ = std::make_unique<Loader>(c, tokenizer_, train.batch_sequences);

  const int64_t windows = std::max<int64_t>(1, eval_tokens / train.sequence_length);
  held_out_ = held_out_sets(*tokenizer_, data, train.sequence_length, {windows, windows});
  summary_ = fmt::format("tokenizer {} ({} ids); {}{}", data.tokenizer, tokenizer_->vocab_size(), fmt::join(data.text, ", "),
                         data.problem_weight > 0 ? fmt::format("; {:.0f}% generated problems", 100 * data.problem_weight) : "");
}

std::string TrainingData::state() const {
  const LoaderState s = loader_->state();
  return nlohmann::json{{"drawn", s.drawn}, {"fingerprint", s.fingerprint}}.dump();
}

void TrainingData::restore(const std::string& text) {
  LoaderState s;
  try {
    const auto j = nlohmann::json::parse(text);
    j.at("drawn").get_to(s.drawn);
    j.at("fingerprint").get_to(s.fingerprint);
  } catch (const nlohmann::json::exception& e) {
    fail("the checkpoint's data position is damaged: {}", e.what());
  }
  loader_->restore(s);
}

std::vector<std::vector<int64_t>> segment_starts(const Batch& batch) {
  std::vector<std::vector<int64_t>> out(static_cast<size_t>(batch.rows));
  for (int64_t b = 0; b < batch.rows; ++b) {
    const int32_t* start = batch.segment_start.data() + b * (batch.length + 1);
    for (int64_t t = 1; t < batch.length; ++t)
      if (start[t] == t) out[size_t(b)].push_back(t);
  }
  return out;
}

void dump_batches(const std::string& path, TrainingData& data, const TrainOptions& o, int64_t budget_tokens, int64_t steps) {
  const std::string position = data.state();
  TensorInfo t;
  t.name = "tokens";
  t.dtype = "I32";
  t.shape = {steps, o.batch_sequences, o.sequence_length + 1};
  nlohmann::ordered_json recipe = {{"lr", nlohmann::json::array()},     {"gamma", nlohmann::json::array()}, {"mtp_weight", nlohmann::json::array()},
                                   {"alpha", o.balance_alpha},          {"weight_decay", o.weight_decay},   {"beta1", o.beta1},
                                   {"beta2", o.beta2},                  {"eps", o.eps},                     {"clip", o.clip}};
  write_safetensors(path + ".safetensors", {t}, [&](const TensorInfo&, const PutBytes& put) {
    for (int64_t s = 0; s < steps; ++s) {
      const Batch batch = data.next();
      put(batch.tokens.data(), batch.tokens.size() * sizeof(int32_t));
      const StepValues v = scheduled(o, double(s * o.batch_sequences * o.sequence_length) / double(budget_tokens));
      recipe["lr"].push_back(v.lr);
      recipe["gamma"].push_back(v.gamma);
      recipe["mtp_weight"].push_back(v.mtp_lambda);
    }
  });
  write_file_atomic(path + ".json", recipe.dump() + "\n");
  data.restore(position);
}

}  // namespace minke
