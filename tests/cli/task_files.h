#pragma once
// For tests of eval --task and sample: a model that guesses with known probabilities, and a grader to whom 4 is right.
#include <nlohmann/json.hpp>
#include <algorithm>
#include <sstream>

#include "checkpoint/model_folder.h"
#include "cli/binary.h"
#include "eval/bigram_model.h"

namespace minke {

class TaskCommandTest : public BinaryTest {
 protected:
  using Json = nlohmann::json;

  void SetUp() override {
    BinaryTest::SetUp();
    save_model(at("model"), *guessing_model(Tokenizer::load("tokenizer")).build(WeightUse::kTraining), "tokenizer");
  }

  static constexpr const char* kFours =
      "while read -r line; do case \"$line\" in *'\"answer\":\"4\"'*) echo '{\"equal\": true}';; *) echo '{\"equal\": false}';; esac; done";

  // `arguments` followed by those of `defaults` (name, value, name, value, ...) whose names it lacks.
  static std::vector<std::string> with_defaults(std::vector<std::string> arguments, const std::vector<std::string>& defaults) {
    for (size_t i = 0; i + 1 < defaults.size(); i += 2)
      if (std::find(arguments.begin(), arguments.end(), defaults[i]) == arguments.end()) arguments.insert(arguments.end(), {defaults[i], defaults[i + 1]});
    return arguments;
  }
  static std::vector<Json> parsed(const std::string& text) {
    std::vector<Json> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
    return out;
  }
  size_t lines_in(const std::string& name) const {
    const std::string text = read_if_there(at(name));
    return size_t(std::count(text.begin(), text.end(), '\n'));
  }
};

}  // namespace minke
