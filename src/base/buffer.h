#pragma once
// Memory for numbers: 64-byte aligned blocks, and an arena that hands them out and takes all back at once.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace minke {

inline constexpr size_t kAlign = 64;

// An owned, 64-byte aligned, zeroed block that only grows. Not thread-safe.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes) { resize(bytes); }
  void resize(size_t bytes);   // keeps nothing; zeroes the whole block when it grows
  void* data() const { return data_.get(); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

// A stack of blocks. take() gives uninitialised aligned memory; release(mark) gives back all that was taken since mark().
// Grows by new chunks, so pointers stay valid. One arena belongs to one thread.
class Arena {
 public:
  struct Mark {
    size_t chunk = 0, used = 0;
  };
  void* take(size_t bytes);
  template <class T>
  T* take(int64_t n) {
    return static_cast<T*>(take(size_t(n) * sizeof(T)));
  }
  Mark mark() const { return {chunk_, used_}; }
  void release(Mark mark);
  size_t peak() const { return peak_; }

 private:
  std::vector<Buffer> chunks_;
  size_t chunk_ = 0, used_ = 0, peak_ = 0;
};

// Gives an arena back its mark at the end of a scope.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

Arena& thread_arena();  // scratch of the calling thread, for kernels: take inside an ArenaScope

}  // namespace minke
