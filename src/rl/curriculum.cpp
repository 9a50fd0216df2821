#include "rl/curriculum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"

namespace minke {
namespace {

constexpr double kEdge = 0.2;         // pass rates from here to 1 - kEdge are best
constexpr double kLeastShare = 0.1;   // of a new group in the running mean

}  // namespace

double worth_of_level(double p, double floor) {
  if (std::isnan(p)) return 1;
  return std::max(floor, std::min({1.0, p / kEdge, (1 - p) / kEdge}));
}

Curriculum::Curriculum(std::vector<Level> levels, double floor)
    : named_(std::move(levels)), levels_(named_.size(), {0, std::numeric_limits<double>::quiet_NaN()}), floor_(floor) {
  MINKE_CHECK(!named_.empty() && floor > 0);
}

std::vector<double> Curriculum::shares() const {
  std::vector<double> out;
  double sum = 0;
  for (size_t i = 0; i < levels_.size(); ++i) {
    out.push_back(named_[i].weight * worth_of_level(levels_[i].pass, floor_));
    sum += out.back();
  }
  for (double& share : out) share /= sum;
  return out;
}

size_t Curriculum::pick(double u) const {
  const std::vector<double> share = shares();
  size_t last = 0;
  double below = 0;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0) continue;  // of a task of weight 0
    last = i;
    if (u < (below += share[i])) break;
  }
  return last;
}

void Curriculum::saw(size_t level, double share_right) {
  Running& r = levels_[level];
  ++r.groups;
  if (r.groups == 1)
    r.pass = share_right;
  else
    r.pass += std::max(kLeastShare, 1.0 / double(r.groups)) * (share_right - r.pass);
}

std::string Curriculum::state() const {
  nlohmann::ordered_json j = nlohmann::ordered_json::array();
  for (size_t i = 0; i < levels_.size(); ++i)  // a double is written with the digits that bring it back
    j.push_back({{"level", named_[i].name}, {"groups", levels_[i].groups}, {"pass", levels_[i].groups ? nlohmann::ordered_json(levels_[i].pass) : nullptr}});
  return j.dump();
}

void Curriculum::restore(const std::string& state, const std::string& where) {
  const nlohmann::ordered_json j = parse_json(state, where);
  const auto other = [&] { fail("{}: the curriculum's state does not belong to these tasks and levels", where); };
  if (!j.is_array() || j.size() != levels_.size()) other();
  std::vector<Running> levels = levels_;
  for (size_t i = 0; i < levels.size(); ++i) {
    Fields f(j[i], where + ": ");
    if (f.text("level") != named_[i].name) other();
    levels[i].groups = f.integer("groups", 0, int64_t(1) << 53);
    levels[i].pass = levels[i].groups ? f.number("pass", 0, 1) : std::numeric_limits<double>::quiet_NaN();
  }
  levels_ = std::move(levels);
}

}  // namespace minke
