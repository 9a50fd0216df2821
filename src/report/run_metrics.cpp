#include "report/run_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargest = 1e12;  // of a loss or a load: past it there is a mistake, not a measurement
constexpr int64_t kMostTokens = int64_t(1) << 53;
constexpr size_t kMostLayers = 1024;

// The start of a line as it may stand in an error: printable ASCII.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, 40));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return line.size() > 40 ? text + "..." : text;
}

// [layers] values of a row; absent or null: none.
std::vector<double> numbers(Fields& fields, const char* key, const std::string& where) {
  std::vector<double> out;
  const Json* value = fields.raw(key);
  if (!value) return out;
  if (!value->is_array() || value->size() > kMostLayers)
    fail("{}{}: expected an array of at most {} numbers", where, key, kMostLayers);
  for (const Json& item : *value) {
    const double x = item.is_null() ? kNaN : item.is_number() ? item.get<double>() : HUGE_VAL;
    if (std::abs(x) > kLargest)
      fail("{}{}: expected numbers up to {:g} or null, found {}", where, key, kLargest, shown(item.dump()));
    out.push_back(x);
  }
  return out;
}

class Reader {
 public:
  void add(const Json& object, const std::string& where) {
    Fields fields(object, where);
    const int64_t step = fields.integer("step", 0, kMostTokens), tokens = fields.integer("tokens", 0, kMostTokens);
    if (!object.contains("loss")) fail("{}loss is missing; expected a number, or null where it was not finite", where);
    const double loss = fields.number("loss", -kLargest, kLargest, kNaN);
    double prose = kNaN, problems = kNaN;
    if (auto bpb = fields.object("bpb")) {
      prose = bpb->number("prose", 0, kLargest, kNaN);
      problems = bpb->number("problems", 0, kLargest, kNaN);
    }
    const std::vector<double> max_vio = numbers(fields, "max_vio", where);
    const size_t mtp = numbers(fields, "mtp_loss", where).size();

    forget_from(step);
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
    run_.skipped = fields.integer("skipped", 0, kMostTokens, 0);
    run_.mtp_layers = std::max(run_.mtp_layers, mtp);
  }

  RunMetrics finish() && {
    run_.mtp_layers = std::min(run_.mtp_layers, run_.max_vio.size());
    return std::move(run_);
  }
  bool empty() const { return run_.rows() == 0; }

 private:
  // Drops the rows of `step` and later ones.
  void forget_from(int64_t step) {
    const size_t keep = size_t(std::lower_bound(run_.step.begin(), run_.step.end(), step) - run_.step.begin());
    run_.step.resize(keep);
    for (auto* column : {&run_.tokens, &run_.loss, &run_.bpb_prose, &run_.bpb_problems}) column->resize(keep);
    for (auto& column : run_.max_vio) column.resize(keep);
  }

  RunMetrics run_;
};

}  // namespace

RunMetrics parse_run_metrics(std::string_view text, const std::string& path) {
  Reader reader;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const bool ended = end < text.size();
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (!Json::accept(line.begin(), line.end())) {
      if (!ended) break;
      fail("{}:{}: expected one JSON object a line, found: {}; remove the line, or all from it on, and try again", path,
           number, shown(line));
    }
    const std::string where = fmt::format("{}:{}", path, number);
    reader.add(parse_json(line, where), where + ": ");
  }
  if (reader.empty()) {
    fail(
        "{}: expected at least one whole line (one JSON object a step), found none in {} bytes; has the run finished "
        "its first step?",
        path, text.size());
  }
  return std::move(reader).finish();
}

RunMetrics read_run_metrics(const std::string& path) {
  const MappedFile file(path);
  return parse_run_metrics(file.text(), path);
}

}  // namespace minke
