#include "reason/judge.h"

#include "base/unicode_text.h"
#include "reason/countdown_answer.h"
#include "reason/grade/extract.h"

namespace minke {
namespace {

std::string as_text(std::string_view answer) {
  std::string_view inner = trimmed(answer);
  constexpr std::string_view kWrapper = "\\text{";
  if (inner.starts_with(kWrapper) && inner.find('}') == inner.size() - 1)
    inner = inner.substr(kWrapper.size(), inner.size() - kWrapper.size() - 1);
  return comparable_text(inner);
}

void judge_answer(const Problem& problem, GradeMode mode, Judgement& out) {
  if (checks_itself(problem)) {
    CountdownVerdict verdict = check_countdown(problem, out.answer);
    out.outcome = verdict.right ? Outcome::kRight : Outcome::kWrong;
    out.vote = std::move(verdict.vote);
    out.why = std::move(verdict.why);
  } else if (problem.gold_is_text) {
    out.vote = as_text(out.answer);
    const bool equal = out.vote == as_text(problem.gold);
    out.outcome = equal ? Outcome::kRight : Outcome::kWrong;
    out.why = equal ? "the same text" : "another text";
  } else {
    Verdict verdict = grade_answer(problem.gold, out.answer, mode);
    out.vote = vote_key(out.answer);
    out.outcome = !verdict.equal ? Outcome::kUngradable : *verdict.equal ? Outcome::kRight : Outcome::kWrong;
    out.why = std::move(verdict.why);
  }
}

// An unreadable gold must not pay an abstention or punish silence either.
bool gradable(const Problem& problem, GradeMode mode) {
  return checks_itself(problem) || problem.gold_is_text || grade_answer(problem.gold, problem.gold, mode).equal.has_value();
}

}  // namespace

bool checks_itself(const Problem& problem) { return problem.canonical_key.starts_with("countdown:"); }

const char* outcome_name(Outcome outcome) {
  static constexpr const char* kNames[] = {"right", "abstained", "wrong", "no answer", "ungradable"};
  return kNames[int(outcome)];
}

Judgement judge(const Problem& problem, std::string_view completion, GradeMode mode) {
  Extracted extracted = extract_answer(completion);
  Judgement out{Outcome::kNoAnswer, std::move(extracted.answer), "", std::move(extracted.why), extracted.well_formed};
  const bool abstained = is_abstention(out.answer);
  if (!abstained && !trimmed(out.answer).empty()) {
    judge_answer(problem, mode, out);
  } else if (!gradable(problem, mode)) {
    out.outcome = Outcome::kUngradable;
    out.why = "the gold does not parse";
  } else if (abstained) {
    out.outcome = Outcome::kAbstained;
    out.why = "says that it does not know";
  }
  return out;
}

bool gold_is_words(std::string_view gold) {
  const std::string text = comparable_text(gold);
  bool plain = true, word = false, letter_before = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    word |= letter && letter_before;
    plain &= letter || c == ' ' || c == '-' || c == '\'' || c == '.' || c == ',';
    letter_before = letter;
  }
  return (plain && word && text != "pi" && text != "π") || !grade_answer(gold, gold, GradeMode::kLenient).equal;
}

}  // namespace minke
