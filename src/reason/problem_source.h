#pragma once
// Where problems come from, behind one door: a built-in family, a data set in a file, or a user's own file. Held-out problems and
// training problems have no key in common, whatever the seed.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reason/problem_file.h"
#include "reason/tasks/task.h"

namespace minke {

struct SourceOptions {
  std::string task;       // a family, gsm8k, svamp, math500, or the path of a .jsonl file
  std::string data = {};  // of a data set: its file (--data)
  int level = 0;          // 0: all
  bool skip_bad = false;  // pass over malformed lines and count them
  bool whole = false;     // the file is there to be evaluated: all of it is the test split, and nothing can be trained on
};

class ProblemSource {
 public:
  // UsageError for an unknown name, a data set without --data, --data with anything else, a level that is not there.
  static ProblemSource open(const SourceOptions& options);

  const std::string& name() const { return name_; }  // the family, the data set, or the file's name without folder and ending
  std::optional<int64_t> size(Split split) const;    // problems of a file's split; nothing for a family, which is generated
  int64_t skipped() const { return skipped_; }       // malformed lines
  int64_t duplicates() const { return duplicates_; }  // lines that repeat a problem with its answer; dropped
  std::string passed_over() const;                   // what to tell of both; empty where there were none

  // The levels of its training problems, where it has all of several; else empty. at_level: the same source with one of them alone.
  std::vector<int> levels() const;
  ProblemSource at_level(int level) const;

  // Training problem `index`: a pure function of the arguments. A file is read in a new order each epoch.
  Problem train(uint64_t seed, uint64_t index) const;

  // `n` problems of the test or calibration split, no key twice; `seed` chooses which. An Error that names the split's size where `n`
  // is above it.
  std::vector<Problem> held_out(Split split, uint64_t seed, int64_t n) const;
  // As many as the split has, at most `n`; of a family, which does not know its size, n, n / 2, n / 4 ... down to 16.
  std::vector<Problem> held_out_at_most(Split split, uint64_t seed, int64_t n) const;

  // Different problems in all splits, counted up to `enough`: fewer than 5,000 make a level too small for claims about learning.
  int64_t known_keys(int64_t enough = 5000) const;

 private:
  std::string name_, path_;
  const Family* family_ = nullptr;   // or else the problems of a file:
  int level_ = 0;
  std::vector<Problem> problems_[3];  // by Split
  int64_t skipped_ = 0, duplicates_ = 0;
};

// The splits of a file's problems. From 500 on the key alone decides, as for families (task.h), so a file may grow. In smaller ones a
// tenth is too few to measure anything: the quarter with the lowest hashes, at most 50, is test, the next eighth, at most 25, is
// calibration, both at least 1. At least 8 problems.
std::vector<Split> split_file(const std::vector<Problem>& problems);

// Place `index` of a permutation of [0, n) that belongs to (seed, stream). REQUIRES index < n.
uint64_t permuted(uint64_t index, uint64_t n, uint64_t seed, uint64_t stream);

}  // namespace minke
