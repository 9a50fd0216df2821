#pragma once
// Files of problems with answers: a user's own JSON lines, and the public data sets in their published forms.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reason/tasks/task.h"

namespace minke {

// What a line looks like; one row of the table in problem_file.cpp each.
//   (your own)  {"prompt": "...", "answer": "..." or a number, "level": 3 if you like}
//   gsm8k       {"question", "answer"}: the gold stands after `####`
//   svamp       {"Body", "Question", "Answer"}
//   math500     {"problem", "answer", "subject", "level"}, lines or one array
struct ProblemFormat;
const ProblemFormat& own_format();
const ProblemFormat* find_data_set(std::string_view name);  // nullptr: no such data set
std::string data_set_names();                               // "gsm8k, svamp, math500"

struct ProblemFile {
  std::vector<Problem> problems;  // in the order of the file, no prompt twice; key `prompt:...`, family and id from `name`
  int64_t skipped = 0;            // malformed lines, with skip_bad
  int64_t duplicates = 0;         // lines that repeat a prompt with its answer; dropped
};

// Malformed: no JSON object, a field missing, empty or of another type, the answer `?`, or an earlier line's prompt with another
// answer. Prompts are compared under NFC with runs of blanks as one. Error that lists every malformed line, unless `skip_bad`;
// Error for a file without problems.
ProblemFile read_problem_file(const std::string& path, const std::string& name, const ProblemFormat& format, bool skip_bad);

}  // namespace minke
