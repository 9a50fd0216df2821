#include "base/error.h"

namespace minke {

void check_failed(const char* file, int line, const char* condition, const std::string& values) {
  throw std::logic_error(fmt::format("{}:{}: check failed: {}{}{} (a bug in minke, please report it)", file, line, condition,
                                     values.empty() ? "" : ": ", values));
}

}  // namespace minke
