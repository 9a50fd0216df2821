#include "train/training_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/safetensors.h"
#include "data/loader.h"
#include "data/sft_batches.h"
#include "train/schedule.h"

namespace minke {
namespace {

// The values of a stored position; damaged text is an Error.
template <class Read>
void read_position(const std::string& text, Read read) {
  try {
    read(nlohmann::json::parse(text));
  } catch (const nlohmann::json::exception& e) {
    fail("the checkpoint's data position is damaged: {}", e.what());
  }
}

// Where documents begin inside each row of a batch, the row's own beginning left out.
std::vector<std::vector<int64_t>> segment_starts(const Batch& batch) {
  std::vector<std::vector<int64_t>> out(static_cast<size_t>(batch.rows));
  for (int64_t b = 0; b < batch.rows; ++b) {
    const int32_t* start = batch.segment_start.data() + b * (batch.length + 1);
    for (int64_t t = 1; t < batch.length; ++t)
      if (start[t] == t) out[size_t(b)].push_back(t);
  }
  return out;
}

class TextStream : public BatchStream {
 public:
  TextStream(const DataConfig& config, std::shared_ptr<const Tokenizer> tokenizer, int64_t rows)
      : loader_(config, std::move(tokenizer), rows), rows_(rows), length_(config.sequence_length) {}

  StepBatch next() override {
    Batch batch = loader_.next();
    return {std::move(batch.tokens), std::vector<int64_t>(size_t(rows_), length_), {}, segment_starts(batch), 0};
  }
  std::string state() const override {
    const LoaderState s = loader_.state();
    return nlohmann::json{{"drawn", s.drawn}, {"fingerprint", s.fingerprint}}.dump();
  }
  void restore(const std::string& text) override {
    LoaderState s;
    read_position(text, [&](const nlohmann::json& j) {
      j.at("drawn").get_to(s.drawn);
      j.at("fingerprint").get_to(s.fingerprint);
    });
    loader_.restore(s);
  }
  double rows_per_step() const override { return double(rows_ * length_); }
  double rows_per_epoch() const override { return 0; }
  double rows_per_sequence() const override { return double(length_); }

 private:
  Loader loader_;
  int64_t rows_, length_;
};

class ChatStream : public BatchStream {
 public:
  explicit ChatStream(SftBatches batches) : batches_(std::move(batches)), fingerprint_(batches_.fingerprint()) {}

  StepBatch next() override {
    SftBatch b = batches_.next();
    return {std::move(b.tokens), std::move(b.lengths), std::move(b.weights), {}, b.targets};
  }
  std::string state() const override { return nlohmann::json{{"batches", batches_.position()}, {"fingerprint", fingerprint_}}.dump(); }
  void restore(const std::string& text) override {
    uint64_t position = 0, fingerprint = 0;
    read_position(text, [&](const nlohmann::json& j) {
      j.at("batches").get_to(position);
      j.at("fingerprint").get_to(fingerprint);
    });
    if (fingerprint != fingerprint_)
      fail("the checkpoint was made with other examples (fingerprint {:016x}, here {:016x}); restore the files, tokenizer, seed and batch size, or "
           "start anew with --fresh",
           fingerprint, fingerprint_);
    batches_.seek(position);
  }
  double rows_per_step() const override { return batches_.rows_per_batch(); }
  double rows_per_epoch() const override { return double(batches_.examples().rows()); }
  double rows_per_sequence() const override { return double(batches_.examples().rows()) / double(batches_.examples().size()); }

