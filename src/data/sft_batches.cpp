#include "data/sft_batches.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"

namespace minke {
namespace {

constexpr uint64_t kShuffleStream = 0x73667473;

void append(const SftExamples& examples, size_t i, SftBatch& batch) {
  const auto ids = examples.ids(i);
  batch.tokens.insert(batch.tokens.end(), ids.begin(), ids.end());
  batch.lengths.push_back(int64_t(ids.size()) - 1);
  batch.weights.insert(batch.weights.end(), examples.prompt[i], 0.0f);
  batch.weights.insert(batch.weights.end(), ids.size() - examples.prompt[i], 1.0f);
  batch.targets += int64_t(ids.size() - examples.prompt[i]);
}

}  // namespace

SftBatches::SftBatches(SftExamples examples, int64_t tokens_per_batch, uint64_t seed) : examples_(std::move(examples)), seed_(seed) {
  MINKE_CHECK(examples_.size() > 0 && examples_.size() <= UINT32_MAX);
  int64_t longest = 0;
  for (size_t i = 0; i < examples_.size(); ++i) longest = std::max(longest, examples_.length(i) - 1);
  MINKE_CHECK_LE(longest, tokens_per_batch);
  // Batches no shorter than the longest example, so that each gets one.
  const int64_t rows = examples_.rows();
  per_epoch_ = std::min((rows + tokens_per_batch - 1) / tokens_per_batch, std::max<int64_t>(1, rows / longest));
}

void SftBatches::enter_epoch(uint64_t epoch) {
  if (epoch == epoch_) return;
  epoch_ = epoch;
  Rng rng(seed_, kShuffleStream, epoch << 40);
  order_.resize(examples_.size());
  std::iota(order_.begin(), order_.end(), 0u);
  for (uint64_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[rng.below(i)]);
  // An example belongs to the batch in whose share of the epoch's rows its middle lies.
  cut_.assign(1, 0);
  const int64_t all = examples_.rows();
  int64_t before = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    const int64_t n = examples_.length(order_[i]) - 1;
    while (int64_t(cut_.size()) < per_epoch_ && (2 * before + n) * per_epoch_ >= 2 * all * int64_t(cut_.size())) cut_.push_back(i);
    before += n;
  }
  MINKE_CHECK_EQ(int64_t(cut_.size()), per_epoch_);
  cut_.push_back(order_.size());
}

SftBatch SftBatches::next() {
  enter_epoch(position_ / uint64_t(per_epoch_));
  const size_t b = size_t(position_ % uint64_t(per_epoch_));
  SftBatch batch;
  for (size_t i = cut_[b]; i < cut_[b + 1]; ++i) append(examples_, order_[i], batch);
  ++position_;
  return batch;
}

uint64_t SftBatches::fingerprint() const {
  const uint64_t parts[] = {xxh3_64(examples_.tokens.data(), examples_.tokens.size() * sizeof(int32_t)),
                            xxh3_64(examples_.first.data(), examples_.first.size() * sizeof(uint64_t)),
                            xxh3_64(examples_.prompt.data(), examples_.prompt.size() * sizeof(uint32_t)), seed_, uint64_t(per_epoch_)};
  return xxh3_64(parts, sizeof parts);
}

std::vector<SftBatch> sft_batches_in_order(const SftExamples& examples, int64_t tokens_per_batch) {
  std::vector<SftBatch> out;
  for (size_t i = 0; i < examples.size(); ++i) {
    const int64_t rows = out.empty() ? 0 : int64_t(out.back().tokens.size() - out.back().lengths.size());
    if (out.empty() || rows + examples.length(i) - 1 > tokens_per_batch) out.emplace_back();
    append(examples, i, out.back());
  }
  return out;
}

}  // namespace minke
