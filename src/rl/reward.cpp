#include "rl/reward.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/rng.h"
#include "base/threads.h"
#include "data/chat.h"

namespace minke {
namespace {

constexpr uint64_t kCoinStream = 0x636f696e;  // "coin"

}  // namespace

Rewarder::Rewarder(const RewardOptions& options, const Tokenizer& tokenizer, uint64_t seed) : options_(options), tokenizer_(tokenizer), seed_(seed) {
  if (options.kind == RewardKind::kCommand) command_ = std::make_unique<CommandGrader>(options.command, options.command_timeout);
}

double price_of_wrong(const RewardOptions& r, int64_t right, int64_t bad) {
  const double loss = r.abstain - r.wrong, gain = r.right - r.abstain;
  if (loss <= 0 || r.wrong_limit == 0 || bad == 0) return r.wrong;
  return r.abstain - std::min(loss, r.wrong_limit * gain * double(right) / double(bad));
}

// How right an answer is, 0 to 1; a user's grader decides where there is one (what `?` and no answer are is not its business) and may
// change the outcome.
double Rewarder::share_right(const Problem& problem, JudgedSample& s) {
  if (command_ && (s.outcome == Outcome::kRight || s.outcome == Outcome::kWrong || s.outcome == Outcome::kUngradable)) {
    const double share = command_->reward({problem.prompt, problem.gold, s.answer, s.text});
    s.outcome = share >= 0.5 ? Outcome::kRight : Outcome::kWrong;
    return share;
  }
  return s.outcome == Outcome::kRight ? 1 : 0;
}

std::vector<JudgedSample> Rewarder::judge(std::span<const Problem> problems, std::span<const RolloutSample> samples, uint64_t first_problem,
                                          int64_t samples_each) {
  std::vector<JudgedSample> out(samples.size());
  parallel_for(int64_t(samples.size()), [&](int64_t i) {
    const RolloutSample& s = samples[size_t(i)];
    JudgedSample& j = out[size_t(i)];
    j.text = completion_text(tokenizer_, s.completion(), s.thinking ? Thinking::kOn : Thinking::kOff);
    Judgement judgement = minke::judge(problems[s.prompt], j.text, GradeMode::kStrict);
    const bool gradable = judgement.outcome != Outcome::kUngradable;
    j.outcome = s.truncated && gradable ? Outcome::kNoAnswer : judgement.outcome;
    j.well_formed = judgement.well_formed && !s.truncated;
    j.answer = std::move(judgement.answer);
    j.vote = s.truncated ? "" : std::move(judgement.vote);
  });
  struct Count {
    int64_t right = 0, bad = 0;
  };
  std::map<std::string_view, Count> counts;  // by task
  std::vector<double> shares;
  for (size_t i = 0; i < out.size(); ++i) {  // in order: a command answers one question at a time
    const Problem& problem = problems[samples[i].prompt];
    shares.push_back(share_right(problem, out[i]));
    counts[problem.family].right += out[i].outcome == Outcome::kRight;
    counts[problem.family].bad += out[i].outcome == Outcome::kWrong || out[i].outcome == Outcome::kNoAnswer;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    JudgedSample& j = out[i];
    const Count& c = counts.at(problems[samples[i].prompt].family);
    const double wrong = price_of_wrong(options_, c.right, c.bad);
    if (j.outcome == Outcome::kAbstained)
      j.reward = options_.abstain;
    else if (j.outcome != Outcome::kUngradable)
      j.reward = wrong + shares[i] * (options_.right - wrong);
    if (j.well_formed) j.reward += options_.format;
    if (options_.kind == RewardKind::kRandom) {
      const uint64_t problem = first_problem + samples[i].prompt, sample = uint64_t(i) % uint64_t(samples_each);
      j.reward = Rng(seed_, kCoinStream, problem * uint64_t(samples_each) + sample).below(2) ? options_.right : options_.wrong;
    }
  }
  return out;
}

// Through the tokenizer and back, as a sample's answer would come.
Outcome Rewarder::outcome_of(const Problem& problem, const std::string& answer) {
  const std::vector<ChatMessage> messages = {{"user", problem.prompt}, {"assistant", "</think>" + answer}};
  const ChatExample example = chat_example(tokenizer_, messages);
  std::vector<int32_t> ids;
  for (size_t i = 0; i < example.ids.size(); ++i)
    if (example.trained[i]) ids.push_back(example.ids[i]);
  JudgedSample s;
  s.text = completion_text(tokenizer_, ids, example.thinking);
  Judgement judgement = minke::judge(problem, s.text, GradeMode::kStrict);
  s.answer = std::move(judgement.answer);
  s.outcome = judgement.outcome;
  share_right(problem, s);
  return s.outcome;
}

int64_t Rewarder::self_test(std::span<const Problem> problems) {
  const auto box = [](const std::string& answer) { return "\\boxed{" + answer + "}"; };
  const auto expect = [&](const Problem& p, const std::string& answer, Outcome wanted) {
    const Outcome got = outcome_of(p, answer);
    if (got != wanted)
      fail("the grader's self-test: \"{}\" with the answer \"{}\" must be {}, it is {}; training on such rewards would teach nothing", p.prompt, answer,
           outcome_name(wanted), outcome_name(got));
  };
  int64_t ungradable = 0, tried = 0, wrong = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    const Problem& p = problems[i];
    if (outcome_of(p, box(p.gold)) == Outcome::kUngradable) {
      ++ungradable;
      continue;
    }
    expect(p, box(p.gold), Outcome::kRight);
    expect(p, box("?"), Outcome::kAbstained);
    expect(p, "", Outcome::kNoAnswer);
    expect(p, p.gold, Outcome::kNoAnswer);  // the format is part of the answer
    for (size_t k = 1; k < problems.size(); ++k) {
      const Problem& other = problems[(i + k) % problems.size()];
      if (other.gold == p.gold) continue;
      ++tried;
      wrong += outcome_of(p, box(other.gold)) == Outcome::kWrong;
      break;
    }
  }
  if (ungradable == int64_t(problems.size()) && ungradable > 0)
    fail("the grader's self-test: no gold of {} problems can be read (the first: \"{}\")", ungradable, problems[0].gold);
  if (2 * wrong < tried) fail("the grader's self-test: of {} wrong answers (other problems' golds) it took {} for right", tried, tried - wrong);
  return ungradable;
}

}  // namespace minke
