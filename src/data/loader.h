#pragma once
// Batches for training. Text and generated problems come as numbered sequences (sequences.h); the loader mixes them by weight,
// one source a sequence, and prepares batches ahead on a thread of its own. Its position is one count per source.
//
// Layout: a row is L+1 tokens; inputs [0, L), main targets [1, L]. The MTP module k sees targets k further on and ends k
// positions earlier (V3 report, eq. 24), so no row needs more than L+1 tokens.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/memory.h"
#include "data/sequences.h"

namespace minke {

struct TextSource {
  std::vector<std::string> paths;  // files, folders, shards
  double weight = 1;               // share of the sequences, any scale
  TextKind kind = TextKind::kProse;
};

struct DataConfig {
  std::vector<TextSource> text;
  double problems_weight = 0;      // generated problems beside them; 0: none
  MixWeights mix;                  // shares among the problems
  int64_t sequence_length = 0;     // L
  uint64_t seed = 1;
};

// Where the next batch starts. Part of a training checkpoint.
struct LoaderState {
  std::vector<uint64_t> drawn;  // sequences taken from each source
  uint64_t fingerprint = 0;     // of the sources: restoring into other data is an Error
  bool operator==(const LoaderState&) const = default;
};

struct Batch {
  int64_t rows = 0, length = 0;         // B, L
  std::vector<int32_t> tokens;          // [B, L+1]
  std::vector<int32_t> segment_start;   // [B, L+1] position in the row where this token's document starts: attention masked by
                                        //          segment lets position t see [segment_start[t], t]
  std::vector<uint8_t> kind;            // [B, L+1] TextKind
};

class Loader {
 public:
  // Opens the text (packing what is not packed) and starts the thread. Errors name the path or the weight.
  Loader(const DataConfig& config, std::shared_ptr<const Tokenizer> tokenizer, int64_t rows);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  Batch next();  // rethrows what went wrong while preparing it

  LoaderState state() const { return state_; }  // after the last batch that next() returned
  void restore(const LoaderState& state);       // next() goes on from there, bit for bit

  // Passes over the text of source i so far; 0 for generated problems, which never repeat.
  double epochs(size_t source) const;
  size_t sources() const { return sources_.size(); }

  // Of the batches that are ready, in the making and in use.
  static int64_t memory_bytes(int64_t rows, int64_t length);

 private:
  struct Prepared {
    Batch batch;
    LoaderState after;
    std::exception_ptr error;
  };
  struct Weighted {
    std::unique_ptr<SequenceSource> sequences;
    double weight;
  };
  void start();
  void stop();
  void prefetch(LoaderState from);
  Batch prepare(LoaderState& at);

  std::vector<Weighted> sources_;  // weights sum to 1
  int64_t rows_, length_;
  MemoryCharge held_;
  LoaderState state_;
  std::thread thread_;
  std::mutex mutex_;               // guards the two below
  std::condition_variable changed_;
  std::deque<Prepared> ready_;
  bool stopping_ = false;
};

}  // namespace minke
