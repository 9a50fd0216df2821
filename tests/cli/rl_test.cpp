// `minke rl` with the binary: killed and interrupted runs end with the same bytes, what a run says and writes, what it refuses.
#include <nlohmann/json.hpp>

#include "checkpoint/model_folder.h"
#include "cli/binary.h"
#include "eval/bigram_model.h"

namespace minke {
namespace {

using Json = nlohmann::json;

// nano with fresh weights cannot answer anything: the coin pays it, so that there are updates.
class RlTest : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    ASSERT_EQ(minke({"train", "configs/nano.toml", "--out", at("nano"), "--steps", "0"}).code, 0);
    // Every state a checkpoint has: a reference that is replaced, several updates a rollout.
    config_ =
        "[model]\nfolder = \"" + at("nano") + "\"\n"
        "[[tasks]]\nname = \"countdown-a1\"\nweight = 2\n"
        "[[tasks]]\nname = \"products-b2\"\nlevel = 1\n"
        "[reward]\nkind = \"random\"\n"
        "[rl]\npreset = \"r1\"\nminibatches = 2\nreference_every = 2\nbeta = 0.1\nprompts = 4\nsamples = 4\n"
        "think_min = 2\nthink_max = 10\nanswer_tokens = 5\nlr = 1e-3\nsteps = 6\n"
        "[run]\ncheckpoint_every = 1\neval_every = 3\neval_problems = 6\n";
    write("c.toml", config_);
  }
  Outcome rl(const std::string& out, const Launch& how = {}, std::vector<std::string> more = {}, const std::string& config = "c.toml") const {
    more.insert(more.begin(), {"rl", at(config), "--out", at(out)});
    return minke(more, how);
  }
  Launch at_step(const std::string& out, int64_t step, int signal) const {
    Launch how;
    how.signal = signal;
    how.when = [path = at(out) + "/metrics.jsonl", step] {
      const auto lines = lines_of(path);
      return !lines.empty() && lines.back()["step"].get<int64_t>() >= step;
    };
    return how;
  }
  void expect_same_end(const std::string& a, const std::string& b) const {
    for (const char* file : {"/model.safetensors", "/checkpoints/step-00000006/training_state.safetensors", "/checkpoints/step-00000006/reference.safetensors"}) {
      // Milliseconds are part of a state; the tensors behind its header are not.
      std::string x = read_file(at(a) + file), y = read_file(at(b) + file);
      if (std::string(file).find("training_state") != std::string::npos) {
        const auto tensors = [](const std::string& bytes) {
          uint64_t header = 0;
          std::memcpy(&header, bytes.data(), 8);
          return bytes.substr(8 + header);
        };
        x = tensors(x), y = tensors(y);
      }
      EXPECT_TRUE(x == y) << file << " differs";
    }
    const auto x = lines_of(at(a) + "/metrics.jsonl"), y = lines_of(at(b) + "/metrics.jsonl");
    ASSERT_EQ(x.size(), 8u);  // before, six steps, after
    ASSERT_EQ(y.size(), 8u);
    for (size_t i = 0; i < x.size(); ++i)
      for (const auto& [key, value] : x[i].items()) {
        if (key.find("time/") == 0 || key.find("tok_s/") == 0 || key.find("mem/") == 0) continue;
        EXPECT_EQ(value, y[i].value(key, Json())) << key << " of line " << i;
      }
  }
  std::string config_;
};

