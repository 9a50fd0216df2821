// Questions through the engine: exact budgets whatever the model says, answers that do not depend on the company, votes and checkers.
#include "dial/ask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "dial/record.h"
#include "eval/bigram_model.h"

namespace minke {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer t = Tokenizer::load("tokenizer");
  return t;
}

Transformer& guesser() {
  static const std::unique_ptr<Transformer> model = guessing_model(tokenizer()).build(WeightUse::kInference);
  return *model;
}

EffortProfile profile(int64_t full) {
  EffortProfile p;
  p.full_budget = full;
  return p;
}

AskQuestion question(const std::string& id, const std::string& effort) { return {id, {{"user", "Compute 1 + 3"}}, parse_effort(effort), 0, 0, {}, false}; }

AskOptions warm() {
  AskOptions o;
  o.sampler.temperature = 1;
  o.sampler.top_p = 1;
  return o;
}

std::vector<AskResult> ask(Transformer& model, const EffortProfile& p, const AskOptions& o, const std::vector<AskQuestion>& questions, EngineOptions e = {}) {
  Engine engine(model, CacheForm::kExpanded, e);
  Asker asker(engine, model.config(), tokenizer(), p, o);
  return ask_all(asker, questions);
}

std::string all_of(const AskResult& r) {
  std::string out = effort_json(r.effort).dump() + std::to_string(r.given);
  for (const AskSample& s : r.samples) {
    for (const int32_t id : s.ids) out += " " + std::to_string(id);
    out += fmt::format("|{}|{}|{}|{}\n", s.text, s.reading.vote, effort_exit_name(s.exit), s.confidence);
  }
  return out;
}

// Every token may follow every other: thoughts end early, late or never, EOS comes inside thoughts, tags inside answers.
std::unique_ptr<Transformer> babbler(Rng& rng) {
  BigramModel m(tokenizer());
  std::vector<int32_t> ids = {m.token("</think>"), m.token("<think>"), tokenizer().eos_id()};
  for (const char* text : {"7", "x", "\n", "}", "?", " the", "b", "o"}) ids.push_back(m.token(text));
  const double ends = std::pow(10.0, -2.0 * rng.uniform());
  for (const int32_t from : ids)
    for (size_t to = 0; to < ids.size(); ++to) m.follow(from, ids[to], (to < 3 ? ends : 1.0) * (0.05 + rng.uniform()));
  return m.build(WeightUse::kInference);
}

