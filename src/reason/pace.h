#pragma once
// How hard a thought may try, told to the model: a system message that names the effort, and a share of the model's full budget of
// thinking tokens. Fine-tuning writes these tags, RL draws them, the dial sends them.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace minke {

struct Pace {
  const char* name;
  double share;  // of the full budget
};

// minimal, low, medium, high: 1/64, 1/16, 1/4, 1.
std::span<const Pace> paces();
const Pace& find_pace(std::string_view name, std::string_view where);  // UsageError that starts with `where` and lists the names

int64_t pace_budget(const Pace& pace, int64_t full_budget);  // tokens of thinking, at least 1

std::string pace_tag(const char* name);  // the system message: "effort: low"; "effort: off" where there is no thought

}  // namespace minke
