#include "data/sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "data/pack.h"

namespace minke {
namespace {

constexpr uint64_t kShuffleStream = 0x73687566;
constexpr int64_t kProblemBlockTokens = 65536;
constexpr int64_t kProblemPieceBytes = 32768;

uint64_t hash_of(const std::vector<uint64_t>& values) { return xxh3_64(values.data(), values.size() * sizeof(uint64_t)); }

// A window of one shard's circular stream goes to row[at..at+n).
void copy_window(const Shard& shard, uint64_t first, int64_t at, int64_t n, const Row& row) {
  shard.copy(first, uint64_t(n), row.tokens + at);
  const auto& documents = shard.documents();
  size_t document = shard.document_at(first);
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t token = first + uint64_t(i);
    if (document + 1 < documents.size() && documents[document + 1].first_token == token) ++document;
    const int64_t start = at + int64_t(documents[document].first_token) - int64_t(first);
    row.segment_start[at + i] = int32_t(std::max<int64_t>(start, 0));
    row.kind[at + i] = uint8_t(documents[document].kind);
  }
}

class ShardSequences : public SequenceSource {
 public:
  ShardSequences(std::vector<std::shared_ptr<const Shard>> shards, int64_t length, uint64_t seed)
      : shards_(std::move(shards)), length_(length), seed_(seed) {
    for (const auto& shard : shards_) {
      starts_.push_back(total_);
      total_ += shard->tokens();
    }
    windows_ = std::max<uint64_t>(total_ / uint64_t(length_), 1);
    if (windows_ > UINT32_MAX) fail("{} sequences an epoch, expected at most {}; use longer sequences", windows_, UINT32_MAX);
  }

  void write(uint64_t number, const Row& row) override {
    enter_epoch(number / windows_);
    uint64_t token = (offset_ + uint64_t(order_[number % windows_]) * uint64_t(length_)) % total_;
    for (int64_t at = 0; at <= length_;) {
      const size_t s = size_t(std::upper_bound(starts_.begin(), starts_.end(), token) - starts_.begin()) - 1;
      const int64_t n = std::min<int64_t>(length_ + 1 - at, int64_t(starts_[s] + shards_[s]->tokens() - token));
      // A document begins at `at` unless this is the row's start, so the clamp at 0 in copy_window is the row's edge only.
      copy_window(*shards_[s], token - starts_[s], at, n, row);
      at += n;
      token = (token + uint64_t(n)) % total_;
    }
  }

  uint64_t fingerprint() const override {
    std::vector<uint64_t> values = {seed_, uint64_t(length_)};
    for (const auto& shard : shards_) {
      values.push_back(shard->tokenizer());
      values.push_back(shard->checksum());
    }
    return hash_of(values);
  }

  uint64_t per_epoch() const override { return windows_; }

 private:
  void enter_epoch(uint64_t epoch) {
    if (!order_.empty() && epoch == epoch_) return;
    epoch_ = epoch;
    Rng rng(seed_, kShuffleStream, epoch << 40);
    offset_ = rng.below(total_);
    order_.resize(windows_);
    std::iota(order_.begin(), order_.end(), 0u);
    for (uint64_t i = windows_; i > 1; --i) std::swap(order_[i - 1], order_[rng.below(i)]);
  }

  std::vector<std::shared_ptr<const Shard>> shards_;
  std::vector<uint64_t> starts_;  // of each shard in the stream
  int64_t length_;
  uint64_t seed_, total_ = 0, windows_ = 0;
  uint64_t epoch_ = 0, offset_ = 0;
  std::vector<uint32_t> order_;   // of the windows in this epoch
};

class ProblemSequences : public SequenceSource {
 public:
  ProblemSequences(const MixWeights& weights, std::shared_ptr<const Tokenizer> tokenizer, int64_t length, uint64_t seed)
      : weights_(weights),
        tokenizer_(std::move(tokenizer)),
        length_(length),
        seed_(seed),
        per_block_(uint64_t((kProblemBlockTokens + length - 1) / length)),
        tokenizer_hash_(tokenizer_hash(*tokenizer_)) {}

  void write(uint64_t number, const Row& row) override {
    enter_block(number / per_block_);
    const uint64_t first = number % per_block_ * uint64_t(length_);
    copy_window(*shard_, first, 0, length_ + 1, row);
  }

  uint64_t fingerprint() const override {
    std::vector<uint64_t> values = {seed_, uint64_t(length_), tokenizer_hash_};
    for (const double share : weights_.share) values.push_back(std::bit_cast<uint64_t>(share));
    for (const ChainWeight& c : weights_.chains) values.push_back(xxh3_64(fmt::format("{} {} {}-{}", c.family, c.weight, c.low, c.high)));
    for (const std::string& name : drawn_families(weights_)) values.push_back(xxh3_64(draw_problem(find_family(name), 0, Split::kTrain, 1, 1).text));  // other generators
    return hash_of(values);
  }

  uint64_t per_epoch() const override { return 0; }

 private:
  void enter_block(uint64_t block) {
    if (shard_ && block == block_) return;
    block_ = block;
    shard_ = shard_in_memory(*tokenizer_, "generated problems", [&](ShardWriter& writer) {
      for (uint64_t piece = 0; writer.tokens() <= per_block_ * uint64_t(length_); ++piece)
        pack_mix(writer, *tokenizer_, mix_block(weights_, Split::kTrain, seed_, block << 12 | piece, kProblemPieceBytes));
    });
  }

  MixWeights weights_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  int64_t length_;
  uint64_t seed_, per_block_, tokenizer_hash_;
  uint64_t block_ = 0;
  std::shared_ptr<const Shard> shard_;
};

}  // namespace

std::unique_ptr<SequenceSource> shard_sequences(std::vector<std::shared_ptr<const Shard>> shards, int64_t length, uint64_t seed) {
  return std::make_unique<ShardSequences>(std::move(shards), length, seed);
}

std::unique_ptr<SequenceSource> problem_sequences(const MixWeights& weights, std::shared_ptr<const Tokenizer> tokenizer, int64_t length,
                                                  uint64_t seed) {
  return std::make_unique<ProblemSequences>(weights, std::move(tokenizer), length, seed);
}

}  // namespace minke