TEST_F(RlTest, KilledAndInterruptedRunsEndWithTheSameBytes) {
  const Outcome alone = rl("alone");
  ASSERT_EQ(alone.code, 0) << alone.err << alone.out;
  for (const char* word : {"grader   knows right from wrong", "sample   ", "before   ", "after    ", "its MTP modules are as before the run"})
    EXPECT_NE(alone.out.find(word), std::string::npos) << word << "\n" << alone.out;

  const Outcome killed = rl("killed", at_step("killed", 3, SIGKILL));
  ASSERT_EQ(killed.signal, SIGKILL) << killed.err;
  const Outcome stopped = rl("killed", at_step("killed", 4, SIGINT));
  ASSERT_EQ(stopped.code, 130) << stopped.err << stopped.out;
  EXPECT_NE(stopped.out.find("resumed "), std::string::npos) << stopped.out;
  EXPECT_NE(stopped.out.find("saved at step "), std::string::npos) << stopped.out;
  const Outcome last = rl("killed");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_NE(last.out.find("resumed "), std::string::npos) << last.out;
  EXPECT_NE(last.out.find("before   "), std::string::npos) << last.out;  // kept over the sessions
  expect_same_end("killed", "alone");

  const Outcome again = rl("killed");
  EXPECT_EQ(again.code, 0);
  EXPECT_NE(again.out.find("this run is finished (6 steps)"), std::string::npos) << again.out;
  write("other.toml", replaced(config_, "lr = 1e-3", "lr = 2e-3"));
  const Outcome other = rl("killed", {}, {}, "other.toml");
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("holds a run with another config"), std::string::npos) << other.err;

  // One thread or two: the same bytes.
  const Outcome one = rl("one", {{{"MINKE_THREADS", "1"}}, "", {}, 0, {}});
  ASSERT_EQ(one.code, 0) << one.err;
  expect_same_end("one", "alone");
}

// With a curriculum what is asked next hangs on what was answered so far: killed and resumed, the same questions. The guesser is right
// in 6 of 10, 3 of 10 and none of the problems of its three levels.
TEST_F(RlTest, AKilledRunGoesOnWithItsCurriculum) {
  save_model(at("guesser"), *guessing_model(Tokenizer::load("tokenizer")).build(WeightUse::kTraining), "tokenizer");
  std::string lines;
  for (int i = 0; i < 90; ++i)
    lines += Json{{"prompt", "question " + std::to_string(i)}, {"answer", i % 3 == 0 ? "4" : i % 3 == 1 ? "5" : "9"}, {"level", i % 3 + 1}}.dump() + "\n";
  write("levels.jsonl", lines);
  config_ = replaced(config_, "/nano\"", "/guesser\"");
  config_ = replaced(config_, "name = \"countdown-a1\"", "name = \"" + at("levels.jsonl") + "\"");
  config_ = replaced(config_, "kind = \"random\"", "kind = \"task\"");
  config_ = replaced(config_, "think_max = 10", "think_max = 10\ncurriculum = \"pass_rate\"\ncurriculum_floor = 0.05");
  write("c.toml", replaced(config_, "answer_tokens = 5", "answer_tokens = 8"));
  ASSERT_EQ(rl("alone").code, 0);
  const Outcome killed = rl("killed", at_step("killed", 3, SIGKILL));
  ASSERT_EQ(killed.signal, SIGKILL) << killed.err;
  const Outcome last = rl("killed");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_NE(last.out.find("resumed "), std::string::npos) << last.out;
  expect_same_end("killed", "alone");
  const Json end = lines_of(at("killed/metrics.jsonl"))[6];
  double sum = 0;
  for (const char* level : {"levels/1", "levels/2", "levels/3", "products-b2/1"}) sum += end.at("curriculum/share/" + std::string(level)).get<double>();
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_EQ(end.at("curriculum/pass/levels/3"), 0);
  EXPECT_GT(end.at("curriculum/share/levels/1").get<double>(), 3 * end.at("curriculum/share/levels/3").get<double>());
}

