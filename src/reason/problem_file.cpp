#include "reason/problem_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/unicode_text.h"
#include "reason/grade/extract.h"
#include "reason/json_objects.h"
#include "reason/judge.h"

namespace minke {

struct ProblemFormat {
  const char* name;
  std::string (*read)(const JsonObject& line, Problem& out);  // sets prompt, gold and what else the line says; "" or what is wrong
};

namespace {

constexpr size_t kMostShown = 20;  // malformed lines with their reason; of the others only the numbers
constexpr int64_t kMostLevel = 1000;

// The trimmed text of a string, or of a number where `number` allows it; what is wrong otherwise.
std::string take(const JsonObject& line, std::string_view key, bool number, std::string& out) {
  const auto found = line.find(key);
  if (found == line.end()) return fmt::format("no \"{}\"", key);
  const JsonField& field = found->second;
  if (field.kind != JsonField::kString && !(number && field.kind == JsonField::kNumber))
    return fmt::format("\"{}\" is no string{}", key, number ? " or number" : "");
  out = trimmed(field.text);
  return out.empty() ? fmt::format("\"{}\" is empty", key) : "";
}

std::string take_level(const JsonObject& line, Problem& out) {
  const auto found = line.find("level");
  if (found == line.end()) return "";
  const std::string& text = found->second.text;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out.level);
  const bool whole = found->second.kind == JsonField::kNumber && error == std::errc() && stop == text.data() + text.size();
  return whole && out.level >= 1 && out.level <= kMostLevel ? "" : fmt::format("\"level\" is no whole number of 1 to {}", kMostLevel);
}

std::string read_own(const JsonObject& line, Problem& out) {
  std::string why = take(line, "prompt", false, out.prompt);
  if (why.empty()) why = take(line, "answer", true, out.gold);
  if (why.empty()) why = take_level(line, out);
  if (!why.empty()) return why;
  if (is_abstention(out.gold)) return "the answer is `?`, which stands for not knowing";
  out.gold_is_text = gold_is_words(out.gold);
  return "";
}

std::string read_gsm8k(const JsonObject& line, Problem& out) {
  std::string solution, why = take(line, "question", false, out.prompt);
  if (why.empty()) why = take(line, "answer", false, solution);
  if (!why.empty()) return why;
  const size_t mark = solution.rfind("####");
  if (mark == std::string::npos) return "\"answer\" has no ####";
  out.gold = trimmed(std::string_view(solution).substr(mark + 4));
  std::erase(out.gold, ',');  // thousands
  return out.gold.empty() ? "nothing after ####" : "";
}

std::string read_svamp(const JsonObject& line, Problem& out) {
  std::string body, question, why = take(line, "Body", false, body);
  if (why.empty()) why = take(line, "Question", false, question);
  if (why.empty()) why = take(line, "Answer", true, out.gold);
  if (!why.empty()) return why;
  const bool closed = std::string_view(".?!").find(body.back()) != std::string_view::npos;
  out.prompt = fmt::format("{}{} {}", body, closed ? "" : ".", question);
  if (out.gold.ends_with(".0")) out.gold.resize(out.gold.size() - 2);
  return "";
}

std::string read_math500(const JsonObject& line, Problem& out) {
  std::string why = take(line, "problem", false, out.prompt);
  if (why.empty()) why = take(line, "answer", false, out.gold);
  if (why.empty()) why = take(line, "subject", false, out.group);
  return why.empty() ? take_level(line, out) : why;
}

constexpr ProblemFormat kOwn = {"", read_own};
constexpr ProblemFormat kDataSets[] = {{"gsm8k", read_gsm8k}, {"svamp", read_svamp}, {"math500", read_math500}};

// NFC, runs of ASCII blanks as one.
std::string prompt_key(std::string_view prompt) {
  std::string key = "prompt:";
  for (const char c : nfc(prompt)) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) key += c;
    else if (key.back() != ' ') key += ' ';
  }
  return key;
}

