#pragma once
// What memory is held for. Every block (base/buffer.h) is counted under the kind that its maker's thread is in (MemoryScope).
#include <array>
#include <cstdint>
#include <map>
#include <mutex>

namespace minke {

enum class MemoryKind : uint8_t {
  kOther,
  kMasters,
  kGradients,
  kMoments,
  kPackedWeights,
  kPass,        // a training pass: activations and what it works in
  kScratch,     // of a thread, for kernels
  kEvaluation,
  kLoader,
};
inline constexpr size_t kMemoryKinds = 9;

// Bytes by kind: now, and when their sum was largest.
struct MemoryUse {
  std::array<int64_t, kMemoryKinds> live{}, at_peak{};
  int64_t total = 0, peak = 0;
  int64_t of(MemoryKind kind) const { return at_peak[size_t(kind)]; }
};

// Any thread may call it: blocks are few and large.
class MemoryAccount {
 public:
  void add(MemoryKind kind, int64_t bytes);  // < 0: given back
  MemoryUse use() const;
  void restart_peak();                       // the peak is what there is now

  // Blocks by their first byte.
  void add_block(const void* p, MemoryKind kind, int64_t bytes);
  int64_t remove_block(const void* p);       // its bytes
  bool holds(const void* p) const;           // p is a block's first byte
  // Bytes of the blocks that were made, under the kind of the one in which p lies, before that one, and of that one up to p: what an arena
  // holds below p.
  int64_t below(const void* p) const;

 private:
  struct Block {
    MemoryKind kind;
    int64_t bytes, number;  // in the order of their making
  };
  mutable std::mutex mutex_;
  MemoryUse use_;
  std::map<const char*, Block> blocks_;
  int64_t made_ = 0;
  void count(MemoryKind kind, int64_t bytes);
};
MemoryAccount& process_memory();

// What the thread allocates meanwhile is of this kind.
class MemoryScope {
 public:
  explicit MemoryScope(MemoryKind kind) : outer_(current_) { current_ = kind; }
  ~MemoryScope() { current_ = outer_; }
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;
  static MemoryKind current() { return current_; }

 private:
  static thread_local constinit MemoryKind current_;
  MemoryKind outer_;
};

// Bytes that another container than a Buffer holds, counted with the blocks.
class MemoryCharge {
 public:
  MemoryCharge(MemoryKind kind, int64_t bytes);
  ~MemoryCharge() { account_.add(kind_, -bytes_); }
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;

 private:
  MemoryAccount& account_;
  MemoryKind kind_;
  int64_t bytes_;
};

}  // namespace minke