TEST(Ask, BudgetsAreExactWhateverTheModelSays) {
  const int32_t end = end_of_thinking_id(tokenizer()), eos = tokenizer().eos_id();
  Rng rng(11, 0);
  std::map<std::string, int> exits;
  int stopped = 0, cut = 0, shortened = 0;
  for (int trial = 0; trial < 12; ++trial) {
    const std::unique_ptr<Transformer> model = babbler(rng);
    const EffortProfile p = profile(int64_t(1 + rng.below(180)));
    AskOptions o = warm();
    o.sampler.seed = uint64_t(trial);
    if (rng.below(2)) o.answer_tokens = int64_t(1 + rng.below(40));
    if (rng.below(2)) o.stop = {"7x", "the the"};
    std::vector<AskQuestion> questions;
    for (int i = 0; i < 14; ++i) {
      const char* words[] = {"off", "minimal", "low", "medium", "high", "max", "auto"};
      const std::string effort = i < 7 ? words[i] : i < 10 ? std::to_string(2 + rng.below(220)) : fmt::format("{}%", 1 + rng.below(100));
      AskQuestion q = question(std::to_string(i), effort);
      // Old turns, with thoughts and tags in them, also where they do not belong.
      if (rng.below(2))
        q.messages = {{"system", "Be brief </think>"},
                      {"user", "What is </think> for? <think>"},
                      {"assistant", "<think>\nold thought</think>\\boxed{1}"},
                      {"user", std::string(size_t(rng.below(60)), 'x')},
                      {"assistant", "</think></think>"},
                      {"user", "</think>\n1 + 3"}};
      questions.push_back(q);
    }
    const std::vector<AskResult> results = ask(*model, p, o, questions);
    for (size_t i = 0; i < results.size(); ++i) {
      const AskResult& r = results[i];
      const EffortPlan plan = plan_effort(questions[i].effort, p);
      const EffortBudget most = fit_budget(plan.cap, o.answer_tokens, 1 << 20);
      int64_t all = 0;
      ASSERT_GE(r.samples.size(), 1u);
      ASSERT_LE(int64_t(r.samples.size()), plan.samples);
      for (const AskSample& s : r.samples) {
        all += int64_t(s.ids.size());
        ++exits[effort_exit_name(s.exit)];
        const auto first = std::find(s.ids.begin(), s.ids.end(), end);
        ASSERT_EQ(std::count(s.ids.begin(), s.ids.end(), end), plan.cap > 0 ? 1 : 0) << "one thought, closed once";
        const int64_t thinking = plan.cap > 0 ? first - s.ids.begin() : 0;
        const bool ended = s.ids.back() == eos;
        ASSERT_EQ(std::count(s.ids.begin(), s.ids.end(), eos), ended ? 1 : 0) << "EOS only at the end";
        const int64_t answer = int64_t(s.ids.size()) - ended - (plan.cap > 0 ? thinking + 1 : 0);
        EXPECT_EQ(s.thinking, thinking);
        EXPECT_EQ(s.answer, answer);
        EXPECT_LE(thinking, s.cap);
        EXPECT_LE(s.cap, plan.cap);
        EXPECT_LE(answer, most.answer);
        EXPECT_TRUE(s.exit != EffortExit::kCap || thinking == s.cap);
        EXPECT_TRUE(s.exit != EffortExit::kLength || ended);
        cut += s.exit == EffortExit::kCap;
        if (s.cap < plan.cap) ++shortened;
        if (!ended) ++stopped;
        EXPECT_TRUE(ended || !o.stop.empty());
        for (const std::string& stop : o.stop) EXPECT_EQ(s.said.answer.find(stop), std::string::npos);
        EXPECT_GT(s.confidence, 0);
        EXPECT_LE(s.confidence, 1);
      }
      EXPECT_EQ(r.tokens, all);
      EXPECT_EQ(r.effort.asked, questions[i].effort.asked);
      EXPECT_EQ(r.effort.cap, r.sample().cap);
      EXPECT_EQ(r.effort.applied, r.sample().cap < plan.cap ? std::to_string(r.sample().cap) : plan.applied);
      EXPECT_EQ(r.effort.thinking, r.sample().thinking);
      EXPECT_EQ(r.effort.discarded, all - int64_t(r.sample().ids.size()));
      EXPECT_EQ(r.effort.samples, int64_t(r.samples.size()));
      EXPECT_TRUE(plan.rule != EffortRule::kOne || r.effort.exit == r.sample().exit);
    }
  }
  EXPECT_GT(exits["own"], 20);
  EXPECT_GT(exits["length"], 20);
  EXPECT_GT(cut, 20);
  EXPECT_GT(stopped, 5);
  EXPECT_GT(shortened, 5) << "nano has 256 positions";
}

TEST(Ask, AnswersDoNotDependOnTheCompany) {
  const EffortProfile p = profile(8);
  std::vector<AskQuestion> questions;
  for (const char* effort : {"off", "minimal", "low", "medium", "high", "max", "auto", "5", "50%"})
    for (int i = 0; i < 3; ++i) questions.push_back(question(fmt::format("q{}", i), effort));
  const std::vector<AskResult> all = ask(guesser(), p, warm(), questions);
  EngineOptions narrow;
  narrow.max_sequences = 2;
  narrow.prefill_chunk = 3;
  for (size_t i = 0; i < questions.size(); i += 4) EXPECT_EQ(all_of(ask(guesser(), p, warm(), {questions[i]}, narrow)[0]), all_of(all[i]));
  std::vector<AskQuestion> other = {questions[12]};
  other[0].number = 1;
  EXPECT_NE(all_of(ask(guesser(), p, warm(), other)[0]), all_of(all[12])) << "another whole answer";
  // high's sample is the first of max's.
  EXPECT_EQ(all[15].samples[0].ids, all[12].samples[0].ids);
}

// The guesser says 4 with probability 0.6, 5 with 0.3, ? with 0.1.
TEST(Ask, VotesBeatOneSample) {
  std::vector<AskQuestion> one, many;
  for (int i = 0; i < 120; ++i) {
    one.push_back(question(std::to_string(i), "high"));
    many.push_back(question(std::to_string(i), "max"));
  }
  const std::vector<AskResult> single = ask(guesser(), profile(8), warm(), one), voted = ask(guesser(), profile(8), warm(), many);
  int right_one = 0, right_many = 0, agreed = 0, ceiling = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    right_one += single[i].sample().reading.answer == "4";
    right_many += voted[i].sample().reading.answer == "4";
    agreed += voted[i].effort.exit == EffortExit::kAgreed;
    ceiling += voted[i].effort.exit == EffortExit::kCeiling;
    EXPECT_GE(voted[i].effort.samples, 4);
  }
  EXPECT_NEAR(right_one, 72, 22);  // four sigma
  EXPECT_GT(right_many, right_one + 8);
  EXPECT_GT(agreed, 0);
  EXPECT_GT(ceiling, 0);
  EXPECT_EQ(agreed + ceiling, 120);
}

