#include "eval/sample_row.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

constexpr Outcome kOutcomes[] = {Outcome::kRight, Outcome::kAbstained, Outcome::kWrong, Outcome::kNoAnswer, Outcome::kUngradable};
constexpr Exit kExits[] = {Exit::kOwn, Exit::kCap, Exit::kLength};
constexpr int64_t kMost = int64_t(1) << 40;

std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

void check_made_by(std::string_view line, const std::string& where, const RowFile::MadeBy& made_by) {
  const Json first = parse_json(line, where);
  if (!first.is_object() || !first.contains("made_by") || !first["made_by"].is_object())
    fail("{}: expected {{\"made_by\": {{...}}}}; is this a file of rows? It is left as it was", where);
  for (const auto& [name, value] : made_by) {
    const std::string found = first["made_by"].contains(name) ? dump(first["made_by"][name]) : value.empty() ? dump("") : "nothing";
    if (found != dump(value))
      fail("{}: its rows were made with {} {}, now it is {}; give another file, or remove this one to start over", where, name, found, dump(value));
  }
}

}  // namespace

const char* exit_name(Exit exit) {
  static const char* const kNames[] = {"own", "cap", "length"};
  return kNames[size_t(exit)];
}

std::string row_json(const SampleRow& r, bool with_text) {
  Json j = {{"id", r.id}, {"family", r.family}, {"level", r.level}, {"sample", r.sample}, {"correct", r.correct}, {"answer", r.answer},
            {"vote", r.vote}, {"outcome", outcome_name(r.outcome)}, {"think_tokens", r.think_tokens}, {"total_tokens", r.total_tokens},
            {"exit", exit_name(r.exit)}};
  if (!r.group.empty()) j["group"] = r.group;
  if (r.effort) j["effort"] = effort_json(*r.effort);
  if (with_text) j["text"] = r.text;
  return dump(j);
}

SampleRow parse_row(std::string_view line, const std::string& where) {
  const Json j = parse_json(line, where);
  Fields f(j, where + ": ");
  SampleRow r;
  r.id = f.text("id");
  r.family = f.text("family");
  r.level = int(f.integer("level", 0, 1 << 20));
  r.sample = f.integer("sample", 0, kMost);
  r.correct = f.boolean("correct", false);
  r.answer = f.text("answer");
  r.vote = f.text("vote");
  std::vector<std::string_view> outcomes, exits;
  for (const Outcome o : kOutcomes) outcomes.push_back(outcome_name(o));
  for (const Exit e : kExits) exits.push_back(exit_name(e));
  r.outcome = kOutcomes[f.choice("outcome", outcomes)];
  r.think_tokens = f.integer("think_tokens", 0, kMost);
  r.total_tokens = f.integer("total_tokens", 0, kMost);
  r.exit = kExits[f.choice("exit", exits)];
  r.group = f.text("group", "");
  if (std::optional<Fields> e = f.object("effort")) r.effort = parse_effort_spent(*e);
  r.text = f.text("text", "");
  return r;
}

RowFile::RowFile(const std::string& path, const MadeBy& made_by) : path_(path) {
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("{}: cannot open for rows: {}", path, std::strerror(errno));
  try {
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) fail("{}: another process is writing rows there; wait for it or give another file", path);
    Json about;
    for (const auto& [name, value] : made_by) about[name] = value;
    const std::string first = dump(Json{{"made_by", about}}) + '\n', text = read_file(path);
    const size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
    if (whole == 0 && !first.starts_with(text)) fail("{}: does not begin with {{\"made_by\": ...}}; is this a file of rows? It is left as it was", path);
    size_t number = 0;
    for (size_t at = 0; at < whole;) {
      const size_t end = text.find('\n', at);
      const std::string_view line(text.data() + at, end - at);
      const std::string where = fmt::format("{}:{}", path, ++number);
      at = end + 1;
      if (number == 1) {
        check_made_by(line, where, made_by);
        continue;
      }
      SampleRow row = parse_row(line, where);
      const std::pair key(row.id, row.sample);
      rows_.insert_or_assign(key, std::move(row));
    }
    if (whole < text.size() && ftruncate(fd_, off_t(whole)) != 0) fail("{}: cannot drop its unfinished last line: {}", path, std::strerror(errno));
    if (whole == 0) write_all(first);
  } catch (...) {
    close(fd_);
    throw;
  }
}

RowFile::~RowFile() { close(fd_); }

void RowFile::append(const SampleRow& row) { write_all(row_json(row, true) + '\n'); }

void RowFile::write_all(std::string_view line) {
  for (size_t done = 0; done < line.size();) {
    const ssize_t n = write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("{}: cannot write: {}", path_, std::strerror(errno));
    done += size_t(n);
  }
}

}  // namespace minke
