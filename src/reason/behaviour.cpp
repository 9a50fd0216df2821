#include "reason/behaviour.h"

#include <algorithm>
#include <string>
#include <vector>

namespace minke {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return (c >= '0' && c <= '9') || c == '/' || c == '.'; }) &&
         word[0] >= '0' && word[0] <= '9';
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// The letters at the beginning of a word, in lower case: "Wait," is "wait".
std::string spelled(std::string_view word) {
  const size_t begin = size_t(std::find_if(word.begin(), word.end(), is_letter) - word.begin());
  std::string out;
  for (size_t i = begin; i < word.size() && is_letter(word[i]); ++i) out += char(word[i] | 0x20);
  return out;
}

}  // namespace

Behaviour behaviour_of(std::string_view completion) {
  Behaviour b;
  std::string_view thought = completion.substr(0, completion.find("</think>"));
  bool failed = false;  // the last verdict
  while (!thought.empty()) {
    const size_t end = std::min(thought.find('\n'), thought.size());
    const std::vector<std::string_view> words = words_of(thought.substr(0, end));
    thought.remove_prefix(std::min(end + 1, thought.size()));
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string word = spelled(words[i]);
      b.wait_count += word == "wait";
      b.self_check += word.starts_with("check") || word.starts_with("recheck") || word.starts_with("verif");
      b.self_check += words[i] == "no" && i > 0 && i + 1 < words.size() && is_number(words[i - 1]) && is_number(words[i + 1]);
    }
    if (words.size() < 2 || (words.back() != "x" && words.back() != "!") || !is_number(words[words.size() - 2])) continue;  // "2 = x" is none
    ++b.attempts;
    b.retries_after_x += failed;
    failed = words.back() == "x";
  }
  return b;
}

}  // namespace minke