// Line `number` of the text; nullopt behind the end. A byte order mark and the \r of a line end are taken off.
std::optional<std::string_view> next_line(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct Reader {
  const ProblemFormat& format;
  const std::string& name;
  ProblemFile file;
  std::vector<std::pair<int64_t, std::string>> bad;               // place, reason
  std::unordered_map<std::string, std::pair<int64_t, size_t>> seen;  // key -> place, index

  void add(const JsonObject& object, int64_t place, const char* unit) {
    Problem p;
    if (std::string why = format.read(object, p); !why.empty()) return bad.emplace_back(place, std::move(why)), void();
    p.canonical_key = prompt_key(p.prompt);
    const auto [first, fresh] = seen.try_emplace(p.canonical_key, place, file.problems.size());
    if (!fresh) {
      if (file.problems[first->second.second].gold == p.gold) ++file.duplicates;
      else bad.emplace_back(place, fmt::format("the prompt of {} {} with another answer", unit, first->second.first));
      return;
    }
    p.family = name;
    p.id = fmt::format("{}/{}", name, place);
    file.problems.push_back(std::move(p));
  }
};

std::string listed(const std::vector<std::pair<int64_t, std::string>>& bad, const char* unit) {
  std::string text;
  for (size_t i = 0; i < bad.size() && i < kMostShown; ++i) text += fmt::format("\n  {} {}: {}", unit, bad[i].first, bad[i].second);
  if (bad.size() <= kMostShown) return text;
  text += fmt::format("\n  and {} more: {}s", bad.size() - kMostShown, unit);
  for (size_t i = kMostShown; i < bad.size(); ++i) text += fmt::format("{} {}", i == kMostShown ? "" : ",", bad[i].first);
  return text;
}

}  // namespace

const ProblemFormat& own_format() { return kOwn; }

const ProblemFormat* find_data_set(std::string_view name) {
  for (const ProblemFormat& format : kDataSets)
    if (name == format.name) return &format;
  return nullptr;
}

std::string data_set_names() {
  std::string names;
  for (const ProblemFormat& format : kDataSets) names += fmt::format("{}{}", names.empty() ? "" : ", ", format.name);
  return names;
}


ProblemFile read_problem_file(const std::string& path, const std::string& name, const ProblemFormat& format, bool skip_bad) {
  const MappedFile mapped(path);
  std::string_view text = mapped.text();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Reader reader{format, name, {}, {}, {}};
  const bool array = trimmed(text.substr(0, 4096)).starts_with('[');
  const char* unit = array ? "entry" : "line";
  int64_t place = 0, entries = 0;
  if (array) {
    const std::string why = read_json_objects(text, [&](JsonObject&& object) {
      reader.add(object, ++place, unit);
      ++entries;
    });
    if (!why.empty()) fail("{}: {}", path, why);
  } else {
    for (std::string_view rest = text; const auto line = next_line(rest);) {
      ++place;
      if (trimmed(*line).empty()) continue;
      ++entries;
      if (trimmed(*line)[0] != '{') {
        reader.bad.emplace_back(place, "not a JSON object");
        continue;
      }
      JsonObject object;
      std::string why = read_json_objects(*line, [&](JsonObject&& o) { object = std::move(o); });
      if (why.empty()) reader.add(object, place, unit);
      else reader.bad.emplace_back(place, std::move(why));
    }
  }
  if (!reader.bad.empty() && !skip_bad)
    fail("{}: {} of {} {} malformed; --skip-bad goes on without {}{}", path, reader.bad.size(), entries,
         array ? "entries are" : "lines are", reader.bad.size() == 1 ? "it" : "them", listed(reader.bad, unit));
  reader.file.skipped = int64_t(reader.bad.size());
  if (reader.file.problems.empty()) fail("{}: holds no problem{}", path, listed(reader.bad, unit));
  return std::move(reader.file);
}

}  // namespace minke
