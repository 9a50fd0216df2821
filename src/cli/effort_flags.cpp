#include "cli/effort_flags.h"

#include <CLI/CLI.hpp>

namespace minke {

CLI::Option* add_effort_flag(CLI::App& c, EffortFlags& f) {
  return c.add_option("--effort", f.effort, std::string("how hard to think: ") + kEffortHelp + " (docs/dial.md)")->check([](const std::string& text) {
    parse_effort(text);
    return std::string();
  });
}

}  // namespace minke
