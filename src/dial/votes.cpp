#include "dial/votes.h"

#include <algorithm>

#include "base/error.h"

namespace minke {

void Votes::add(std::string_view name) {
  const int64_t voter = voters_++;
  if (name.empty()) return;
  auto it = std::find_if(names_.begin(), names_.end(), [&](const Candidate& c) { return c.name == name; });
  if (it == names_.end()) it = names_.insert(it, {std::string(name), voter, 0});
  ++it->count;
  const int64_t at = it - names_.begin();
  const auto ahead = [&](const Candidate& a, const Candidate& b) { return a.count != b.count ? a.count > b.count : a.first < b.first; };
  if (leader_ < 0 || ahead(*it, names_[size_t(leader_)])) leader_ = at;
}

int64_t Votes::runner_up() const {
  int64_t most = 0;
  for (size_t i = 0; i < names_.size(); ++i)
    if (int64_t(i) != leader_) most = std::max(most, names_[i].count);
  return most;
}

double stays_leader(int64_t leading, int64_t runner_up) {
  MINKE_CHECK(leading >= 0 && runner_up >= 0);
  // With whole numbers the tail of the beta distribution is one of the binomial: P(Bin(a + b + 1, 1/2) <= a).
  const int64_t n = leading + runner_up + 1;
  double term = 1, sum = 0, all = 0;  // C(n, i)
  for (int64_t i = 0; i <= n; ++i) {
    all += term;
    if (i <= leading) sum += term;
    term *= double(n - i) / double(i + 1);
  }
  return sum / all;
}

int64_t votes_to_settle(int64_t leading, int64_t runner_up) {
  int64_t more = 0;
  while (stays_leader(leading + more, runner_up) <= kSettled) ++more;
  return more;
}

}  // namespace minke
