#include "base/memory.h"

#include "base/error.h"
#include "base/ledger.h"

namespace minke {

thread_local constinit MemoryKind MemoryScope::current_ = MemoryKind::kOther;

void MemoryAccount::count(MemoryKind kind, int64_t bytes) {
  use_.live[size_t(kind)] += bytes;
  use_.total += bytes;
  if (use_.total <= use_.peak) return;
  use_.peak = use_.total;
  use_.at_peak = use_.live;
}

void MemoryAccount::add(MemoryKind kind, int64_t bytes) {
  std::lock_guard lock(mutex_);
  count(kind, bytes);
}

MemoryUse MemoryAccount::use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

void MemoryAccount::restart_peak() {
  std::lock_guard lock(mutex_);
  use_.peak = use_.total;
  use_.at_peak = use_.live;
}

void MemoryAccount::add_block(const void* p, MemoryKind kind, int64_t bytes) {
  std::lock_guard lock(mutex_);
  blocks_[static_cast<const char*>(p)] = {kind, bytes, made_++};
  count(kind, bytes);
}

int64_t MemoryAccount::remove_block(const void* p) {
  std::lock_guard lock(mutex_);
  const auto it = blocks_.find(static_cast<const char*>(p));
  MINKE_CHECK(it != blocks_.end());
  const Block block = it->second;
  blocks_.erase(it);
  count(block.kind, -block.bytes);
  return block.bytes;
}

bool MemoryAccount::holds(const void* p) const {
  std::lock_guard lock(mutex_);
  return blocks_.contains(static_cast<const char*>(p));
}

int64_t MemoryAccount::below(const void* p) const {
  std::lock_guard lock(mutex_);
  const char* at = static_cast<const char*>(p);
  auto own = blocks_.upper_bound(at);
  MINKE_CHECK(own != blocks_.begin());
  --own;
  MINKE_CHECK_LT(at - own->first, own->second.bytes);
  int64_t bytes = at - own->first;
  for (const auto& [start, block] : blocks_)
    if (block.kind == own->second.kind && block.number < own->second.number) bytes += block.bytes;
  return bytes;
}

MemoryAccount& process_memory() {
  static MemoryAccount& account = *new MemoryAccount;  // never destroyed: threads give their arenas back late
  return account;
}

MemoryCharge::MemoryCharge(MemoryKind kind, int64_t bytes)
    : account_(dry_run() ? Ledger::current()->account() : process_memory()), kind_(kind), bytes_(bytes) {
  account_.add(kind_, bytes_);
}

}  // namespace minke
