#pragma once
// The merging half of byte-level BPE: one piece of bytes -> token ids. Start with single bytes; merge the adjacent pair
// of lowest rank, leftmost on a tie; repeat until no pair is in the table.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace minke {

struct BpeMerge {
  int32_t left, right, result;  // token ids; a merge's rank is its place in the list
};

class BpeModel {
 public:
  BpeModel() = default;
  // REQUIRES: byte_ids are the tokens of the 256 bytes. A pair that appears twice takes its later rank, as `tokenizers`
  // does.
  BpeModel(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges);

  // Appends the ids of `piece`. O(n^2) with a small constant up to kShort bytes, O(n log n) past that.
  void encode(std::string_view piece, std::vector<int32_t>* ids) const;

 private:
  static constexpr size_t kShort = 64;
  static constexpr uint32_t kNoRank = UINT32_MAX;
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Slot {
    uint64_t pair = kEmpty;
    uint32_t rank = kNoRank;
    int32_t result = -1;
  };
  Slot find(int32_t left, int32_t right) const;
  void encode_short(std::string_view piece, std::vector<int32_t>* ids) const;
  void encode_long(std::string_view piece, std::vector<int32_t>* ids) const;

  std::array<int32_t, 256> byte_ids_{};
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  int shift_ = 64;
};

}  // namespace minke
