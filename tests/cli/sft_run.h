#pragma once
// A small fine-tuning run for the tests: nano from fresh weights, a dozen conversations, seconds.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/binary.h"

namespace minke {

class SftTest : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    const Outcome base = minke({"train", "configs/nano.toml", "--steps", "0", "--out", at("base")});
    ASSERT_EQ(base.code, 0) << base.err;
    write("chat.jsonl", conversations());
    write("c.toml", config());
  }

  static constexpr const char* kColours[] = {"red", "green", "blue", "white", "black", "grey"};
  static std::string question(int i) { return fmt::format("What colour is box {}?", i); }
  static std::string thought(int i) { return fmt::format("box {} holds {}\n", i, kColours[i]); }
  static std::string answer(int i) { return fmt::format("\\boxed{{{}}}", kColours[i]); }
  // Six boxes, each asked with a thought and without.
  static std::string conversations() {
    std::string text;
    for (int i = 0; i < 6; ++i) {
      text += nlohmann::json{{"prompt", question(i)}, {"completion", "<think>\n" + thought(i) + "</think>" + answer(i)}}.dump() + "\n";
      text += nlohmann::json{{"messages", {{{"role", "user"}, {"content", question(i)}}, {{"role", "assistant"}, {"content", answer(i)}}}}}.dump() + "\n";
    }
    return text;
  }
  // 60 epochs of 3 batches.
  std::string config() const {
    return fmt::format(R"([data]
chat = ["{0}"]
held_out = ["{0}"]
[train]
model = "{1}"
epochs = 60
sequence_length = 64
batch_sequences = 2
micro_batch_sequences = 1
precision = "f32"
moments = "f32"
lr = 4e-3
lr_final = 4e-4
[run]
eval_every = 10
checkpoint_every = 15
)", at("chat.jsonl"), at("base"));
  }
  Outcome sft(const std::string& out, std::vector<std::string> more = {}, const Launch& how = {}, const std::string& config = "c.toml") const {
    more.insert(more.begin(), {"sft", at(config), "--out", at(out)});
    return minke(more, how);
  }
};

}  // namespace minke