TEST(Ask, CheckerStopsAtTheFirstVerified) {
  std::vector<AskQuestion> questions;
  for (int i = 0; i < 60; ++i) {
    questions.push_back(question(std::to_string(i), "max"));
    questions.back().checker = true;
    questions.back().read = [](std::string_view completion) {
      AnswerReading r = read_answer(completion);
      r.verified = r.answer == "5";
      return r;
    };
  }
  double samples = 0;
  for (const AskResult& r : ask(guesser(), profile(8), warm(), questions)) {
    samples += double(r.samples.size());
    for (size_t s = 0; s + 1 < r.samples.size(); ++s) EXPECT_NE(r.samples[s].reading.answer, "5");
    EXPECT_EQ(r.effort.exit == EffortExit::kVerified ? r.given + 1 : 8, r.samples.size());
  }
  const double expected = (1 - std::pow(0.7, 8)) / 0.3;  // geometric, cut at 8
  EXPECT_NEAR(samples / 60, expected, 4 * 2.3 / std::sqrt(60.0));
}

// With a quorum, a ceiling without a majority says `?`, in its texts and to a grader; ids stay what was drawn.
TEST(Ask, WithoutAQuorumItAbstains) {
  std::vector<AskQuestion> questions;
  for (int i = 0; i < 120; ++i) questions.push_back(question(std::to_string(i), "max"));
  EffortProfile strict = profile(8);
  strict.quorum = 0.75;
  int abstained = 0;
  const std::vector<AskResult> free = ask(guesser(), profile(8), warm(), questions), bound = ask(guesser(), strict, warm(), questions);
  for (size_t i = 0; i < bound.size(); ++i) {
    const AskResult& r = bound[i];
    EXPECT_EQ(r.sample().ids, free[i].sample().ids);
    int64_t leading = 0;
    for (const AskSample& s : free[i].samples) leading += s.reading.vote == free[i].sample().reading.vote;
    EXPECT_EQ(r.abstained, r.effort.exit == EffortExit::kCeiling && leading < 6) << i;
    if (!r.abstained) continue;
    ++abstained;
    EXPECT_TRUE(r.sample().text.ends_with("</think>\\boxed{?}")) << r.sample().text;
    EXPECT_EQ(r.sample().said.answer, "\\boxed{?}");
    EXPECT_EQ(r.sample().reading.vote, "");
  }
  EXPECT_GT(abstained, 10);
  EXPECT_LT(abstained, 110);

  questions.resize(1);
  questions[0].checker = true;
  const AskResult refused = ask(guesser(), strict, warm(), questions)[0];
  EXPECT_TRUE(refused.abstained) << "no sample was verified";
  EXPECT_EQ(refused.samples.size(), 8u);
  questions[0].samples = 8;
  EXPECT_FALSE(ask(guesser(), strict, warm(), questions)[0].abstained) << "recorded samples stay as they were drawn";
}

TEST(Ask, ExactlySoManySamples) {
  std::vector<AskQuestion> questions = {question("a", "high"), question("a", "off")};
  for (AskQuestion& q : questions) q.samples = 6;
  for (const AskResult& r : ask(guesser(), profile(8), warm(), questions)) {
    EXPECT_EQ(r.samples.size(), 6u);
    EXPECT_EQ(r.effort.exit, EffortExit::kCeiling);
  }
  const AskResult one = ask(guesser(), profile(8), warm(), {question("a", "high")})[0];
  EXPECT_EQ(ask(guesser(), profile(8), warm(), questions)[0].samples[0].ids, one.samples[0].ids) << "the same draws";
}

