// The Learning gate in FP32: twenty steps of configs/nano.toml overlay the curve that PyTorch made from the same initial weights on
// the same batches, on every variant.
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/oracle.h"
#include "train/step.h"
#include "train/training_data.h"

namespace minke {
namespace {

constexpr const char* kAgain = "nano's config, data or initial weights changed since the curve was recorded; record it again with "
                               "tools/oracle/record_nano_curve.sh";

uint32_t crc(uint32_t before, const void* data, size_t bytes) { return uint32_t(crc32_z(before, static_cast<const Bytef*>(data), bytes)); }

uint32_t crc_of_weights(const Weights& w) {
  std::vector<size_t> order(w.specs().size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return w.specs()[a].name < w.specs()[b].name; });
  uint32_t sum = 0;
  for (const size_t i : order) {
    const ParameterSpec& spec = w.specs()[i];
    sum = crc(sum, spec.name.data(), spec.name.size());
    sum = crc(sum, w.masters() + w.offset(i), size_t(spec.elements()) * sizeof(float));
  }
  return sum;
}

TEST(NanoCurve, OverlaysPyTorch) {
  const std::string text = read_file("configs/nano.toml");
  const ModelConfig config = ModelConfig::from_toml(text, "configs/nano.toml");
  const RunConfig run = RunConfig::from_toml(text, "configs/nano.toml");
  const TrainOptions& o = run.train;
  const auto curve = nlohmann::json::parse(read_file("tests/data/oracle/nano_curve.json"));
  const auto& of = curve.at("of");
  const auto& loss = curve.at("loss");
  ASSERT_EQ(o.precision, "f32");
  ASSERT_EQ(loss.size(), 20u);

  TrainingData data(run.data, o, o.sequence_length);
  std::vector<StepBatch> batches;
  uint32_t batches_crc = 0;
  for (size_t s = 0; s < loss.size(); ++s) {
    batches.push_back(data.batches().next());
    batches_crc = crc(batches_crc, batches.back().tokens.data(), batches.back().tokens.size() * sizeof(int32_t));
    const StepValues v = scheduled(o, double(s) * double(o.batch_sequences * o.sequence_length) / double(o.tokens));
    for (const auto& [name, value] : {std::pair("lr", v.lr), {"gamma", v.gamma}, {"mtp_weight", v.mtp_lambda}})
      ASSERT_NEAR(of.at("recipe").at(name).at(s).get<double>(), value, 1e-12) << name << " of step " << s + 1 << ": " << kAgain;
  }
  ASSERT_EQ(of.at("batches").get<uint32_t>(), batches_crc) << kAgain;

  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    force_isa(isa);
    const auto began = std::chrono::steady_clock::now();
    Transformer model(config, o.compute(), WeightUse::kTraining);
    initialise(model, o.seed);
    ASSERT_EQ(of.at("weights").get<uint32_t>(), crc_of_weights(model.weights())) << kAgain;
    TrainStep step(model, o, run.data.mask_segments);
    Progress progress;
    double worst = 0;
    for (size_t s = 0; s < loss.size(); ++s) {
      const StepReport r = step.run(batches[s].view(), scheduled(o, double(progress.tokens) / double(o.tokens)), progress);
      const double main = loss[s].get<double>(), mtp = curve.at("mtp_loss")[s][0].get<double>();
      ASSERT_NEAR(r.losses.main, main, 1e-4) << isa_name(isa) << " step " << s + 1;
      ASSERT_EQ(r.losses.mtp.size(), 1u);
      ASSERT_NEAR(r.losses.mtp[0], mtp, 1e-4) << isa_name(isa) << " step " << s + 1;
      worst = std::max({worst, std::abs(r.losses.main - main), std::abs(r.losses.mtp[0] - mtp)});
    }
    std::printf("%-12s %zu steps, largest difference %.1e, %.1f s\n", isa_name(isa), loss.size(), worst,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  force_isa(before);
}

}  // namespace
}  // namespace minke
