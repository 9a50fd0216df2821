#include "report/run_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/fields.h"
#include "report/metrics_lines.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMostLayers = 1024;

class Reader {
 public:
  void add(const Json& object, const std::string& where) {
    Fields fields(object, where);
    const int64_t step = fields.integer("step", 0, kMostMetricTokens), tokens = fields.integer("tokens", 0, kMostMetricTokens);
    if (!object.contains("loss")) fail("{}loss is missing; expected a number, or null where it was not finite", where);
    const double loss = fields.number("loss", -kLargestMetric, kLargestMetric, kNaN);
    double prose = kNaN, problems = kNaN;
    if (auto bpb = fields.object("bpb")) {
      prose = bpb->number("prose", 0, kLargestMetric, kNaN);
      problems = bpb->number("problems", 0, kLargestMetric, kNaN);
    }
    const std::vector<double> max_vio = metric_array(fields, "max_vio", kMostLayers);
    const size_t mtp = metric_array(fields, "mtp_loss", kMostLayers).size();

    forget_from(step);
    const double before = run_.rows() > 0 ? run_.tokens.back() : 0, passed = run_.rows() > 0 ? seconds_.back() : 0;
    if (run_.rows() > 0 && double(tokens) < run_.tokens.back()) {
      fail("{}tokens: expected at least {} (step {}), found {}; are two runs mixed in this file?", where,
           int64_t(run_.tokens.back()), run_.step.back(), tokens);
    }
    if (!max_vio.empty() && run_.max_vio.empty())
      run_.max_vio.assign(max_vio.size(), std::vector<double>(run_.rows(), kNaN));
    if (!max_vio.empty() && max_vio.size() != run_.max_vio.size()) {
      fail(
          "{}max_vio: expected {} values, one per MoE layer as in the lines before, found {}; are two runs mixed in "
          "this file?",
          where, run_.max_vio.size(), max_vio.size());
    }
    run_.step.push_back(step);
    run_.tokens.push_back(double(tokens));
    run_.loss.push_back(loss);
    run_.bpb_prose.push_back(prose);
    run_.bpb_problems.push_back(problems);
    for (size_t l = 0; l < run_.max_vio.size(); ++l) run_.max_vio[l].push_back(max_vio.empty() ? kNaN : max_vio[l]);
    run_.answer_loss.push_back(fields.number("sft_loss", 0, kLargestMetric, kNaN));
    run_.fine_tuning |= fields.has("examples");
    const double tok_s = fields.number("tok_s", 0, kLargestMetric, 0);
    seconds_.push_back(fields.number("seconds", 0, kLargestMetric, passed + (tok_s > 0 ? (double(tokens) - before) / tok_s : 0)));
    run_.threads = fields.number("threads", 1, kLargestMetric, kNaN);
    run_.skipped = fields.integer("skipped", 0, kMostMetricTokens, 0);
    run_.mtp_layers = std::max(run_.mtp_layers, mtp);
  }

  RunMetrics finish() && {
    run_.mtp_layers = std::min(run_.mtp_layers, run_.max_vio.size());
    run_.seconds = seconds_.back();
    return std::move(run_);
  }

 private:
  // Drops the rows of `step` and later ones.
  void forget_from(int64_t step) {
    const size_t keep = size_t(std::lower_bound(run_.step.begin(), run_.step.end(), step) - run_.step.begin());
    run_.step.resize(keep);
    seconds_.resize(keep);
    for (auto* column : {&run_.tokens, &run_.loss, &run_.bpb_prose, &run_.bpb_problems, &run_.answer_loss}) column->resize(keep);
    for (auto& column : run_.max_vio) column.resize(keep);
  }

  RunMetrics run_;
  std::vector<double> seconds_;  // [rows]
};

}  // namespace

RunMetrics parse_run_metrics(std::string_view text, const std::string& path) {
  Reader reader;
  for_each_metrics_line(text, path, [&](const Json& object, const std::string& where) { reader.add(object, where); });
  return std::move(reader).finish();
}

}  // namespace minke
