// Random schedules over the recorded models. MINKE_SCHEDULES says how many per dtype and variant (tools/full/engine_schedules.sh: 1,000);
// MINKE_SCHEDULE_SEED where their numbers start.
#include "infer/schedule.h"

namespace minke {
namespace {

int64_t number_from(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoll(text, nullptr, 10) : otherwise;
}

class Schedules : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override { set_thread_count(threads_); }
  const int threads_ = thread_count();
};

TEST_P(Schedules, GiveWhatEachRequestGetsAloneAndInTraining) {
  const int64_t n = number_from("MINKE_SCHEDULES", 12), first = number_from("MINKE_SCHEDULE_SEED", 1);
  const bool report = std::getenv("MINKE_SCHEDULES") != nullptr;
  on_every_isa([&] {
    ScheduleCounts c;
    for (const std::string& name : oracle_models()) {
      const auto model = load_model(oracle_folder(name), GetParam(), WeightUse::kInference);
      for (int64_t i = 0; i < n; ++i) {  // each model takes its share of the numbers
        if (i % int64_t(oracle_models().size()) != &name - oracle_models().data()) continue;
        SCOPED_TRACE(fmt::format("{} {} {}, schedule {}", isa_name(chosen_isa()), GetParam(), name, first + i));
        Schedule(*model, uint64_t(first + i)).run(c);
        if (HasFailure()) return;
      }
    }
    if (n >= 12) {
      EXPECT_GT(std::min({c.preempted, c.shared, c.forks, c.cancels, c.forced}), 0) << "the schedules do not cover what they are for";
    }
    if (report)
      fmt::print("{} {}: {} schedules, {} requests, {} tokens in {} steps; {} preempted, {} from a shared prompt, {} forks, {} cancels, {} forced ids: "
                 "all bits equal\n",
                 isa_name(chosen_isa()), GetParam(), n, c.requests, c.tokens, c.steps, c.preempted, c.shared, c.forks, c.cancels, c.forced);
  });
}

INSTANTIATE_TEST_SUITE_P(DTypes, Schedules, testing::Values("f32", "bf16", "fp8"), [](const auto& p) { return std::string(p.param); });

}  // namespace
}  // namespace minke
