#include "reason/tasks/canonical.h"

#include <algorithm>

namespace minke {

Canonical canonical_number(int64_t value) { return {0, {std::to_string(value)}, {}}; }

Canonical canonical_join(const Canonical& a, char op, const Canonical& b) {
  const char kind = op == '+' || op == '-' ? '+' : '*';
  Canonical out{kind, {}, {}};
  const auto take = [&](const Canonical& from, bool turned) {
    auto &up = turned ? out.down : out.up, &down = turned ? out.up : out.down;
    if (from.kind != kind) {
      up.push_back(canonical_text(from));
      return;
    }
    up.insert(up.end(), from.up.begin(), from.up.end());
    down.insert(down.end(), from.down.begin(), from.down.end());
  };
  take(a, false);
  take(b, op == '-' || op == '/');
  return out;
}

std::string canonical_text(const Canonical& expression) {
  if (expression.kind == 0) return expression.up[0];
  const bool sum = expression.kind == '+';
  std::string text = "(";
  const auto write = [&](std::vector<std::string> parts, char sign) {
    std::sort(parts.begin(), parts.end());
    for (const std::string& part : parts) {
      if (text.size() > 1 || sign == '-' || sign == '/') text += sign;
      text += part;
    }
  };
  write(expression.up, sum ? '+' : '*');
  write(expression.down, sum ? '-' : '/');
  return text + ")";
}

}  // namespace minke
