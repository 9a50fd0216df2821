#pragma once
// One graded answer, as a line of JSON and as a line of a file that an interrupted evaluation goes on from.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dial/spent.h"
#include "reason/judge.h"

namespace minke {

enum class Exit : uint8_t {
  kOwn,     // the model ended its thought and its answer
  kCap,     // </think> was forced at the cap
  kLength,  // cut at max_tokens or at the model's last position
};
const char* exit_name(Exit exit);  // "own", "cap", "length"

struct SampleRow {
  std::string id, family;    // of the problem
  int level = 0;
  std::string group;         // reported apart, mostly "" (reason/tasks/task.h)
  int64_t sample = 0;
  bool correct = false;
  std::string answer;        // as extracted, "" where there is none
  std::string vote;          // equal answers have equal names, "" abstains
  Outcome outcome = Outcome::kNoAnswer;
  int64_t think_tokens = 0;  // before the first </think>
  int64_t total_tokens = 0;  // of the completion, </think> and EOS included; without the prompt
  Exit exit = Exit::kOwn;
  std::optional<EffortSpent> effort;  // asked with one: think_tokens, exit and text are then of the sample given, total_tokens of all
  std::string text;          // of the completion (data/chat.h)
};

// {"id", "family", "level", "sample", "correct", "answer", "vote", "outcome", "think_tokens", "total_tokens", "exit"}, "group" where there is
// one, "effort" where one was asked for and, on request, "text".
std::string row_json(const SampleRow& row, bool with_text);
SampleRow parse_row(std::string_view line, const std::string& where);  // Error names `where` and the key

// The rows of one model on one task. The first line says what made them: {"made_by": {"model": ..., ...}}; rows follow as they come, in
// any order, each written whole. A last line that a killed process left unfinished is dropped.
class RowFile {
 public:
  using MadeBy = std::vector<std::pair<std::string, std::string>>;

  // Opens or makes the file; its lock is held until the end. Error if it was made by something else (names the first difference),
  // holds a malformed row, or is open in another process.
  RowFile(const std::string& path, const MadeBy& made_by);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  // What was there when it was opened, by problem and sample.
  const std::map<std::pair<std::string, int64_t>, SampleRow>& rows() const { return rows_; }
  void append(const SampleRow& row);

 private:
  void write_all(std::string_view line);

  std::string path_;
  int fd_ = -1;
  std::map<std::pair<std::string, int64_t>, SampleRow> rows_;
};

}  // namespace minke
