// A run that is killed, interrupted or damaged ends with the same bytes as one that was left alone.
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/rng.h"
#include "checkpoint/hf_folder.h"
#include "cli/binary.h"

namespace minke {
namespace {

using Json = nlohmann::json;

void flip_byte(const std::string& path, double where) {
  std::string bytes = read_file(path);
  bytes[size_t(double(bytes.size()) * where)] ^= 0x10;
  write_file_atomic(path, bytes);
}

// nano, 20 steps, a checkpoint every 5; little is evaluated.
class ResumeTest : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    const std::string nano = read_file("configs/nano.toml");
    config_ = replaced(replaced(nano, "checkpoint_every = 10", "checkpoint_every = 5"), "eval_tokens = 2048", "eval_tokens = 256");
    write("c.toml", config_);
  }
  Outcome train(const std::string& out, const Launch& how = {}, std::vector<std::string> more = {}, const std::string& config = "c.toml") const {
    more.insert(more.begin(), {"train", at(config), "--out", at(out)});
    return minke(more, how);
  }
  // Sends `signal` when OUT's metrics have reached `step`, and `ms` later.
  Launch at_step(const std::string& out, int64_t step, int signal, int64_t ms = 0) const {
    Launch how;
    how.signal = signal;
    auto reached = std::make_shared<std::optional<std::chrono::steady_clock::time_point>>();
    how.when = [path = at(out) + "/metrics.jsonl", step, ms, reached] {
      const auto now = std::chrono::steady_clock::now();
      if (!*reached) {
        const auto lines = lines_of(path);
        if (!lines.empty() && lines.back()["step"].get<int64_t>() >= step) *reached = now;
      }
      return *reached && now - **reached >= std::chrono::milliseconds(ms);
    };
    return how;
  }
  // What is there under a model's name is a whole model.
  void expect_whole(const std::string& out) const {
    if (file_exists(at(out) + "/config.json")) HfFolder(at(out)).check();
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(at(out) + "/checkpoints", none))
      if (entry.path().filename().string().size() == 13) {
        HfFolder(entry.path()).check();
        EXPECT_TRUE(file_exists(entry.path() / "training_state.safetensors"));
      }
  }
  void expect_same_end(const std::string& a, const std::string& b) const {
    EXPECT_EQ(read_file(at(a) + "/model.safetensors"), read_file(at(b) + "/model.safetensors")) << "final weights differ";
    const auto x = lines_of(at(a) + "/metrics.jsonl"), y = lines_of(at(b) + "/metrics.jsonl");
    ASSERT_EQ(x.size(), 20u);
    ASSERT_EQ(y.size(), 20u);
    for (size_t i = 0; i < 20; ++i)
      for (const char* key : {"step", "tokens", "loss", "mtp_loss", "bpb", "balance_loss", "lr", "gamma", "grad_norm", "max_vio", "skipped"})
        EXPECT_EQ(x[i].value(key, Json()), y[i].value(key, Json())) << key << " of step " << i + 1;
  }
  std::string config_;
};

TEST_F(ResumeTest, ThreeKillsChangeNoByte) {
  const Outcome alone = train("alone");
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_NE(alone.out.find("after "), std::string::npos) << alone.out;

  Rng rng(2026);
  for (const int64_t from : {1, 7, 13}) {
    const int64_t step = rng.range(from, from + 4), ms = rng.range(0, 8);
    const Outcome killed = train("killed", at_step("killed", step, SIGKILL, ms));
    ASSERT_EQ(killed.signal, SIGKILL) << "at step " << step << ": it had ended before; " << killed.err;
    expect_whole("killed");
  }
  const Outcome last = train("killed");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_NE(last.out.find("resumed "), std::string::npos) << last.out;
  expect_same_end("killed", "alone");

  // Finished: said so, nothing touched, also without its checkpoints.
  const auto written = fs::last_write_time(at("killed/model.safetensors"));
  for (int i = 0; i < 2; ++i) {
    const Outcome again = train("killed");
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_NE(again.out.find("this run is finished (20 steps)"), std::string::npos) << again.out;
    EXPECT_EQ(fs::last_write_time(at("killed/model.safetensors")), written);
    fs::remove_all(at("killed/checkpoints"));
  }
  // Another config does not mix with it; the folder stays.
  write("other.toml", replaced(config_, "lr = 1e-3", "lr = 2e-3"));
  const Outcome other = train("killed", {}, {}, "other.toml");
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("holds a run with another config"), std::string::npos) << other.err;
  EXPECT_NE(other.err.find("--fresh"), std::string::npos) << other.err;
  EXPECT_EQ(fs::last_write_time(at("killed/model.safetensors")), written);
  // --fresh starts over.
  const Outcome fresh = train("killed", {}, {"--fresh"});
  ASSERT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_EQ(fresh.out.find("resumed"), std::string::npos) << fresh.out;
  expect_same_end("killed", "alone");
}

