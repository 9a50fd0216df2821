#include <algorithm>

#include "reason/grade/clean.h"
#include "reason/grade/compare.h"
#include "reason/grade/extract.h"
#include "reason/grade/maths.h"
#include "reason/grade/parse.h"
#include "reason/grade/text.h"
#include "reason/grade/values.h"

namespace minke {

namespace grading {

namespace {

std::string key_of(const Node& n);

std::string joined(std::vector<std::string> keys, bool sorted) {
  if (sorted) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }
  std::string out;
  for (const std::string& k : keys) out += (out.empty() ? "" : "|") + k;
  return out;
}

std::vector<std::string> keys_of(const std::vector<Node>& nodes) {
  std::vector<std::string> out;
  for (const Node& n : nodes) out.push_back(key_of(n));
  return out;
}

std::string relation_key(const Node& n) {
  if (n.name.find_first_not_of('=') == std::string::npos) {
    const Node &left = n.kids[0], &right = n.kids.back();
    const std::vector<std::string> letters = traits_of(right).symbols;
    const bool defines = short_name(left, true) && std::find(letters.begin(), letters.end(), left.name) == letters.end();
    if (defines || n.kids.size() > 2) return key_of(right);
    return "= " + proportion_key(node(Kind::kAdd, {n.kids[0], node(Kind::kNegate, {n.kids[1]})}));
  }
  if (const auto interval = interval_of(n)) return key_of(*interval);
  return n.name + " " + joined(keys_of(n.kids), false);
}

std::string key_of(const Node& n) {
  switch (n.kind) {
    case Kind::kPercent:
    case Kind::kUnit: return key_of(n.kids[0]);
    case Kind::kBased: return n.name;
    case Kind::kRelation: return relation_key(n);
    case Kind::kSet:
    case Kind::kList:
      if (n.kids.size() == 1) return key_of(n.kids[0]);
      return std::string("{").append(joined(keys_of(n.kids), true)).append("}");
    case Kind::kTuple: return n.open + joined(keys_of(n.kids), false) + n.close;
    case Kind::kRatio: return "ratio " + joined(keys_of(n.kids), false);
    case Kind::kUnion: return "union " + joined(keys_of(merged_parts(n, 0)), false);
    case Kind::kMatrix: return "matrix " + std::to_string(n.count) + n.name + " " + joined(keys_of(n.kids), false);
    default: return value_key(n);
  }
}

}  // namespace

}  // namespace grading

std::string vote_key(std::string_view answer) {
  using namespace grading;
  if (is_abstention(answer) || answer.size() > kMaxLength || (answer.size() > kFreeLength && repetitive(answer))) return "";
  const std::string a = clean(answer);
  if (a.empty()) return "";
  if (const char choice = choice_of(a)) return std::string("choice ") + choice;
  // Three letters are a word here (red, Red) and no product: a vote must not hang on case.
  if (all_letters(a) && a.size() > 2) return std::string("text ").append(*text_of(a));
  const StepBudget budget;
  try {
    return key_of(parse(a, {.repairs = true, .labels = true}));
  } catch (const Refused&) {
    const auto text = text_of(a);
    return text ? std::string("text ").append(sorted_parts(*text)) : "";
  }
}

}  // namespace minke
