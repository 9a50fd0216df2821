#include "dial/spent.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "base/fields.h"

namespace minke {

const char* effort_exit_name(EffortExit exit) {
  static const char* const kNames[] = {"own", "cap", "confident", "verified", "agreed", "ceiling", "length", "cancelled"};
  return kNames[size_t(exit)];
}

nlohmann::ordered_json effort_json(const EffortSpent& s) {
  return {{"asked", s.asked}, {"applied", s.applied}, {"cap", s.cap}, {"thinking", s.thinking}, {"discarded", s.discarded}, {"samples", s.samples},
          {"exit", effort_exit_name(s.exit)}};
}

EffortSpent parse_effort_spent(Fields& f) {
  constexpr int64_t kMost = int64_t(1) << 40;
  EffortSpent s;
  s.asked = f.text("asked");
  s.applied = f.text("applied");
  s.cap = f.integer("cap", 0, kMost);
  s.thinking = f.integer("thinking", 0, kMost);
  s.discarded = f.integer("discarded", 0, kMost);
  s.samples = f.integer("samples", 1, kMost);
  std::vector<std::string_view> exits;
  for (int i = 0; i < kEffortExits; ++i) exits.push_back(effort_exit_name(EffortExit(i)));
  s.exit = EffortExit(f.choice("exit", exits));
  return s;
}

}  // namespace minke
