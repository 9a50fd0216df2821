#pragma once
// --effort, the same in every command that lets a model think.
#include <optional>
#include <string>

#include "dial/effort.h"
#include "dial/profile.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace minke {

struct EffortFlags {
  std::string effort;  // "": not given

  bool given() const { return !effort.empty(); }
  Effort parsed() const { return parse_effort(effort); }  // UsageError
};

// `flags` holds the default and must outlive the app. Returns --effort.
CLI::Option* add_effort_flag(CLI::App& command, EffortFlags& flags);

}  // namespace minke
