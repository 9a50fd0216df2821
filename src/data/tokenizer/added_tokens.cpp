#include "data/tokenizer/added_tokens.h"

#include "data/tokenizer/tokenizer_spec.h"
#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

size_t blanks_at_start(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  while (p < end) {
    const Utf8Step step = utf8_step(p, end);
    if (step.state != Utf8Step::kValid || !(char_classes()[step.code_point] & kSpace)) break;
    p += step.bytes;
  }
  return static_cast<size_t>(p - text.data());
}

size_t blanks_at_end(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0) {
    size_t start = begin - 1;
    while (start > 0 && begin - start < 4 && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) --start;
    const Utf8Step step = utf8_step(text.data() + start, text.data() + begin);
    if (step.state != Utf8Step::kValid || start + step.bytes != begin || !(char_classes()[step.code_point] & kSpace))
      break;
    begin = start;
  }
  return text.size() - begin;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    std::vector<Node>& nodes = (token.normalized ? normalized_ : exact_).nodes;
    uint32_t at = 0;
    for (const char c : token.content) {
      const auto [edge, fresh] =
          nodes[at].next.try_emplace(static_cast<uint8_t>(c), static_cast<uint32_t>(nodes.size()));
      at = edge->second;
      if (fresh) nodes.emplace_back();
    }
    nodes[at].token = static_cast<int32_t>(tokens_.size());
    tokens_.push_back({token.id, token.lstrip, token.rstrip});
  }
}

std::vector<TextSpan> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<TextSpan> spans;
  split_by(exact_, text, &spans);
  if (normalized_.empty()) return spans;
  std::vector<TextSpan> finer;
  for (const TextSpan& span : spans) {
    if (span.id >= 0) {
      finer.push_back(span);
    } else {
      split_by(normalized_, span.text, &finer);
    }
  }
  return finer;
}

void AddedTokenMatcher::split_by(const Trie& trie, std::string_view text, std::vector<TextSpan>* spans) const {
  size_t plain = 0;  // where the plain text before the next token begins
  for (size_t i = 0; i < text.size();) {
    size_t length = 0;
    int32_t found = -1;
    uint32_t at = 0;
    for (size_t j = i; j < text.size(); ++j) {
      const auto edge = trie.nodes[at].next.find(static_cast<uint8_t>(text[j]));
      if (edge == trie.nodes[at].next.end()) break;
      at = edge->second;
      if (trie.nodes[at].token >= 0) {
        found = trie.nodes[at].token;
        length = j + 1 - i;
      }
    }
    if (found < 0) {
      ++i;
      continue;
    }
    const Token& token = tokens_[found];
    size_t begin = i, end = i + length;
    if (token.lstrip) begin -= blanks_at_end(text.substr(plain, begin - plain));
    if (token.rstrip) end += blanks_at_start(text.substr(end));
    if (begin > plain) spans->push_back({text.substr(plain, begin - plain), -1});
    spans->push_back({text.substr(begin, end - begin), token.id});
    plain = i = end;
  }
  if (plain < text.size()) spans->push_back({text.substr(plain), -1});
}

}  // namespace minke