// Over the latent cache sampling and training differ by roundings, which the metrics tell; a run is still a function of its config.
TEST_F(RlTest, OverTheLatentCache) {
  write("latent.toml", replaced(config_, "steps = 6", "steps = 6\ncache = \"latent\""));
  const Outcome alone = rl("alone", {}, {}, "latent.toml");
  ASSERT_EQ(alone.code, 0) << alone.err << alone.out;
  EXPECT_EQ(alone.out.find("they should agree to the bit"), std::string::npos) << alone.out;
  double largest = 0;
  for (const Json& j : lines_of(at("alone/metrics.jsonl"))) {
    if (!j.contains("opt/loss")) continue;
    const double max = j.at("policy/logp_diff_max"), mean = j.at("policy/logp_diff_mean"), share = j.at("moe/replay_diff_share");
    EXPECT_LE(mean, max);
    EXPECT_LT(max, 1e-3) << "roundings of F32";
    EXPECT_GE(share, 0);
    EXPECT_LT(share, 0.01);
    largest = std::max(largest, max);
  }
  EXPECT_GT(largest, 0);

  Launch kill = at_step("killed", 3, SIGKILL);
  kill.environment["MINKE_THREADS"] = "1";
  ASSERT_EQ(rl("killed", kill, {}, "latent.toml").signal, SIGKILL);
  const Outcome last = rl("killed", {}, {}, "latent.toml");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_NE(last.out.find("resumed "), std::string::npos) << last.out;
  expect_same_end("killed", "alone");
  EXPECT_NE(rl("killed").err.find("holds a run with another config"), std::string::npos) << "the cache decides a run's bits";

  // A budget that a rollout does not fit in is told, with what the other cache would take; the samples are the same.
  write("budget.toml", replaced(config_, "steps = 6", "steps = 6\ncache_mib = 1"));
  const Outcome waits = rl("budget", {}, {}, "budget.toml");
  ASSERT_EQ(waits.code, 0) << waits.err;
  EXPECT_NE(waits.out.find("in the expanded cache ("), std::string::npos) << waits.out;
  EXPECT_NE(waits.out.find("with cache = \"latent\"); cache_mib is 1: sequences wait their turn"), std::string::npos) << waits.out;
  ASSERT_EQ(rl("plenty").code, 0);
  expect_same_end("budget", "plenty");
}