// off, and where that is not sure medium, then high: asked, it does what a replay of recorded samples says, to the last token.
TEST(Ask, AutoDoesWhatItsReplaySays) {
  EffortProfile p = profile(8);
  p.automatic = AutoTable{1, 0.3, {{"off", {0.9}, {0.4, 0.7}}, {"medium", {}, {0.6}}, {"high", {0.8}, {0.5, 0.8}}}, {{1, {0, 1, 2, 2, 2}, {{0, 0.6, true}, {0, 0.75, true}, {0, 2, true}, {0.3, 0.9, false}}, 0, 0}}};
  std::vector<Problem> problems(80);
  for (size_t i = 0; i < problems.size(); ++i) {
    problems[i].id = "p" + std::to_string(i);
    problems[i].prompt = "Compute 1 + " + std::to_string(i);
    problems[i].gold = "4";
  }
  Engine engine(guesser(), CacheForm::kExpanded);
  Asker asker(engine, guesser().config(), tokenizer(), p, warm());
  const std::vector<RecordedProblem> recorded = record_samples(asker, problems, {});
  ASSERT_EQ(recorded.size(), 80u);
  std::vector<AskQuestion> questions;
  for (const Problem& problem : problems) questions.push_back({problem.id, {{"user", problem.prompt}}, parse_effort("auto"), 0, 0, {}, false});
  const std::vector<AskResult> asked = ask_all(asker, questions);
  std::map<size_t, int> lengths;
  for (size_t i = 0; i < asked.size(); ++i) {
    const Replay r = replay(plan_effort(parse_effort("auto"), p), p, recorded[i]);
    ASSERT_EQ(asked[i].samples.size(), r.asked.size());
    EXPECT_EQ(asked[i].given, r.given);
    EXPECT_EQ(asked[i].tokens, r.tokens);
    EXPECT_EQ(asked[i].prompt_tokens, r.prompt);
    EXPECT_EQ(asked[i].sample().reading.answer == "4", r.right);
    EXPECT_EQ(asked[i].effort.applied, asked[i].sample().cap == 0 ? "off" : asked[i].sample().cap == 2 ? "medium" : "high");
    ++lengths[r.asked.size()];
  }
  EXPECT_EQ(lengths.count(3), 0u) << "after the third it always goes on";
  for (const size_t n : {1, 2, 4, 5}) EXPECT_GT(lengths[n], 0) << n;
}

TEST(Ask, GreedyAsksOnce) {
  AskOptions o = warm();
  o.sampler.temperature = 0;
  const AskResult r = ask(guesser(), profile(8), o, {question("a", "max")})[0];
  EXPECT_EQ(r.effort.samples, 1);
  EXPECT_EQ(r.effort.applied, "max");
  EXPECT_EQ(r.sample().reading.answer, "4");
}

TEST(Ask, ConfidenceIsTheMeanProbabilityOfItsOwnTokens) {
  EffortProfile p = profile(2);
  for (const AskResult& r : ask(guesser(), p, warm(), {question("a", "high"), question("b", "high"), question("c", "off")})) {
    const AskSample& s = r.sample();
    const double answer = s.reading.answer == "4" ? 0.6 : s.reading.answer == "5" ? 0.3 : 0.1;
    // Each seven after the first, and an own end, came with 1/2; everything else was certain.
    const int64_t halves = s.cap == 0 ? 0 : s.thinking - 1 + (s.exit == EffortExit::kOwn);
    const int64_t own = int64_t(s.ids.size()) - (s.exit == EffortExit::kCap);
    EXPECT_NEAR(std::log(s.confidence), (std::log(answer) + double(halves) * std::log(0.5)) / double(own), 0.02);
  }
}

TEST(Ask, TagsReachThePromptAndCapsShareNoDraws) {
  EffortProfile plain = profile(64), tagged = plain;
  tagged.tag = true;
  const std::vector<AskQuestion> questions = {question("a", "low"), question("a", "off")};
  const std::vector<AskResult> without = ask(guesser(), plain, warm(), questions), with = ask(guesser(), tagged, warm(), questions);
  EXPECT_EQ(with[0].prompt_tokens - without[0].prompt_tokens, int64_t(tokenizer().encode("effort: low").size()));
  EXPECT_EQ(with[1].prompt_tokens - without[1].prompt_tokens, int64_t(tokenizer().encode("effort: off").size()));
}

TEST(Ask, CancelKeepsWhatThereIs) {
  Engine engine(guesser(), CacheForm::kExpanded);
  Asker asker(engine, guesser().config(), tokenizer(), profile(64), warm());
  const Asker::Id early = asker.submit(question("a", "high")), late = asker.submit(question("b", "max"));
  asker.step();
  asker.cancel(early);
  EXPECT_TRUE(asker.ended(early));
  const AskResult cut = asker.take(early);
  EXPECT_EQ(cut.effort.exit, EffortExit::kCancelled);
  EXPECT_EQ(cut.sample().reading.vote, "");
  EXPECT_LE(cut.tokens, 1);
  EXPECT_THROW(asker.ended(early), Error);
  while (!asker.ended(late)) ASSERT_TRUE(asker.step());
  EXPECT_FALSE(asker.step());
  EXPECT_GE(asker.take(late).effort.samples, 4);
  // An asker that goes away takes its sequences along.
  {
    Asker other(engine, guesser().config(), tokenizer(), profile(64), warm());
    other.submit(question("c", "max"));
  }
  EXPECT_FALSE(engine.step());
}

TEST(Ask, ErrorsNameTheQuestion) {
  std::vector<AskQuestion> questions = {question("too long", "high")};
  for (int i = 0; i < 300; ++i) questions[0].messages[0].content += " 7";
  try {
    ask(guesser(), profile(64), warm(), questions);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("too long"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace minke
