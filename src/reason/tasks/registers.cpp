// Straight-line programs over registers: `x=3; y=x*4; x=y-5; ? x`. The trace is the execution, one line of the program a line:
// `y=3*4 = 12`. Values stay within 999 on both sides of zero.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

constexpr int64_t kLimit = 999;
constexpr int kRegisters = 4;

struct Operand {
  int reg = -1;  // -1: a constant
  int64_t constant = 0;
};

struct Line {
  int target;
  char op;  // 0: only `left`
  Operand left, right;
  int64_t value;
};

std::string named(const Operand& o, const char* const* names) { return o.reg < 0 ? std::to_string(o.constant) : names[o.reg]; }

// With commutative operands in string order where `sorted`.
std::string written(const Line& line, const char* const* names, bool sorted) {
  std::string a = named(line.left, names);
  if (line.op == 0) return fmt::format("{}={}", names[line.target], a);
  std::string b = named(line.right, names);
  if (sorted && line.op != '-' && b < a) std::swap(a, b);
  return fmt::format("{}={}{}{}", names[line.target], a, line.op, b);
}

struct Machine {
  int64_t value[kRegisters] = {};
  bool defined[kRegisters] = {};
  int defined_count = 0;
};

int draw_defined(Rng& rng, const Machine& m) {
  for (;;) {
    const int r = int(rng.below(kRegisters));
    if (m.defined[r]) return r;
  }
}

// Registers take their names in the order of definition, so the next undefined one is `defined_count`.
Line draw_line(Rng& rng, const Machine& m) {
  for (;;) {
    Line line{};
    const int choices = std::min(m.defined_count + 1, kRegisters);
    line.target = int(rng.below(uint64_t(choices)));
    if (m.defined_count == 0 || (line.target == m.defined_count && rng.below(2))) {
      line.left.constant = rng.range(1, 20);
      line.value = line.left.constant;
      return line;
    }
    line.op = "+-*"[rng.below(3)];
    line.left.reg = draw_defined(rng, m);
    if (rng.below(2)) {
      line.right.reg = draw_defined(rng, m);
    } else {
      line.right.constant = line.op == '*' ? rng.range(2, 5) : rng.range(1, 20);
    }
    const int64_t a = m.value[line.left.reg], b = line.right.reg < 0 ? line.right.constant : m.value[line.right.reg];
    line.value = line.op == '+' ? a + b : line.op == '-' ? a - b : a * b;
    if (std::abs(line.value) <= kLimit) return line;
  }
}

}  // namespace

bool draw_registers(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  Machine m;
  std::vector<Line> program;
  std::vector<Machine> before;  // each line
  for (int i = 0; i < level; ++i) {
    const Line line = draw_line(rng, m);
    before.push_back(m);
    program.push_back(line);
    m.value[line.target] = line.value;
    m.defined_count += !m.defined[line.target];
    m.defined[line.target] = true;
  }
  const int asked = rng.below(4) ? program.back().target : draw_defined(rng, m);

  static constexpr const char* kCanonical[] = {"a", "b", "c", "d"};
  std::string key = "registers:";
  for (const Line& line : program) key += written(line, kCanonical, true) + ";";
  out.canonical_key = key + "?" + kCanonical[asked];
  if (!keep(out.canonical_key)) return false;

  const char* names[] = {"x", "y", "z", "w"};
  for (size_t i = kRegisters; i > 1; --i) std::swap(names[i - 1], names[rng.below(i)]);
  std::string prompt;
  std::vector<std::string> lines;
  for (size_t i = 0; i < program.size(); ++i) {
    const Line& line = program[i];
    prompt += written(line, names, false) + "; ";
    const auto shown = [&](const Operand& o) { return o.reg < 0 ? o.constant : before[i].value[o.reg]; };
    if (line.op == 0) {
      lines.push_back(fmt::format("{}={}", names[line.target], line.value));
    } else {
      const int64_t b = shown(line.right);
      lines.push_back(fmt::format("{}={}{}{} {}", names[line.target], shown(line.left), line.op, b < 0 ? fmt::format("({})", b) : std::to_string(b),
                                  noisy_equals(rng, line.value)));
    }
  }
  out.prompt = fmt::format("{}? {}", prompt, names[asked]);
  out.gold = std::to_string(m.value[asked]);
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
