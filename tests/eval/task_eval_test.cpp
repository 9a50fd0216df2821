// evaluate_task on a model whose probabilities are known, and on an untrained one.
#include "eval/task_eval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "eval/mtp_acceptance.h"
#include "eval/bigram_model.h"

namespace minke {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer t = Tokenizer::load("tokenizer");
  return t;
}

Transformer& guesser() {
  static const std::unique_ptr<Transformer> model = guessing_model(tokenizer()).build(WeightUse::kTraining);
  return *model;
}

std::vector<Problem> sums(int n, const std::string& gold) {
  std::vector<Problem> out(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    Problem& p = out[size_t(i)];
    p.id = "sums/" + std::to_string(i);
    p.family = "sums";
    p.level = 1 + i % 2;
    p.prompt = "Compute 1 + " + std::to_string(i);
    p.gold = gold;
    p.canonical_key = "sums:" + std::to_string(i);
  }
  return out;
}

TaskEvalOptions plain(int64_t samples) {
  TaskEvalOptions o;
  o.samples = samples;
  o.temperature = 1;
  o.top_p = 1;
  o.max_tokens = 64;
  return o;
}

std::string all_json(const std::vector<SampleRow>& rows) {
  std::string out;
  for (const SampleRow& r : rows) out += row_json(r, true) + "\n";
  return out;
}

TEST(MtpAcceptance, CountsGuessesOfTheTokenAfterTheNext) {
  const std::vector<Problem> problems = sums(5, "4");
  const std::unique_ptr<Transformer> knows = guessing_model(tokenizer()).build(WeightUse::kInference, true), knows_nothing = guessing_model(tokenizer()).build(WeightUse::kInference);
  const MtpAcceptance all = mtp_acceptance(*knows, tokenizer(), problems, 16), none = mtp_acceptance(*knows_nothing, tokenizer(), problems, 16);
  EXPECT_EQ(all.drafts, 5 * 15);  // sevens to the end, of which the first has no draft
  EXPECT_EQ(all.accepted, all.drafts);
  EXPECT_EQ(none.drafts, all.drafts);
  EXPECT_EQ(none.accepted, 0);
}

TEST(TaskEval, FindsTheModelsProbabilities) {
  const std::vector<SampleRow> rows = evaluate_task(guesser(), tokenizer(), sums(60, "4"), plain(8));
  ASSERT_EQ(rows.size(), 480u);
  const TaskSummary s = summarise(rows);
  EXPECT_EQ(s.n, 60);
  EXPECT_EQ(s.samples, 8);
  const double four_sigma = 4 * std::sqrt(0.24 / 480);
  EXPECT_NEAR(s.pass1, 0.6, four_sigma);
  EXPECT_LT(s.ci95.low, s.pass1);
  EXPECT_GT(s.ci95.high, s.pass1);
  EXPECT_NEAR(s.pass_k.at(8), 1, 0.05);   // 1 - 0.4^8
  EXPECT_GT(s.cons_k.at(8), s.pass1) << "4 is the likeliest answer";
  EXPECT_NEAR(s.abstained, 0.1, 4 * std::sqrt(0.09 / 480));
  EXPECT_NEAR(s.mean_think_tokens, 2, 4 * std::sqrt(2.0 / 480));  // geometric, mean 2, variance 2
  EXPECT_EQ(s.no_answer, 0);
  std::set<std::string> texts;
  for (const SampleRow& r : rows) {
    EXPECT_EQ(r.exit, Exit::kOwn);
    EXPECT_EQ(r.text, std::string(size_t(r.think_tokens), '7') + "</think>\\boxed{" + r.answer + "}");
    EXPECT_EQ(r.correct, r.answer == "4");
    EXPECT_EQ(r.vote.empty(), r.answer == "?");
    EXPECT_EQ(r.total_tokens - r.think_tokens, rows[0].total_tokens - rows[0].think_tokens);
    texts.insert(r.text);
  }
  EXPECT_GT(texts.size(), 8u);
  const std::vector<TaskSummary> levels = summarise_levels(rows);
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[1].level, 2);
  EXPECT_NEAR((levels[0].pass1 + levels[1].pass1) / 2, s.pass1, 1e-12);
}

