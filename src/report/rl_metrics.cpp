#include "report/rl_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "report/metrics_lines.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Column {
  const char* name;
  std::vector<double> RlMetrics::*values;
  bool none_is_zero = false;  // 0 says that there was nothing to measure
};
constexpr Column kColumns[] = {{"reward/mean", &RlMetrics::reward},
                               {"reward/acc", &RlMetrics::right},
                               {"reward/abstain", &RlMetrics::abstained},
                               {"len/right", &RlMetrics::tokens_right, true},
                               {"len/wrong", &RlMetrics::tokens_wrong, true},
                               {"policy/entropy", &RlMetrics::entropy},
                               {"policy/entropy_at_choice", &RlMetrics::choice_entropy},
                               {"policy/kl_ref", &RlMetrics::kl},
                               {"group/zero_right", &RlMetrics::all_right},
                               {"group/zero_wrong", &RlMetrics::none_better},
                               {"behaviour/attempts", &RlMetrics::attempts},
                               {"behaviour/retries_after_x", &RlMetrics::retries},
                               {"behaviour/self_check", &RlMetrics::self_checks},
                               {"behaviour/wait_count", &RlMetrics::waits}};

class Reader {
 public:
  void add(const Json& object, const std::string& where) {
    Fields fields(object, where);
    const int64_t step = fields.integer("step", 0, kMostMetricTokens);
    const bool is_step = object.contains("reward/mean"), is_look = object.contains("val/pass1");
    if (!is_step && !is_look) fail("{}expected reward/mean, of a step of RL, or val/pass1, found neither; are two runs mixed in this file?", where);
    if (is_step) {
      forget_from(double(step));
      run_.step.push_back(double(step));
      for (const Column& c : kColumns) {
        const double x = fields.number(c.name, -kLargestMetric, kLargestMetric, kNaN);
        (run_.*c.values).push_back(c.none_is_zero && x == 0 ? kNaN : x);
      }
      run_.skipped = fields.integer("skipped", 0, kMostMetricTokens, 0);
    }
    if (is_look) {
      const std::vector<double> interval = metric_array(fields, "val/ci95", 2);
      run_.look_step.push_back(double(step));
      run_.pass1.push_back(fields.number("val/pass1", 0, 1));
      run_.low.push_back(interval.size() == 2 ? interval[0] : kNaN);
      run_.high.push_back(interval.size() == 2 ? interval[1] : kNaN);
      run_.look_levels.push_back(levels_of(object, fields));
      run_.held_out = fields.integer("val/n", 0, kMostMetricTokens, 0);
    }
    run_.steps = step;
    run_.tokens = fields.integer("tokens", 0, kMostMetricTokens, 0);
    run_.seconds = fields.number("time/total", 0, kLargestMetric, kNaN);
    run_.threads = fields.number("time/threads", 1, kLargestMetric, kNaN);
  }

  RlMetrics finish() && {
    // Without a KL term older runs wrote 0.
    if (std::none_of(run_.kl.begin(), run_.kl.end(), [](double x) { return x != 0 && std::isfinite(x); })) run_.kl.assign(run_.rows(), kNaN);
    return std::move(run_);
  }

 private:
  // val/pass1/NAME, val/ci95/NAME.
  static std::vector<LevelScore> levels_of(const Json& object, Fields& fields) {
    constexpr std::string_view kScore = "val/pass1/";
    std::vector<LevelScore> out;
    for (const auto& [key, value] : object.items()) {
      if (!key.starts_with(kScore)) continue;
      const std::string name = key.substr(kScore.size());
      const std::vector<double> interval = metric_array(fields, ("val/ci95/" + name).c_str(), 2);
      out.push_back({name, fields.number(key.c_str(), 0, 1), interval.size() == 2 ? interval[0] : kNaN, interval.size() == 2 ? interval[1] : kNaN});
    }
    return out;
  }

  static size_t before(const std::vector<double>& steps, double step) {
    return size_t(std::lower_bound(steps.begin(), steps.end(), step) - steps.begin());
  }
  void forget_from(double step) {
    const size_t rows = before(run_.step, step), looks = before(run_.look_step, step);
    run_.step.resize(rows);
    for (const Column& c : kColumns) (run_.*c.values).resize(rows);
    for (auto* column : {&run_.look_step, &run_.pass1, &run_.low, &run_.high}) column->resize(looks);
    run_.look_levels.resize(looks);
  }

  RlMetrics run_;
};

}  // namespace

RlMetrics parse_rl_metrics(std::string_view text, const std::string& path) {
  Reader reader;
  for_each_metrics_line(text, path, [&](const Json& object, const std::string& where) { reader.add(object, where); });
  return std::move(reader).finish();
}

}  // namespace minke
