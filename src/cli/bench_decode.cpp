#include "cli/bench_decode.h"

#include <time.h>

#include <algorithm>

#include "base/rng.h"
#include "base/threads.h"
#include "model/cost.h"
#include "train/step.h"

namespace minke {
namespace {

// One thread is timed by its own CPU time, more by the clock.
double now() {
  timespec t{};
  clock_gettime(thread_count() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

struct Streams {
  Streams(const std::string& config, DType dtype) : model(ModelConfig::load(config), dtype, WeightUse::kTraining) { initialise(model, 1); }
  Transformer model;
  std::unique_ptr<Engine> engine;
  std::vector<GenerateRequest> requests;
  std::vector<double> best;   // [steps]
};

}  // namespace

DecodeBench decode_bench(const std::string& config, DType dtype, CacheForm form, int64_t streams, int64_t prompt, int64_t answer) {
  const auto s = std::make_shared<Streams>(config, dtype);
  s->engine = std::make_unique<Engine>(s->model, form, EngineOptions{.step_rows = streams * prompt, .max_sequences = streams});
  Rng rng(1);
  for (int64_t i = 0; i < streams; ++i) {
    GenerateRequest r;
    for (int64_t t = 0; t < prompt; ++t) r.prompt.push_back(int32_t(rng.below(uint64_t(s->model.config().vocab_size))));
    r.max_tokens = answer;
    r.sampler.temperature = 1;
    r.sequence = uint64_t(i);
    r.record = true;  // as a rollout does
    r.record_experts = form == CacheForm::kLatent;
    s->requests.push_back(r);
  }
  DecodeBench out;
  out.shape = std::to_string(streams) + " x (" + std::to_string(prompt) + " + " + std::to_string(answer) + ")";
  out.tokens = double(streams * (answer - 1));  // the first one comes with the prompt
  const int64_t mean = prompt + answer / 2;     // keys a decoded row sees
  out.flop = out.tokens * forward_flops_per_token(s->model.config(), 2 * mean - 1, false);
  s->best.assign(size_t(answer - 1), 1e30);
  out.run = [s] {
    std::vector<Engine::Id> ids;
    for (const GenerateRequest& r : s->requests) ids.push_back(s->engine->submit(r));
    s->engine->step();
    for (double& best : s->best) {
      const double start = now();
      s->engine->step();
      best = std::min(best, now() - start);
    }
    for (const Engine::Id id : ids) s->engine->take(id);
    double sum = 0;
    for (const double b : s->best) sum += b;
    return sum;
  };
  return out;
}

}  // namespace minke