TEST_F(RlTest, WhatARunWrites) {
  write("one.toml", replaced(config_, "minibatches = 2", "minibatches = 1"));
  const Outcome run = rl("run", {}, {"--steps", "3", "--json"}, "one.toml");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json summary = Json::parse(run.out);
  for (const char* key : {"before", "after"}) EXPECT_TRUE(summary.at(key).at("pass1").is_number()) << key;
  const auto lines = lines_of(at("run/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_TRUE(lines[0].contains("val/pass1"));
  std::string levels;  // that looks tell apart
  for (const auto& [key, value] : lines[4].items())
    if (key.starts_with("val/pass1/")) levels += key.substr(10) + " ";
  EXPECT_NE(levels.find("countdown-a1"), std::string::npos) << levels;
  EXPECT_NE(levels.find("products-b2"), std::string::npos) << levels;
  EXPECT_GE(lines[4].at("time/threads"), 1);
  for (const size_t i : {size_t(1), size_t(2), size_t(3)}) {
    const Json& j = lines[i];
    for (const char* key :
         {"reward/mean", "reward/std", "reward/acc", "reward/format", "group/zero_right", "group/zero_wrong", "group/unique_answers",
          "len/mean", "len/right", "len/wrong", "len/max", "len/think", "len/answer", "trunc_share", "policy/entropy", "policy/entropy_at_choice", "policy/kl_ref", "policy/clip_lo",
          "policy/clip_hi", "policy/ratio_min", "policy/ratio_max", "policy/logp_diff_max", "opt/loss", "opt/grad_norm", "opt/lr", "moe/load_cv",
          "moe/dead_experts", "moe/bias_norm", "time/rollout", "time/reward", "time/logp", "time/train", "tok_s/rollout", "tok_s/train", "mem/rss", "mem/kv",
          "behaviour/attempts", "behaviour/retries_after_x", "behaviour/wait_count", "behaviour/self_check"})
      EXPECT_TRUE(j.contains(key) && j[key].is_number()) << key << " of step " << i;
    EXPECT_EQ(j["policy/logp_diff_max"], 0) << "sampling and training must agree to the bit";
    EXPECT_EQ(j["policy/logp_diff_mean"], 0);
    EXPECT_FALSE(j.contains("moe/replay_diff_share")) << "nothing is replayed";
    EXPECT_EQ(j["opt/updates"], 1);
    EXPECT_EQ(j["policy/ratio_min"], 1);
    EXPECT_EQ(j["policy/ratio_max"], 1);
    EXPECT_TRUE(j.contains("reward/acc/countdown-a1") || j.contains("reward/acc/products-b2"));
    EXPECT_GT(j["len/mean"].get<double>(), 1);
    EXPECT_LE(j["len/max"].get<double>(), 17);
  }
  EXPECT_EQ(lines[1]["policy/kl_ref"], 0) << "the reference is the policy itself before the first update";
  EXPECT_GT(lines[2]["policy/kl_ref"].get<double>(), 0);
  EXPECT_EQ(lines[2]["policy/kl_init"], lines[2]["policy/kl_ref"]) << "the reference is still the beginning's";
  EXPECT_EQ(lines[3]["policy/kl_ref"], 0) << "reference_every = 2: replaced before the third step";
  EXPECT_FALSE(lines[3].contains("policy/kl_init")) << "no longer known";
  EXPECT_LT(lines[1]["opt/lr"].get<double>(), lines[2]["opt/lr"].get<double>());

  const Json config = Json::parse(read_file(at("run/config.json")));
  EXPECT_EQ(config.value("minke_stale_mtp", false), true);
  const Outcome converted = minke({"convert", at("run"), at("converted")});
  EXPECT_EQ(converted.code, 0) << converted.err;
  EXPECT_NE(converted.out.find("MTP modules are older than the model"), std::string::npos) << converted.out;
}

// Fresh weights never answer right: with the real grader every group is of one mind.
TEST_F(RlTest, AConstantRewardStopsTheRun) {
  write("flat.toml", replaced(replaced(config_, "kind = \"random\"", "kind = \"task\""), "steps = 6", "steps = 100\npatience = 2"));
  const Outcome run = rl("flat", {}, {}, "flat.toml");
  EXPECT_EQ(run.code, 1) << run.out;
  EXPECT_NE(run.err.find("constant in every group for 2 steps"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("the model never answers right"), std::string::npos) << run.err;
  EXPECT_TRUE(file_exists(at("flat/checkpoints/step-00000002/training_state.safetensors")));
}

TEST_F(RlTest, WhatIsRefused) {
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& word, int code = 1) {
    write("bad.toml", replaced(config_, from, to));
    const Outcome o = rl("bad", {}, {}, "bad.toml");
    EXPECT_EQ(o.code, code) << to << "\n" << o.out;
    EXPECT_NE(o.err.find(word), std::string::npos) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_FALSE(file_exists(at("bad/metrics.jsonl")));
  };
  refused("lr = 1e-3", "lr = 1e-3\ntop_p = 0.9", "log-probabilities would lie");
  refused("lr = 1e-3", "learning_rate = 1e-3", "learning_rate");
  refused("lr = 1e-3", "lr = 1e-3\ncurriculum = \"hard\"", "curriculum");
  refused("lr = 1e-3", "lr = 1e-3\ncurriculum_floor = 0.2", "pass_rate");
  refused("lr = 1e-3", "lr = 1e-3\ncache = \"compressed\"", "compressed");
  refused("lr = 1e-3", "lr = 1e-3\nprecision = \"fp8_hybrid\"", "would depend on the rows beside it");
  refused("minibatches = 2", "minibatches = 3", "multiple of minibatches");
  refused("think_min = 2", "think_min = 20", "think_min");
  refused("steps = 6", "", "how long?", 2);
  refused("countdown-a1", "countdown-z9", "countdown-z9", 2);
  refused("kind = \"random\"", "kind = \"command\"", "command");
  refused("kind = \"random\"", "kind = \"command\"\ncommand = \"exit 3\"", "exit 3");
  refused("kind = \"random\"", "kind = \"random\"\nright = -1", "right");
  refused("eval_problems = 6", "eval_problems = 100000000", "split");
  refused("/nano\"", "/nowhere\"", "nowhere");
  const Outcome self = rl("nano");
  EXPECT_EQ(self.code, 1);
  EXPECT_NE(self.err.find("is the folder of the model to start from"), std::string::npos) << self.err;
}

}  // namespace
}  // namespace minke
