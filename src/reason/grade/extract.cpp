#include "reason/grade/extract.h"

#include <optional>

#include "base/unicode_text.h"

namespace minke {

namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>";

size_t count(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

// What stands in the balanced braces that open at `text[at]`; escaped braces are characters like any other.
std::optional<std::string_view> braced(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n')) ++at;
  if (at >= text.size() || text[at] != '{') return std::nullopt;
  size_t depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    else if (text[i] == '{') ++depth;
    else if (text[i] == '}' && --depth == 0) return text.substr(at + 1, i - at - 1);
  }
  return std::nullopt;
}

// Backwards, so that the first balanced one is the last. Unbalanced ones are tried a few times only: a text of nothing but
// `\boxed{` must not cost its length squared.
std::optional<std::string_view> last_box(std::string_view text) {
  constexpr int kTries = 64;
  size_t end = text.size();
  for (int tries = 0; tries < kTries && end > 0; ++tries) {
    const size_t boxed = text.rfind("\\boxed", end - 1), fbox = text.rfind("\\fbox", end - 1);
    if (boxed == text.npos && fbox == text.npos) return std::nullopt;
    const bool is_boxed = fbox == text.npos || (boxed != text.npos && boxed > fbox);
    const size_t at = is_boxed ? boxed : fbox;
    if (const auto inside = braced(text, at + (is_boxed ? 6 : 5))) return inside;
    end = at;
  }
  return std::nullopt;
}

}  // namespace

Extracted extract_answer(std::string_view completion) {
  Extracted out;
  const size_t closes = count(completion, kClose);
  if (closes != 1) {
    out.why = closes == 0 ? "no </think>" : "more than one </think>";
    return out;
  }
  const size_t close = completion.find(kClose);
  std::string_view reasoning = trimmed(completion.substr(0, close));
  const std::string_view after = completion.substr(close + kClose.size());
  if (reasoning.starts_with(kOpen)) reasoning.remove_prefix(kOpen.size());
  const bool stray = count(reasoning, kOpen) + count(after, kOpen) > 0;

  const size_t opens = count(after, "<answer>"), ends = count(after, "</answer>");
  std::optional<std::string_view> answer_tag;
  const size_t end_tag = after.rfind("</answer>");
  if (end_tag != after.npos) {
    const size_t start_tag = after.substr(0, end_tag).rfind("<answer>");
    if (start_tag != after.npos) answer_tag = after.substr(start_tag + 8, end_tag - start_tag - 8);
  }
  const auto box = last_box(after);
  const bool one_region = opens + ends > 0 ? opens == 1 && ends == 1 && answer_tag : box.has_value();
  out.well_formed = !stray && one_region;
  if (box) {
    out.answer = trimmed(*box);
    out.why = "the last box";
  } else if (answer_tag) {
    out.answer = trimmed(*answer_tag);
    out.why = "the answer tag";
  } else {
    out.why = "no box and no answer tag after </think>";
  }
  if ((box || answer_tag) && out.answer.empty()) out.why = "the answer is empty";
  return out;
}

bool is_abstention(std::string_view answer) {
  std::string_view s = trimmed(answer);
  if (s.size() >= 2 && s.front() == '$' && s.back() == '$') s = trimmed(s.substr(1, s.size() - 2));
  for (const std::string_view wrapper : {"\\text{", "\\mathrm{", "\\mbox{"})
    if (s.starts_with(wrapper) && s.ends_with("}")) s = trimmed(s.substr(wrapper.size(), s.size() - wrapper.size() - 1));
  return s == "?";
}

}  // namespace minke
