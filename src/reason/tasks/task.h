#pragma once
// Problems with answers that can be checked. A family is one file of this folder and one row of the table in task.cpp.
//
// A problem's key is its family and the canonical problem, without level or wording (commutative operands sorted, registers
// renamed in order); equal keys mean the same problem. The key alone decides the split: XXH3-64(key) mod 10, 0 test,
// 1 calibration, 2-9 train. So no problem can be in two splits, whatever the seed, the level or the release of a generator.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace minke {

enum class Split { kTest, kCalibration, kTrain };
Split split_of(std::string_view canonical_key);
const char* split_name(Split split);         // "test", "calibration", "train"
Split parse_split(std::string_view name);    // UsageError on another name

struct Problem {
  std::string id;             // family/level/split/seed/index: where it was drawn
  std::string family;         // the task's name: "countdown-a3"
  int level = 0;
  std::string prompt;         // the question alone
  std::string bare;           // signs-b7: without its explanation, so that an answer is one guess of several; else empty
  std::string gold;           // one right answer
  bool gold_is_text = false;  // it is words, compared as such (reason/judge.h)
  std::string group;          // what is reported apart: "held-out wording" (words), a subject (math500); mostly empty
  std::string canonical_key;  // "countdown:3,5,7:36"
  bool has_twins = false;     // another key may have the same wording: kept out of lists of held-out problems
  std::vector<std::string> lines;  // of the trace, which may hold mistakes put right and dead ends
  std::string answer;              // the trace's last word: a right answer, not always `gold`, or `?` where it gives up
  std::string text;                // the pretraining form: prompt, trace, answer
};

using KeyFilter = std::function<bool(std::string_view key)>;

// draw() makes one problem from `rng`, without its id; it returns false, text unwritten, where `keep` refuses the key.
struct Family {
  const char* name;
  const char* about;       // one line: the problem, and what a level is
  int min_level, max_level;
  bool (*draw)(Rng& rng, int level, const KeyFilter& keep, Problem& out);
};

std::span<const Family> families();
const Family& find_family(std::string_view name);  // UsageError lists the names

// Problem `index` of a stream: a pure function of its arguments, the same on every machine. `level` 0 takes the levels in turn.
// Problems of a stream may repeat, as families of few problems must.
Problem draw_problem(const Family& family, int level, Split split, uint64_t seed, uint64_t index);

// `n` problems: of a stream for train; for test and calibration without repeats or twins of training problems, and `n` beyond what
// the split holds is an Error that names its size.
std::vector<Problem> draw_problems(const Family& family, int level, Split split, uint64_t seed, int64_t n);

// How many different problems all splits hold together, found by drawing until `enough` are seen or 20,000 draws in a row bring no
// new one: min(number, enough), or a lower bound where some problems are very rare. `level` 0: of all levels.
int64_t count_keys(const Family& family, int level, int64_t enough);

}  // namespace minke
