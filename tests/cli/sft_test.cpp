// minke sft with the binary: a dozen conversations are learnt by heart, a killed run ends with the same bytes, bad input is named.
#include <sstream>

#include "cli/sft_run.h"

namespace minke {
namespace {

using Json = nlohmann::json;

TEST_F(SftTest, LearnsByHeartAndAnswers) {
  const Outcome run = sft("out", {"--json"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("12 examples"), std::string::npos) << run.err;
  const Json end = Json::parse(run.out);
  EXPECT_GT(end["sft_loss_before"].get<double>(), 7);  // about log 4096
  EXPECT_LT(end["sft_loss_after"].get<double>(), 0.05);
  EXPECT_EQ(end["epochs"].get<double>(), 60);
  const auto lines = lines_of(at("out/metrics.jsonl"));
  ASSERT_EQ(int64_t(lines.size()), end["steps"].get<int64_t>());
  const size_t per_epoch = lines.size() / 60;
  int64_t examples = 0;
  for (size_t i = 0; i < per_epoch; ++i) examples += lines[i]["examples"].get<int64_t>();
  EXPECT_EQ(examples, 12);  // an epoch is every example once
  EXPECT_LT(lines.back()["loss"].get<double>(), 0.1);
  EXPECT_LT(lines.back()["mtp_loss"][0].get<double>(), 0.5 * lines[0]["mtp_loss"][0].get<double>());
  EXPECT_EQ(lines[9].count("sft_loss"), 1u);
  EXPECT_EQ(lines[10].count("sft_loss"), 0u);
  EXPECT_GT(lines[0]["answer_tokens"].get<int64_t>(), 0);

  for (const int i : {0, 3, 5}) {
    const Outcome on = minke({"chat", at("out"), "-p", question(i), "-t", "0", "--json"});
    ASSERT_EQ(on.code, 0) << on.err;
    const Json a = Json::parse(on.out);
    EXPECT_EQ(a["thinking"], thought(i));
    EXPECT_EQ(a["answer"], answer(i));
    EXPECT_EQ(a["finish_reason"], "stop");
    EXPECT_EQ(on.err, "");
    const Outcome off = minke({"chat", at("out"), "-p", question(i), "-t", "0", "--no-think", "--json"});
    const Json b = Json::parse(off.out);
    EXPECT_EQ(b["thinking"], "");
    EXPECT_EQ(b["answer"], answer(i));
  }
  // The curves of a fine-tuning run are drawn like any other's.
  EXPECT_EQ(minke({"curves", at("out")}).code, 0);
}

TEST_F(SftTest, KillsChangeNoByte) {
  const std::vector<std::string> how = {"--epochs", "15"};
  ASSERT_EQ(sft("alone", how).code, 0);
  const size_t steps = lines_of(at("alone/metrics.jsonl")).size();
  ASSERT_GE(steps, 30u);
  for (const size_t step : {size_t(4), steps / 2, steps - 6}) {
    Launch kill;
    kill.signal = SIGKILL;
    kill.when = [path = at("killed/metrics.jsonl"), step] {
      const auto lines = lines_of(path);
      return !lines.empty() && lines.back()["step"].get<size_t>() >= step;
    };
    const Outcome killed = sft("killed", how, kill);
    ASSERT_EQ(killed.signal, SIGKILL) << "it had ended before; " << killed.err;
  }
  const Outcome last = sft("killed", how);
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_NE(last.out.find("resumed "), std::string::npos) << last.out;
  EXPECT_EQ(read_file(at("killed/model.safetensors")), read_file(at("alone/model.safetensors")));
  const auto x = lines_of(at("killed/metrics.jsonl")), y = lines_of(at("alone/metrics.jsonl"));
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i)
    for (const char* key : {"step", "tokens", "loss", "mtp_loss", "sft_loss", "examples", "answer_tokens", "lr", "grad_norm", "max_vio"})
      EXPECT_EQ(x[i].value(key, Json()), y[i].value(key, Json())) << key << " of step " << i + 1;
  // Other examples do not go on from it.
  fs::remove_all(at("killed/checkpoints"));
  fs::copy(at("alone/checkpoints"), at("killed/checkpoints"), fs::copy_options::recursive);
  write("chat.jsonl", conversations() + "{\"prompt\": \"q\", \"completion\": \"a\"}\n");
  const std::string run = read_file(at("killed/run.json"));
  write_file_atomic(at("killed/run.json"), replaced(run, fmt::format("\"finished_steps\": {}", steps), "\"finished_steps\": 0"));
  const Outcome other = sft("killed", how);
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("other examples"), std::string::npos) << other.err;
}

TEST_F(SftTest, SaysWhatIsWrong) {
  const auto expect = [&](const Outcome& o, int code, const std::string& text) {
    EXPECT_EQ(o.code, code) << o.err;
    EXPECT_NE(o.err.find(text), std::string::npos) << o.err << "expected: " << text;
  };
  write("no-model.toml", replaced(config(), "model = ", "# "));
  expect(sft("out", {}, {}, "no-model.toml"), 2, "from which model?");
  write("no-chat.toml", replaced(config(), "chat = ", "# "));
  expect(sft("out", {}, {}, "no-chat.toml"), 2, "which conversations?");
  write("section.toml", config() + "[model]\nvocab_size = 5\n");
  expect(sft("out", {}, {}, "section.toml"), 2, "remove the section [model]");
  write("text.toml", replaced(config(), "[data]", "[data]\nproblem_weight = 0.5"));
  expect(sft("out", {}, {}, "text.toml"), 1, "without text or problem_weight");
  write("text.toml", replaced(replaced(config(), "chat = ", "# "), "[data]", "[data]\nproblem_weight = 0.5"));
  expect(sft("out", {"--data", at("chat.jsonl")}, {}, "text.toml"), 2, "fine-tuning reads chat alone");
  write("two.toml", replaced(config(), "epochs = 60", "epochs = 60\ntokens = 100"));
  expect(sft("out", {}, {}, "two.toml"), 1, "one budget");
  write("long.toml", replaced(config(), "sequence_length = 64", "sequence_length = 500"));
  expect(sft("out", {}, {}, "long.toml"), 1, "max_position_embeddings 256");
  write("short.toml", replaced(config(), "sequence_length = 64", "sequence_length = 16"));
  expect(sft("out", {}, {}, "short.toml"), 1, "long_examples");
  expect(sft("base"), 2, "is the folder to start from");
  expect(sft("out", {"--model", at("nowhere")}), 1, at("nowhere"));
  expect(minke({"train", at("c.toml"), "--init", at("base"), "--out", at("out")}), 1, "[model]");
  write("both.toml", replaced(replaced(read_file("configs/nano.toml"), "text = [\"data/books/train\"]\n", fmt::format("chat = [\"{}\"]\n", at("chat.jsonl"))),
                              "problem_weight = 0.5\n", ""));
  expect(minke({"train", at("both.toml"), "--out", at("out")}), 2, "minke sft");
  write("bad.jsonl", conversations() + "{\"prompt\": 1}\n\n[]\n");
  const Outcome bad = sft("out", {"--data", at("bad.jsonl")});
  expect(bad, 1, "2 of 14 lines cannot be used");
  expect(bad, 1, "\n  line 13: ");
  expect(bad, 1, "\n  line 15: ");
  EXPECT_FALSE(file_exists(at("out/model.safetensors")));
}

}  // namespace
}  // namespace minke
