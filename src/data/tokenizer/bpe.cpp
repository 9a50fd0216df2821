#include "data/tokenizer/bpe.h"

#include <bit>
#include <functional>
#include <queue>

#include "base/error.h"

namespace minke {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;  // Fibonacci hashing: the high bits of the product

}  // namespace

BpeModel::BpeModel(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges)
    : byte_ids_(byte_ids) {
  MINKE_CHECK_LT(merges.size(), size_t{1} << 31);
  const size_t size = std::bit_ceil(merges.size() * 2 + 2);
  shift_ = 64 - std::countr_zero(size);
  slots_.resize(size);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_key(merges[rank].left, merges[rank].right);
    size_t i = (pair ^ pair >> 32) * kGolden >> shift_;
    while (slots_[i].pair != kEmpty && slots_[i].pair != pair) i = (i + 1) & (size - 1);
    slots_[i] = {pair, static_cast<uint32_t>(rank), merges[rank].result};
  }
}

BpeModel::Slot BpeModel::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_key(left, right);
  size_t i = (pair ^ pair >> 32) * kGolden >> shift_;
  while (slots_[i].pair != pair && slots_[i].pair != kEmpty) i = (i + 1) & (slots_.size() - 1);
  return slots_[i];
}

void BpeModel::encode(std::string_view piece, std::vector<int32_t>* ids) const {
  if (piece.size() <= kShort) {
    encode_short(piece, ids);
  } else {
    encode_long(piece, ids);
  }
}

void BpeModel::encode_short(std::string_view piece, std::vector<int32_t>* ids) const {
  int32_t id[kShort], result[kShort];
  uint32_t rank[kShort];  // rank[i], result[i]: the merge of id[i] and id[i + 1]
  size_t n = piece.size();
  const auto look_up = [&](size_t i) {
    const Slot slot = find(id[i], id[i + 1]);
    rank[i] = slot.rank;
    result[i] = slot.result;
  };
  for (size_t i = 0; i < n; ++i) id[i] = byte_ids_[static_cast<uint8_t>(piece[i])];
  for (size_t i = 0; i + 1 < n; ++i) look_up(i);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) {
      if (rank[i] < rank[best]) best = i;
    }
    if (rank[best] == kNoRank) break;
    id[best] = result[best];
    --n;
    for (size_t i = best + 1; i < n; ++i) id[i] = id[i + 1];
    for (size_t i = best + 1; i + 1 < n; ++i) {
      rank[i] = rank[i + 1];
      result[i] = result[i + 1];
    }
    if (best > 0) look_up(best - 1);
    if (best + 1 < n) look_up(best);
  }
  ids->insert(ids->end(), id, id + n);
}

void BpeModel::encode_long(std::string_view piece, std::vector<int32_t>* ids) const {
  if (piece.size() >= UINT32_MAX)
    fail("a piece of {} bytes to tokenize, expected less than 4 GiB; cut the text", piece.size());
  struct Node {
    int32_t id;  // -1: swallowed by its left neighbour
    uint32_t previous, next;
  };
  const uint32_t n = static_cast<uint32_t>(piece.size());
  std::vector<Node> nodes(n);
  for (uint32_t i = 0; i < n; ++i) nodes[i] = {byte_ids_[static_cast<uint8_t>(piece[i])], i - 1, i + 1};
  // Rank above, position below: the smallest is the lowest rank, leftmost. An entry is stale when the pair at its
  // position no longer has its rank.
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue;
  const auto offer = [&](uint32_t i) {
    if (nodes[i].next == n) return;
    const Slot slot = find(nodes[i].id, nodes[nodes[i].next].id);
    if (slot.rank != kNoRank) queue.push(uint64_t{slot.rank} << 32 | i);
  };
  for (uint32_t i = 0; i < n; ++i) offer(i);
  while (!queue.empty()) {
    const uint64_t top = queue.top();
    queue.pop();
    const uint32_t i = static_cast<uint32_t>(top);
    Node& node = nodes[i];
    if (node.id < 0 || node.next == n) continue;
    Node& right = nodes[node.next];
    const Slot slot = find(node.id, right.id);
    if (slot.rank != top >> 32) continue;
    node.id = slot.result;
    right.id = -1;
    node.next = right.next;
    if (node.next != n) nodes[node.next].previous = i;
    offer(i);
    if (i > 0) offer(node.previous);
  }
  for (uint32_t i = 0; i < n; i = nodes[i].next) ids->push_back(nodes[i].id);
}

}  // namespace minke
