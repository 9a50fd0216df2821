#include "dial/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"
#include "dial/problem_question.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr int64_t kMost = int64_t(1) << 40;

}  // namespace

std::vector<std::string> dial_arms(const EffortProfile& profile) {
  std::vector<std::string> out;
  int64_t last = -1;
  for (const char* name : {"off", "minimal", "low", "medium", "high"}) {
    const int64_t cap = plan_effort(parse_effort(name), profile).cap;
    if (cap == last) out.pop_back();
    out.push_back(name);
    last = cap;
  }
  return out;
}

void write_records(const std::string& path, std::span<const RecordedProblem> problems) {
  std::string text;
  for (const RecordedProblem& p : problems)
    for (const RecordedArm& a : p.arms) {
      Json samples = Json::array();
      for (const RecordedSample& s : a.samples)
        samples.push_back({{"vote", s.vote}, {"right", s.right}, {"confidence", s.confidence}, {"thinking", s.thinking}, {"tokens", s.tokens}});
      Json line = {{"id", p.id}, {"family", p.family}, {"level", p.level}};
      if (p.checker) line["checker"] = true;
      line.update({{"effort", a.effort}, {"cap", a.cap}, {"prompt", a.prompt}, {"samples", samples}});
      text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
  write_file_atomic(path, text);
}

std::vector<RecordedProblem> read_records(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<RecordedProblem> out;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string where = fmt::format("{}:{}", path, ++number);
    const Json j = parse_json(std::string_view(text).substr(at, end - at), where);
    at = end + 1;
    if (!j.is_object()) fail("{}: expected an object", where);
    Fields f(j, where + ": ");
    const std::string id = f.text("id");
    if (out.empty() || out.back().id != id) out.push_back({id, f.text("family"), int(f.integer("level", 0, 1 << 20)), f.boolean("checker", false), {}});
    RecordedArm a;
    a.effort = f.text("effort");
    a.cap = f.integer("cap", 0, kMost);
    a.prompt = f.integer("prompt", 0, kMost);
    const Json* samples = f.raw("samples");
    if (!samples || !samples->is_array() || samples->empty()) f.fail_at("samples", "an array of samples");
    for (const Json& x : *samples) {
      if (!x.is_object()) f.fail_at("samples", "an array of samples");
      Fields s(x, where + ": samples: ");
      a.samples.push_back({s.text("vote"), s.boolean("right", false), s.number("confidence", 0, 1), s.integer("thinking", 0, kMost), s.integer("tokens", 0, kMost)});
    }
    out.back().arms.push_back(std::move(a));
  }
  if (out.empty()) fail("{}: holds no recorded problems", path);
  return out;
}

std::vector<RecordedProblem> record_samples(Asker& asker, std::span<const Problem> problems, const RecordOptions& options,
                                            const std::function<void()>& on_arm, const std::function<bool()>& stop) {
  const std::vector<std::string> arms = dial_arms(asker.profile());
  std::vector<RecordedProblem> out(problems.size());
  std::vector<AskQuestion> questions;
  std::vector<uint8_t> whole(problems.size(), 1);
  for (size_t p = 0; p < problems.size(); ++p) {
    out[p] = {problems[p].id, problems[p].family, problems[p].level, checks_itself(problems[p]), std::vector<RecordedArm>(arms.size())};
    for (size_t a = 0; a < arms.size(); ++a) {
      questions.push_back(problem_question(problems[p], parse_effort(arms[a]), options.mode, nullptr, false));
      questions.back().samples = options.samples;
      out[p].arms[a] = {arms[a], plan_effort(questions.back().effort, asker.profile()).cap, 0, {}};
    }
  }
  ask_all(
      asker, questions,
      [&](size_t i, const AskResult& r) {
        const size_t p = i / arms.size();
        RecordedArm& arm = out[p].arms[i % arms.size()];
        whole[p] = whole[p] && r.effort.exit != EffortExit::kCancelled;
        arm.prompt = r.prompt_tokens;
        for (const AskSample& s : r.samples) {
          const Judgement j = judge(problems[p], s.text, options.mode);
          whole[p] = whole[p] && j.outcome != Outcome::kUngradable;
          arm.samples.push_back({s.reading.vote, j.outcome == Outcome::kRight, s.confidence, s.thinking, int64_t(s.ids.size())});
        }
        if (on_arm) on_arm();
      },
      stop);
  std::vector<RecordedProblem> kept;
  for (size_t p = 0; p < out.size(); ++p)
    if (whole[p]) kept.push_back(std::move(out[p]));
  return kept;
}

Replay replay(const EffortPlan& plan, const EffortProfile& profile, const RecordedProblem& problem, bool checker) {
  Replay r;
  std::vector<SampleView> views;
  std::map<size_t, size_t> used;  // samples of an arm
  while (true) {
    const Decision d = decide(plan, profile, checker && problem.checker, views);
    if (d.samples == 0) {
      r.given = d.given;
      r.exit = d.exit;
      const auto [arm, sample] = r.asked[r.given];
      const RecordedSample& s = problem.arms[arm].samples[sample];
      r.answers = !d.abstains && !s.vote.empty();
      r.right = !d.abstains && s.right;
      return r;
    }
    const size_t a = size_t(std::find_if(problem.arms.begin(), problem.arms.end(), [&](const RecordedArm& x) { return x.cap == d.cap; }) - problem.arms.begin());
    if (a == problem.arms.size()) fail("problem {}: no samples with a cap of {} were recorded", problem.id, d.cap);
    const RecordedArm& arm = problem.arms[a];
    for (int64_t k = 0; k < d.samples; ++k) {
      if (used[a] == arm.samples.size()) fail("problem {}: {} samples of {} were recorded, more are needed", problem.id, arm.samples.size(), arm.effort);
      if (used[a] == 0) r.prompt += arm.prompt;
      const RecordedSample& s = arm.samples[used[a]];
      r.asked.push_back({a, used[a]++});
      r.tokens += s.tokens;
      views.push_back({arm.cap, s.vote, s.right, s.confidence});
    }
  }
}

}  // namespace minke