 private:
  SftBatches batches_;
  uint64_t fingerprint_;
};

// About `rows` rows of examples, evenly spread.
SftExamples spread_examples(const SftExamples& all, int64_t rows) {
  const double share = double(rows) / double(std::max<int64_t>(all.rows(), 1));
  const size_t n = all.size(), wanted = share >= 1 ? n : std::max<size_t>(1, size_t(double(n) * share));
  SftExamples part;
  for (size_t i = 0; i < wanted && n > 0; ++i) part.add(all.ids(i * n / wanted), all.prompt[i * n / wanted]);
  return part;
}

}  // namespace

HeldOutSets held_out_sets(const Tokenizer& tokenizer, const DataOptions& data, int64_t length, std::array<int64_t, 2> windows) {
  constexpr uint64_t kEvalSeed = 17;
  constexpr int64_t kBytesPerToken = 4;  // generous: spread() takes what is asked for
  HeldOutSets out;
  if (!data.held_out.empty() && windows[0] > 0) out.prose = spread(file_windows(tokenizer, data.held_out, length), windows[0]);
  if (data.problem_weight > 0 && windows[1] > 0)
    out.problems = spread(problem_windows(tokenizer, data.problem_mix, Split::kCalibration, kEvalSeed, windows[1] * length * kBytesPerToken, length), windows[1]);
  return out;
}

TrainingData::TrainingData(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens)
    : tokenizer_(std::make_shared<const Tokenizer>(Tokenizer::load(data.tokenizer))) {
  if (data.chat.empty())
    open_text(data, train, eval_tokens);
  else
    open_chat(data, train, eval_tokens);
}

void TrainingData::open_text(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens) {
  DataConfig c;
  if (data.text.empty() && data.problem_weight == 0) fail("[data] has neither text nor problem_weight: nothing to train on");
  if (!data.text.empty()) c.text.push_back({data.text, 1 - data.problem_weight, TextKind::kProse});
  c.problems_weight = data.problem_weight;
  c.mix = data.problem_mix;
  c.sequence_length = train.sequence_length;
  c.seed = train.seed;
  batches_ = std::make_unique<TextStream>(c, tokenizer_, train.batch_sequences);

  const int64_t windows = std::max<int64_t>(1, eval_tokens / train.sequence_length);
  held_out_ = held_out_sets(*tokenizer_, data, train.sequence_length, {windows, windows});
  summary_ = fmt::format("tokenizer {} ({} ids); {}{}", data.tokenizer, tokenizer_->vocab_size(), fmt::join(data.text, ", "),
                         data.problem_weight > 0 ? fmt::format("; {:.0f}% generated problems", 100 * data.problem_weight) : "");
}

void TrainingData::open_chat(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens) {
  const LongExamples how = data.long_examples == "error"      ? LongExamples::kError
                           : data.long_examples == "truncate" ? LongExamples::kTruncate
                                                              : LongExamples::kDrop;
  SftSets sets = read_sft({data.chat, data.held_out, data.held_out_share, train.sequence_length, how}, *tokenizer_);
  held_out_.answers = spread_examples(sets.held_out, eval_tokens);
  const SftExamples& e = sets.train;
  int64_t longest = 0;
  for (size_t i = 0; i < e.size(); ++i) longest = std::max(longest, e.length(i));
  summary_ = fmt::format("{}: {} examples of {:.0f} tokens (longest {}), {:.0f}% of them answers", fmt::join(data.chat, ", "), e.size(),
                         double(e.tokens.size()) / double(e.size()), longest, 100 * double(e.targets()) / double(e.tokens.size()));
  if (e.truncated + e.dropped > 0) summary_ += fmt::format("; {} cut, {} left out for their length", e.truncated, e.dropped);
  SftBatches batches(std::move(sets.train), train.batch_sequences * train.sequence_length, train.seed);
  summary_ += fmt::format("; {} batches of {:.0f} an epoch, no padding; {} examples held out", batches.per_epoch(), batches.rows_per_batch(),
                          sets.held_out.size());
  batches_ = std::make_unique<ChatStream>(std::move(batches));
}

void dump_batches(const std::string& path, TrainingData& data, const TrainOptions& o, int64_t budget_tokens, int64_t steps) {
  const std::string position = data.batches().state();
  TensorInfo t;
  t.name = "tokens";
  t.dtype = "I32";
  t.shape = {steps, o.batch_sequences, o.sequence_length + 1};
  nlohmann::ordered_json recipe = {{"lr", nlohmann::json::array()},     {"gamma", nlohmann::json::array()}, {"mtp_weight", nlohmann::json::array()},
                                   {"alpha", o.balance_alpha},          {"weight_decay", o.weight_decay},   {"beta1", o.beta1},
                                   {"beta2", o.beta2},                  {"eps", o.eps},                     {"clip", o.clip}};
  write_safetensors(path + ".safetensors", {t}, [&](const TensorInfo&, const PutBytes& put) {
    for (int64_t s = 0; s < steps; ++s) {
      const StepBatch batch = data.batches().next();
      put(batch.tokens.data(), batch.tokens.size() * sizeof(int32_t));
      const StepValues v = scheduled(o, double(s * o.batch_sequences * o.sequence_length) / double(budget_tokens));
      recipe["lr"].push_back(v.lr);
      recipe["gamma"].push_back(v.gamma);
      recipe["mtp_weight"].push_back(v.mtp_lambda);
    }
  });
  write_file_atomic(path + ".json", recipe.dump() + "\n");
  data.batches().restore(position);
}

}  // namespace minke