TEST_F(ResumeTest, AKillInFp8ChangesNoByte) {
  write("fp8.toml", replaced(config_, "precision = \"f32\"", "precision = \"fp8\""));
  ASSERT_EQ(train("alone", {}, {}, "fp8.toml").code, 0);
  EXPECT_TRUE(HfFolder(at("alone")).fp8());
  ASSERT_EQ(train("killed", at_step("killed", 12, SIGKILL), {}, "fp8.toml").signal, SIGKILL);
  const Outcome last = train("killed", {}, {}, "fp8.toml");
  ASSERT_EQ(last.code, 0) << last.err;
  expect_same_end("killed", "alone");
}

TEST_F(ResumeTest, InterruptsAndDamage) {
  ASSERT_EQ(train("alone").code, 0);
  // Ctrl-C saves where it is.
  const Outcome stopped = train("a", at_step("a", 12, SIGINT));
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  const size_t said = stopped.out.find("saved at step ");
  ASSERT_NE(said, std::string::npos) << stopped.out;
  const int64_t step = std::stoll(stopped.out.substr(said + 14));
  const std::string newest = fmt::format("/checkpoints/step-{:08d}", step), state = newest + "/training_state.safetensors";
  ASSERT_TRUE(file_exists(at("a") + newest));
  for (const char* copy : {"b", "c", "d", "e"}) fs::copy(at("a"), at(copy), fs::copy_options::recursive);

  const Outcome resumed = train("a");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find(fmt::format("at step {}", step)), std::string::npos) << resumed.out;
  expect_same_end("a", "alone");

  // One byte of the newest checkpoint flipped: it is named and passed over.
  flip_byte(at("b") + state, 0.7);
  const Outcome passed = train("b");
  EXPECT_EQ(passed.code, 0) << passed.err;
  EXPECT_NE(passed.err.find("passing over a checkpoint: " + at("b") + state), std::string::npos) << passed.err;
  EXPECT_NE(passed.err.find("checksum"), std::string::npos) << passed.err;
  EXPECT_NE(passed.out.find("resumed  " + at("b") + "/checkpoints/step-00000010"), std::string::npos) << passed.out;
  expect_same_end("b", "alone");

  // All damaged, in other ways: an error, and nothing is thrown away.
  fs::resize_file(at("c") + state, 1000);
  fs::remove(at("c/checkpoints/step-00000010/training_state.safetensors"));
  const std::string before = read_file(at("c/model.safetensors"));
  const Outcome none = train("c");
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("no checkpoint can be used"), std::string::npos) << none.err;
  EXPECT_NE(none.err.find("--fresh"), std::string::npos) << none.err;
  EXPECT_EQ(read_file(at("c/model.safetensors")), before);
  EXPECT_TRUE(file_exists(at("c") + state));

  // Killed between giving the finished folder its name and moving the checkpoints into it.
  fs::create_directory(at("d.tmp-999999999"));
  fs::rename(at("d/checkpoints"), at("d.tmp-999999999/checkpoints"));
  const Outcome repaired = train("d");
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_NE(repaired.out.find(fmt::format("at step {}", step)), std::string::npos) << repaired.out;
  EXPECT_FALSE(file_exists(at("d.tmp-999999999")));
  expect_same_end("d", "alone");

  // Another variant goes on and says that the last bits will differ.
  if (chosen_isa() == Isa::kAvx2) GTEST_SKIP() << "no other variant here";
  const Outcome elsewhere = train("e", {{{"MINKE_ISA", isa_supported(Isa::kAvx2) ? "avx2" : "scalar"}}, "", {}, 0, {}});
  EXPECT_EQ(elsewhere.code, 0) << elsewhere.err;
  EXPECT_NE(elsewhere.out.find("warning  this run began with"), std::string::npos) << elsewhere.out;
}

}  // namespace
}  // namespace minke
