#include "data/loader.h"

#include <bit>
#include <cmath>

#include "base/cpu.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/pack.h"

namespace minke {
namespace {

constexpr size_t kAhead = 2;  // batches prepared in advance

}  // namespace

int64_t Loader::memory_bytes(int64_t rows, int64_t length) {
  constexpr int64_t kTokenBytes = sizeof(Batch::tokens[0]) + sizeof(Batch::segment_start[0]) + sizeof(Batch::kind[0]);
  return int64_t(kAhead + 2) * rows * (length + 1) * kTokenBytes;
}

Loader::Loader(const DataConfig& config, std::shared_ptr<const Tokenizer> tokenizer, int64_t rows)
    : rows_(rows), length_(config.sequence_length), held_(MemoryKind::kLoader, memory_bytes(rows, config.sequence_length)) {
  if (length_ < 1 || length_ > 1 << 24) fail("sequence length {}: expected 1 to {}", length_, 1 << 24);
  if (rows_ < 1) fail("{} sequences a batch: expected at least 1", rows_);
  const auto check_weight = [](double weight, const std::string& what) {
    if (!(weight >= 0 && std::isfinite(weight))) fail("{} has the weight {}; expected a number from 0", what, weight);
    return weight > 0;
  };
  std::vector<uint64_t> prints;
  double total = 0;
  const auto add = [&](std::unique_ptr<SequenceSource> sequences, double weight) {
    prints.push_back(sequences->fingerprint());
    prints.push_back(std::bit_cast<uint64_t>(weight));
    total += weight;
    sources_.push_back({std::move(sequences), weight});
  };
  for (const TextSource& text : config.text)
    if (check_weight(text.weight, text.paths.empty() ? "a text source without paths" : text.paths[0])) {
      if (text.paths.empty()) fail("a text source names no path");
      add(shard_sequences(open_shards(*tokenizer, text.paths, text.kind), length_, config.seed + sources_.size()), text.weight);
    }
  if (check_weight(config.problems_weight, "the problem mix")) {
    mix_block(config.mix, Split::kTrain, config.seed, 0, 1);  // bad shares are found here, not on the thread
    add(problem_sequences(config.mix, tokenizer, length_, config.seed), config.problems_weight);
  }
  if (sources_.empty()) fail("there is nothing to train on: no text and no problems with a weight above 0");
  for (Weighted& source : sources_) source.weight /= total;
  state_.drawn.assign(sources_.size(), 0);
  state_.fingerprint = xxh3_64(prints.data(), prints.size() * sizeof(uint64_t));
  start();
}

Loader::~Loader() { stop(); }

void Loader::start() {
  stopping_ = false;
  thread_ = std::thread([this, from = state_] { prefetch(from); });
}

void Loader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  ready_.clear();
}

void Loader::prefetch(LoaderState at) {
  set_float_state();
  for (;;) {
    Prepared prepared;
    try {
      prepared.batch = prepare(at);
      prepared.after = at;
    } catch (...) {
      prepared.error = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || ready_.size() < kAhead; });
    if (stopping_) return;
    const bool failed = bool(prepared.error);
    ready_.push_back(std::move(prepared));
    lock.unlock();
    changed_.notify_all();
    if (failed) return;
  }
}

Batch Loader::prepare(LoaderState& at) {
  Batch batch{rows_, length_, {}, {}, {}};
  const size_t row_tokens = size_t(length_ + 1);
  batch.tokens.resize(size_t(rows_) * row_tokens);
  batch.segment_start.resize(batch.tokens.size());
  batch.kind.resize(batch.tokens.size());
  for (size_t r = 0; r < size_t(rows_); ++r) {
    // The source that is furthest behind its weight; ties go to the first.
    double sequences = 1;
    for (const uint64_t n : at.drawn) sequences += double(n);
    size_t chosen = 0;
    double most = -1;
    for (size_t s = 0; s < sources_.size(); ++s) {
      const double behind = sources_[s].weight * sequences - double(at.drawn[s]);
      if (behind > most) most = behind, chosen = s;
    }
    const size_t from = r * row_tokens;
    sources_[chosen].sequences->write(at.drawn[chosen]++, {batch.tokens.data() + from, batch.segment_start.data() + from, batch.kind.data() + from});
  }
  return batch;
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  if (ready_.front().error) std::rethrow_exception(ready_.front().error);  // stays: the thread is gone
  Prepared prepared = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  state_ = std::move(prepared.after);
  return std::move(prepared.batch);
}

void Loader::restore(const LoaderState& state) {
  if (state.fingerprint != state_.fingerprint || state.drawn.size() != state_.drawn.size())
    fail("the checkpoint was made with other training data (fingerprint {:016x}, here {:016x}); restore the text, weights, tokenizer, seed "
         "and sequence length, or start anew",
         state.fingerprint, state_.fingerprint);
  stop();
  state_ = state;
  start();
}

double Loader::epochs(size_t source) const {
  const uint64_t per_epoch = sources_.at(source).sequences->per_epoch();
  return per_epoch ? double(state_.drawn[source]) / double(per_epoch) : 0;
}

}  // namespace minke
