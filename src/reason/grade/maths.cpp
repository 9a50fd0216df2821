#include "reason/grade/maths.h"

#include "reason/grade/clean.h"
#include "reason/grade/compare.h"
#include "reason/grade/extract.h"
#include "reason/grade/parse.h"
#include "reason/grade/steps.h"
#include "reason/grade/text.h"

namespace minke {

using namespace grading;

namespace {

// "" if the written answer is within the bounds.
std::string beyond_length(std::string_view s) {
  if (s.size() > kMaxLength) return "longer than 1,024 characters";
  if (s.size() > kFreeLength && repetitive(s)) return "longer than 128 characters and repetitive";
  return "";
}

uint64_t seed_of(std::string_view s) {
  uint64_t h = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

struct Parsed {
  std::optional<Node> tree;
  std::string why;
};

Parsed parsed(std::string_view cleaned, const ParseOptions& options) {
  const StepBudget budget;
  try {
    return {parse(cleaned, options), ""};
  } catch (const Refused& r) {
    return {std::nullopt, r.why};
  }
}

// Has every part of the gold a value? Only asked when a comparison found a part without one.
std::string without_value(const Node& gold, GradeMode mode, uint64_t seed) {
  const StepBudget budget;
  try {
    Comparison(mode, seed).same(gold, gold);
    return "";
  } catch (const Refused& r) {
    return r.why;
  }
}

Verdict text_verdict(const std::string& gold, std::string_view answer, bool lenient) {
  const auto text = text_of(answer);
  if (!text) return {false, "not the text"};
  return {*text == gold || (lenient && sorted_parts(*text) == sorted_parts(gold)), "as text"};
}

// Yes and yes: words in spite of their length, unless the case of letters could mean something (AB and ab).
bool same_word(std::string_view gold, std::string_view answer, bool lenient) {
  if (!all_letters(gold)) return false;
  const auto g = text_of(gold), a = text_of(answer);
  if (!g || !a || *g != *a) return false;
  const auto cased_as_word = [](std::string_view s) {
    for (const char c : s.substr(1))
      if (c >= 'A' && c <= 'Z') return false;
    return true;
  };
  return lenient || gold == answer || (cased_as_word(gold) && (!all_letters(answer) || cased_as_word(answer)));
}

}  // namespace

Verdict grade_answer(std::string_view gold, std::string_view answer, GradeMode mode) {
  const bool lenient = mode == GradeMode::kLenient;
  if (const std::string why = beyond_length(gold); !why.empty()) return {std::nullopt, "the gold is " + why};
  const std::string g = clean(gold);
  if (g.empty()) return {std::nullopt, "the gold is empty"};
  const char choice = choice_of(g);

  // The gold may carry a label (12 boxes), but nothing in it is repaired.
  Parsed gold_tree;
  std::optional<std::string> gold_text;
  if (!choice) {
    gold_tree = parsed(g, {.repairs = false, .labels = true});
    if (!gold_tree.tree) {
      gold_text = text_of(g);
      if (!gold_text) return {std::nullopt, "the gold does not parse: " + gold_tree.why};
    }
  }

  if (const std::string why = beyond_length(answer); !why.empty()) return {false, "the answer is " + why};
  const std::string a = clean(answer);
  if (a.empty()) return {false, "the answer is empty"};
  if (choice) {
    std::string upper = a;
    if (lenient && (a.size() == 3 || a.size() == 1))
      for (char& c : upper)
        if (c >= 'a' && c <= 'h') c = char(c - 32);
    const char chosen = choice_of(upper);
    return {chosen == choice, chosen ? "choices" : "not the letter of a choice"};
  }
  if (is_abstention(answer)) return {false, "the answer abstains"};
  if (gold_text) return text_verdict(*gold_text, a, lenient);
  if (same_word(g, a, lenient)) return {true, "as text"};

  const Node& gold_node = *gold_tree.tree;
  ParseOptions options{.repairs = lenient, .labels = lenient};
  options.single_letter_units = lenient && traits_of(gold_node).symbols.empty();
  Parsed answer_tree = parsed(a, options);
  const auto is_grouped = [](const Node& n) { return n.kind == Kind::kNumber && n.grouped; };
  if (answer_tree.tree && !gold_node.scalar() && is_grouped(*answer_tree.tree)) {
    options.grouping = false;  // a list without blanks: 100,200
    answer_tree = parsed(a, options);
  }
  if (!answer_tree.tree) {
    const auto text = text_of(g);
    if (text && text_of(a) == text) return {true, "as text"};
    return {false, "the answer does not parse: " + answer_tree.why};
  }

  const uint64_t seed = seed_of(g);
  std::string refusal;
  {
    const StepBudget budget;
    try {
      Comparison comparison(mode, seed);
      const bool equal = comparison.same(gold_node, *answer_tree.tree);
      return {equal, comparison.why()};
    } catch (const Refused& r) {
      refusal = r.why;
    }
  }
  if (const std::string why = without_value(gold_node, mode, seed); !why.empty()) return {std::nullopt, "the gold has no value: " + why};
  return {false, "the answer has no value: " + refusal};
}

}  // namespace minke
