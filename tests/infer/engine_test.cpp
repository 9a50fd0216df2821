// The engine on a recorded model: what a request gets does not depend on who else is served, how its prompt is cut or the threads.
#include "infer/engine.h"

#include "base/threads.h"
#include "infer/cached_run.h"
#include "kernels/loss/cross_entropy.h"
#include "model/score.h"

namespace minke {
namespace {

class EngineTest : public testing::Test {
 protected:
  void SetUp() override { model_ = load_model(oracle_folder("v3"), "bf16", WeightUse::kInference); }
  void TearDown() override { set_thread_count(threads_); }

  GenerateRequest request(int64_t prompt, int64_t max_tokens, double temperature, uint64_t sequence) const {
    GenerateRequest r;
    r.prompt = random_ids(prompt, model_->config().vocab_size, 100 + sequence);
    r.max_tokens = max_tokens;
    r.sampler.temperature = temperature;
    r.sampler.seed = 11;
    r.sequence = sequence;
    return r;
  }
  std::vector<Generation> run(CacheForm form, const std::vector<GenerateRequest>& requests, int64_t chunk = 512) {
    Engine engine(*model_, form, {.prefill_chunk = chunk});
    return engine.generate(requests, {}, {});
  }

  std::unique_ptr<Transformer> model_;
  const int threads_ = thread_count();
};

// Every drawn token is the one that the training forward's logits give at that place.
TEST_F(EngineTest, ExpandedDrawsFromTheTrainingForward) {
  on_every_isa([&] {
    SetUp();
    const int64_t vocab = model_->config().vocab_size;
    for (const double temperature : {0.0, 1.0}) {
      // 300 positions: the cache grows on the way.
      const GenerateRequest r = request(230, 70, temperature, 1);
      const Ids answer = run(CacheForm::kExpanded, {r}, 64)[0].ids;
      ASSERT_EQ(answer.size(), 70u);
      Ids all = r.prompt;
      all.insert(all.end(), answer.begin(), answer.end());
      const Logits logits = whole_forward(*model_, all).logits;
      for (size_t i = 0; i < answer.size(); ++i) {
        const size_t at = r.prompt.size() + i;
        ASSERT_EQ(answer[i], sample_token(vocab, logits.data() + (at - 1) * size_t(vocab), r.sampler, r.sequence, int64_t(at))) << "token " << i;
      }
    }
  });
}

// A kept prompt is entered once, whoever comes later; what is said does not change.
TEST_F(EngineTest, KeptPromptIsEnteredOnce) {
  const GenerateRequest r = request(90, 5, 1, 1);
  for (const CacheForm form : {CacheForm::kExpanded, CacheForm::kLatent}) {
    const Ids alone = run(form, {r})[0].ids;
    Engine engine(*model_, form, {.prefill_chunk = 20});
    engine.keep_prompt(r.prompt);
    EXPECT_EQ(engine.generate({r}, {}, {})[0].ids, alone);
    EXPECT_EQ(engine.counts().rows, 90 + 4);
    EXPECT_EQ(engine.generate({r}, {}, {})[0].ids, alone);
    EXPECT_EQ(engine.counts().rows, 90 + 4 + 4);
    EXPECT_EQ(engine.counts().shared_prompts, 1);
    engine.forget_prompt(r.prompt);
    EXPECT_EQ(engine.generate({r}, {}, {})[0].ids, alone);
    EXPECT_EQ(engine.counts().rows, 2 * (90 + 4) + 4);
  }
}

// Log-probabilities are the loss's, experts the training forward's: bit for bit, in BF16 and at any temperature.
TEST_F(EngineTest, RecordsWhatTrainingSees) {
  on_every_isa([&] {
    SetUp();
    const ModelConfig& c = model_->config();
    for (const double temperature : {0.0, 1.0, 0.6}) {
      GenerateRequest r = request(70, 30, temperature, 3);
      r.record = r.record_experts = true;
      Engine engine(*model_, CacheForm::kExpanded, {.prefill_chunk = 32});
      const auto hook = [&](size_t, std::span<const int32_t> ids, size_t prompt_size, float* logits) {
        EXPECT_EQ(prompt_size, 70u);
        logits[5] = -INFINITY;
        return ids.size() % 7 == 0 ? 5 : kNoForce;
      };
      const Generation g = engine.generate({r}, {}, {}, hook)[0];
      Ids all = r.prompt;
      all.insert(all.end(), g.ids.begin(), g.ids.end() - 1);
      const PassResult pass = whole_forward(*model_, all, true);
      ASSERT_EQ(g.logp.size(), 30u);
      for (size_t i = 0; i < g.ids.size(); ++i) {
        const size_t at = r.prompt.size() + i;
        EXPECT_EQ(g.forced[i], at % 7 == 0);
        EXPECT_EQ(g.ids[i] == 5, at % 7 == 0) << "the hook bans 5 and forces it";
        const float* raw = pass.logits.data() + (at - 1) * size_t(c.vocab_size);
        std::vector<float> row(raw, raw + c.vocab_size);
        temper_rows(1, c.vocab_size, temperature == 0 ? 1 : float(temperature), row.data());
        const float logp = token_logp(c.vocab_size, row.data(), g.ids[i]);
        EXPECT_EQ(std::memcmp(&g.logp[i], &logp, 4), 0) << "token " << i << ": " << g.logp[i] << " against " << logp;
      }
      std::vector<uint16_t> experts;
      for (int64_t t = 0; t < int64_t(all.size()); ++t)
        for (const std::vector<int32_t>& layer : pass.experts)
          if (!layer.empty()) experts.insert(experts.end(), layer.begin() + t * c.num_experts_per_tok, layer.begin() + (t + 1) * c.num_experts_per_tok);
      EXPECT_EQ(g.experts, experts);
    }
  });
}

TEST_F(EngineTest, RequestsDoNotSeeOneAnother) {
  const std::vector<GenerateRequest> requests = {request(5, 40, 1, 1), request(150, 9, 1, 2), request(1, 70, 0.7, 3), request(65, 1, 0, 4)};
  for (const CacheForm form : {CacheForm::kLatent, CacheForm::kExpanded}) {
    std::vector<Ids> alone;
    for (const GenerateRequest& r : requests) alone.push_back(run(form, {r})[0].ids);
    for (const int64_t chunk : {1, 7, 64, 512})
      for (const int threads : {1, 2, 3}) {
        set_thread_count(threads);
        const std::vector<Generation> together = run(form, requests, chunk);
        for (size_t i = 0; i < requests.size(); ++i) {
          EXPECT_EQ(together[i].ids, alone[i]) << "request " << i << ", chunk " << chunk << ", threads " << threads;
          EXPECT_EQ(together[i].finish, FinishReason::kLength);
          EXPECT_EQ(int64_t(together[i].ids.size()), requests[i].max_tokens);
        }
      }
  }
}

TEST_F(EngineTest, EndsAtEosWhichBelongsToTheAnswer) {
  const GenerateRequest free = request(20, 60, 1, 1);
  const Ids ids = run(CacheForm::kLatent, {free})[0].ids;
  GenerateRequest ends = free;
  ends.eos = {-1, ids[10]};
  const size_t first = size_t(std::find(ids.begin(), ids.end(), ids[10]) - ids.begin());
  const std::vector<Generation> out = run(CacheForm::kLatent, {ends, free});
  EXPECT_EQ(out[0].finish, FinishReason::kStop);
  EXPECT_EQ(out[0].ids, Ids(ids.begin(), ids.begin() + int64_t(first) + 1));
  EXPECT_EQ(out[1].ids, ids) << "the other request goes on unchanged";
  EXPECT_EQ(out[1].finish, FinishReason::kLength);
  ends.max_tokens = int64_t(first) + 1;  // both at once: eos it is
  EXPECT_EQ(run(CacheForm::kLatent, {ends})[0].finish, FinishReason::kStop);
}

TEST_F(EngineTest, TheHookSeesEveryTokenAndCancelsItsRequest) {
  const std::vector<GenerateRequest> requests = {request(3, 20, 1, 1), request(30, 20, 1, 2)};
  Engine engine(*model_, CacheForm::kLatent);
  std::vector<Ids> seen(2);
  const std::vector<Generation> out = engine.generate(
      requests,
      [&](size_t i, int32_t id) {
        seen[i].push_back(id);
        return !(i == 0 && seen[0].size() == 6);
      },
      {});
  EXPECT_EQ(out[0].finish, FinishReason::kCancelled);
  EXPECT_EQ(out[0].ids.size(), 6u) << "the token that cancelled is part of the ids";
  EXPECT_EQ(out[1].finish, FinishReason::kLength);
  EXPECT_EQ(out[1].ids.size(), 20u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(seen[i], out[i].ids);
  EXPECT_EQ(out[1].ids, run(CacheForm::kLatent, {requests[1]})[0].ids);
}

TEST_F(EngineTest, StopEndsAllThatStillGo) {
  Engine engine(*model_, CacheForm::kLatent);
  int asked = 0;
  const std::vector<Generation> out = engine.generate({request(3, 2, 1, 1), request(3, 50, 1, 2)}, {}, [&] { return ++asked > 5; });
  EXPECT_EQ(out[0].finish, FinishReason::kLength);
  EXPECT_EQ(out[1].finish, FinishReason::kCancelled);
  EXPECT_EQ(out[1].ids.size(), 5u);
  GenerateRequest nothing = request(3, 0, 0, 1);
  EXPECT_TRUE(engine.generate({nothing}, {}, {})[0].ids.empty());
  EXPECT_TRUE(engine.generate({}, {}, {}).empty());
}

// A latent position costs kv_lora_rank + rope numbers a layer; a page holds 64. An expanded one costs H (nope + rope + v) and padding.
TEST_F(EngineTest, CacheBytes) {
  const ModelConfig& c = model_->config();
  const MlaDims& d = model_->block(0).self_attn.dims;
  EXPECT_EQ(cache_tile_bytes(d, DType::kBF16, CacheForm::kLatent), 64 * (c.kv_lora_rank + c.qk_rope_head_dim) * 2);
  for (const CacheForm form : {CacheForm::kLatent, CacheForm::kExpanded}) {
    const int64_t page = cache_tile_bytes(d, DType::kBF16, form) * c.num_hidden_layers;
    Engine engine(*model_, form, {.cache_bytes = 3 * page + 1});
    engine.generate({request(10, 5, 0, 1), request(100, 20, 1, 2)}, {}, {});
    EXPECT_EQ(engine.cache_bytes(), 3 * page);
    EXPECT_THROW(engine.submit(request(150, 44, 0, 3)), Error) << "193 positions fed, 192 in the pool";
    engine.submit(request(150, 43, 0, 3));
  }
  EXPECT_THROW(Engine(*model_, CacheForm::kLatent, {.cache_bytes = 10}), Error);
}

// A model being trained decodes with the latent cache too: its absorbed weights follow the masters.
TEST_F(EngineTest, LatentCacheOfAModelInTraining) {
  const auto training = load_model(oracle_folder("v3"), "bf16", WeightUse::kTraining);
  GenerateRequest r = request(40, 20, 1, 1);
  r.record = true;
  const auto answer = [&](Transformer& model) { return Engine(model, CacheForm::kLatent).generate({r}, {}, {})[0]; };
  const Generation before = answer(*training);
  EXPECT_EQ(before.logp, answer(*model_).logp);
  float* masters = training->weights().master("model.layers.0.self_attn.kv_b_proj.weight");
  for (int64_t i = 0; i < 100; ++i) masters[i] += 0.5f;
  training->weights().refresh();
  EXPECT_NE(answer(*training).logp, before.logp);
  for (int64_t i = 0; i < 100; ++i) masters[i] -= 0.5f;
  training->weights().refresh();
  EXPECT_EQ(answer(*training).logp, before.logp);
}

// A hook that throws leaves the engine usable; ids out of range are refused.
TEST_F(EngineTest, HooksThatThrow) {
  Engine engine(*model_, CacheForm::kExpanded);
  const GenerateRequest r = request(70, 10, 1, 1);
  const Ids expected = engine.generate({r}, {}, {})[0].ids;
  EXPECT_THROW(engine.generate({r, r}, {}, {}, [](size_t, std::span<const int32_t>, size_t, float*) { return 1 << 20; }), Error);
  EXPECT_FALSE(engine.step()) << "nothing of the failed call is left";
  int calls = 0;
  const Engine::Id id = engine.submit(r, {}, [&](size_t, std::span<const int32_t>, size_t, float*) -> int32_t {
    if (++calls == 4) throw Error("once");
    return kNoForce;
  });
  EXPECT_THROW(while (engine.step()) continue, Error);
  while (engine.step()) continue;
  EXPECT_EQ(engine.take(id).ids, expected);
}

// Windows scored side by side, in any company, add up to the bits of each scored alone.
TEST_F(EngineTest, ScoresOfWindowsDoNotDependOnTheirBatch) {
  on_every_isa([&] {
    SetUp();
    const int64_t vocab = model_->config().vocab_size;
    std::vector<Ids> windows;
    for (uint64_t i = 0; i < 64; ++i) windows.push_back(random_ids(i % 5 == 4 ? 1 : 2 + int64_t(i * 37 % 190), vocab, i));
    double nll = 0;
    int64_t tokens = 0;
    for (const Ids& w : windows) {
      const Score alone = score_windows(*model_, {w});
      nll += alone.nll;
      tokens += alone.tokens;
    }
    ASSERT_GT(tokens, 4096) << "the windows must not fit in one forward";
    for (const int threads : {1, 2, 3}) {
      set_thread_count(threads);
      const Score together = score_windows(*model_, windows);
      EXPECT_EQ(together.tokens, tokens);
      EXPECT_EQ(std::memcmp(&together.nll, &nll, sizeof nll), 0) << together.nll << " against " << nll;
    }
  });
}

}  // namespace
}  // namespace minke
