#pragma once
// Finds added tokens in text: leftmost, longest at one place.
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace minke {

struct AddedToken;

// A stretch of text: an added token (id >= 0) or plain (id -1).
struct TextSpan {
  std::string_view text;
  int32_t id;
};

class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;
  explicit AddedTokenMatcher(const std::vector<AddedToken>& tokens);

  // `text` cut at added tokens: first those not normalized, then the others in what is left. Never an empty plain span.
  std::vector<TextSpan> split(std::string_view text) const;

 private:
  struct Node {
    std::unordered_map<uint8_t, uint32_t> next;
    int32_t token = -1;  // index into tokens_
  };
  struct Token {
    int32_t id;
    bool lstrip, rstrip;
  };
  struct Trie {
    std::vector<Node> nodes{1};
    bool empty() const { return nodes[0].next.empty(); }
  };
  void split_by(const Trie& trie, std::string_view text, std::vector<TextSpan>* spans) const;

  std::vector<Token> tokens_;
  Trie exact_, normalized_;
};

}  // namespace minke