// A row is a function of its problem and number: not of the other problems, of more samples, or of what was known before.
TEST(TaskEval, RowsDoNotDependOnTheOthers) {
  const std::vector<Problem> problems = sums(6, "4");
  const std::vector<SampleRow> all = evaluate_task(guesser(), tokenizer(), problems, plain(4));
  const std::vector<SampleRow> tail = evaluate_task(guesser(), tokenizer(), std::span(problems).subspan(4), plain(4));
  EXPECT_EQ(all_json(tail), all_json({all.begin() + 16, all.end()}));
  const std::vector<SampleRow> fewer = evaluate_task(guesser(), tokenizer(), problems, plain(2));
  for (size_t i = 0; i < fewer.size(); ++i) EXPECT_EQ(row_json(fewer[i], true), row_json(all[i / 2 * 4 + i % 2], true));

  std::vector<SampleRow> ran;
  TaskEvalHooks hooks;
  hooks.known = [&](const Problem& p, int64_t sample) -> const SampleRow* {
    for (const SampleRow& r : fewer)
      if (r.id == p.id && r.sample == sample) return &r;
    return nullptr;
  };
  hooks.on_row = [&](const SampleRow& r) { ran.push_back(r); };
  EXPECT_EQ(all_json(evaluate_task(guesser(), tokenizer(), problems, plain(4), hooks)), all_json(all));
  EXPECT_EQ(ran.size(), 12u);
  for (const SampleRow& r : ran) EXPECT_GE(r.sample, 2);

  TaskEvalOptions other = plain(4);
  other.seed = 2;
  EXPECT_NE(all_json(evaluate_task(guesser(), tokenizer(), problems, other)), all_json(all));
}

TEST(TaskEval, CapForcesTheEndOfThinking) {
  TaskEvalOptions o = plain(8);
  o.think_cap = 2;
  int capped = 0;
  for (const SampleRow& r : evaluate_task(guesser(), tokenizer(), sums(10, "4"), o)) {
    EXPECT_LE(r.think_tokens, 2);
    EXPECT_TRUE(r.text.find("</think>\\boxed{") != std::string::npos) << r.text;
    EXPECT_EQ(r.exit, r.think_tokens == 2 ? Exit::kCap : Exit::kOwn);
    capped += r.exit == Exit::kCap;
  }
  EXPECT_NEAR(capped, 40, 18);  // half go on past the first seven
}

TEST(TaskEval, WithoutThinking) {
  TaskEvalOptions o = plain(4);
  o.thinking = Thinking::kOff;
  for (const SampleRow& r : evaluate_task(guesser(), tokenizer(), sums(5, "5"), o)) {
    EXPECT_EQ(r.think_tokens, 0);
    EXPECT_EQ(r.text, "</think>\\boxed{" + r.answer + "}");
    EXPECT_EQ(r.correct, r.answer == "5");
  }
}

TEST(TaskEval, LengthAndWhatIsNoAnswer) {
  TaskEvalOptions o = plain(4);
  o.max_tokens = 3;
  for (const SampleRow& r : evaluate_task(guesser(), tokenizer(), sums(3, "4"), o)) {
    EXPECT_EQ(r.exit, Exit::kLength);
    EXPECT_EQ(r.total_tokens, 3);
    EXPECT_EQ(r.outcome, Outcome::kNoAnswer);
    EXPECT_FALSE(r.correct);
  }
}

TEST(TaskEval, UsersGraderDecides) {
  // Right is what it calls right, here 5, whatever the gold says; `?` stays an abstention and is not asked about.
  CommandGrader grader("while read -r line; do case \"$line\" in *'\"answer\":\"5\"'*) echo '{\"equal\": true}';; *) echo '{\"reward\": 0.2}';; esac; done");
  TaskEvalOptions o = plain(8);
  o.grader = &grader;
  int right = 0;
  for (const SampleRow& r : evaluate_task(guesser(), tokenizer(), sums(4, "4"), o)) {
    EXPECT_EQ(r.correct, r.answer == "5");
    EXPECT_EQ(r.outcome, r.answer == "5" ? Outcome::kRight : r.answer == "?" ? Outcome::kAbstained : Outcome::kWrong);
    right += r.correct;
  }
  EXPECT_GT(right, 0);
  CommandGrader broken("exit 3");
  o.grader = &broken;
  EXPECT_THROW(evaluate_task(guesser(), tokenizer(), sums(1, "4"), o), Error);
}

TEST(TaskEval, StopLeavesWholeProblems) {
  size_t ended = 0;
  TaskEvalHooks hooks;
  hooks.on_row = [&](const SampleRow&) { ++ended; };
  hooks.stop = [&] { return ended >= 20; };
  const std::vector<SampleRow> rows = evaluate_task(guesser(), tokenizer(), sums(40, "4"), plain(2), hooks);
  EXPECT_GT(rows.size(), 0u);
  EXPECT_LE(rows.size(), ended);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].sample, int64_t(i % 2));
}

TEST(TaskEval, RefusesWhatCannotBe) {
  const auto message = [](auto change) {
    TaskEvalOptions o = plain(1);
    change(o);
    try {
      o.validate();
    } catch (const UsageError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_NE(message([](auto& o) { o.samples = 0; }).find("--samples 0"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.think_cap = 60; }).find("--cap 60"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.think_cap = 8, o.thinking = Thinking::kOff; }).find("--no-think"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.top_p = 0; }).find("--top-p"), std::string::npos);
  std::vector<Problem> longer = sums(1, "4");
  for (int i = 0; i < 300; ++i) longer[0].prompt += " 9";
  try {
    evaluate_task(guesser(), tokenizer(), longer, plain(1));
    FAIL() << "a prompt beyond the model's positions";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("sums/0"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace minke
