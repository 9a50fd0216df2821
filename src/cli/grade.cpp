#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "reason/grade/extract.h"
#include "reason/grade/maths.h"

namespace minke {

namespace {

struct Pair {
  std::string gold, answer;
  bool completion = false;
};

// A string, or a number as JSON writes it.
std::string written(const nlohmann::json& object, const char* key, const std::string& where) {
  const nlohmann::json& value = object.at(key);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  fail("{}: \"{}\" is neither a string nor a number", where, key);
}

std::vector<Pair> read_pairs(const std::string& path) {
  std::string text;
  if (path == "-") {
    std::ostringstream all;
    all << std::cin.rdbuf();
    text = all.str();
  } else {
    text = read_file(path);
  }
  std::vector<Pair> pairs;
  size_t line = 1;
  for (size_t at = 0; at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string where = fmt::format("{}:{}", path == "-" ? "stdin" : path, line);
    const auto object = nlohmann::json::parse(text.begin() + long(at), text.begin() + long(end), nullptr, false);
    if (!object.is_object()) fail("{}: not a JSON object; expected {{\"gold\": ..., \"answer\": ...}} or {{\"gold\": ..., \"completion\": ...}}", where);
    if (!object.contains("gold")) fail("{}: no \"gold\"", where);
    const bool answer = object.contains("answer"), completion = object.contains("completion");
    if (answer == completion) fail("{}: {}", where, answer ? "both \"answer\" and \"completion\"" : "no \"answer\" and no \"completion\"");
    pairs.push_back({written(object, "gold", where), written(object, answer ? "answer" : "completion", where), completion});
    at = end + 1;
  }
  return pairs;
}

void grade(const std::string& path, GradeMode mode) {
  for (const Pair& pair : read_pairs(path)) {
    std::string answer = pair.answer, missing;
    if (pair.completion) {
      const Extracted extracted = extract_answer(pair.answer);
      answer = extracted.answer;
      if (answer.empty()) missing = extracted.why;
    }
    Verdict v = grade_answer(pair.gold, answer, mode);
    if (!missing.empty() && v.equal) v.why = missing;
    const nlohmann::ordered_json out = {{"equal", v.equal ? nlohmann::ordered_json(*v.equal) : nlohmann::ordered_json()}, {"why", v.why}};
    std::printf("%s\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  }
}

}  // namespace

void add_grade(CLI::App& app) {
  auto* command = app.add_subcommand("grade", "compares answers with golds by the rules of docs/grader.md: one JSON line a pair");
  struct Options {
    std::string pairs;
    GradeMode mode = GradeMode::kLenient;
  };
  auto o = std::make_shared<Options>();
  command->add_option("--pairs", o->pairs, "JSONL, - for stdin: {\"gold\", \"answer\"} or {\"gold\", \"completion\"} a line")->required();
  command
      ->add_option_function<std::string>(
          "--mode", [o](const std::string& name) { o->mode = name == "strict" ? GradeMode::kStrict : GradeMode::kLenient; },
          "lenient, as evaluation grades, or strict, as rewards are given (lenient)")
      ->check(CLI::IsMember({"strict", "lenient"}));
  command->footer(
      "Prints {\"equal\": true|false|null, \"why\": ...} for each line, in order; null: the gold does not parse.\n"
      "Examples:\n  minke grade --pairs pairs.jsonl\n"
      "  echo '{\"gold\": \"1/2\", \"answer\": \"0.5\"}' | minke grade --pairs - --mode strict");
  command->callback([o] { grade(o->pairs, o->mode); });
}

}  // namespace minke
