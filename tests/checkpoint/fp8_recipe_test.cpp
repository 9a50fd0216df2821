// The FP8 recipe in a whole model: what is saved and opened again computes the same bits, and FP8 rounds what it should and no more.
#include <unistd.h>

#include <filesystem>

#include "checkpoint/hf_folder.h"
#include "checkpoint/oracle.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

std::vector<float> logits_of(Transformer& model) {
  const std::vector<int32_t> ids = {0, 5, 9, 3, 12, 7, 7, 2, 30, 4};
  Rows rows;
  rows.add(int64_t(ids.size()), 0);
  Arena arena;
  ForwardSaved saved;
  model.forward(rows, ids.data(), saved, arena, {}, false);
  const View out = take(arena, DType::kF32, rows.count(), model.config().vocab_size);
  model.logits(saved.x, out);
  return {out.f32(), out.f32() + out.rows * out.cols};
}

// From f32 masters to E4M3 and its scales and back: the recipe's logits bit for bit, for an odd-sized model too.
TEST(Fp8Recipe, SavedAndOpenedGivesTheSameLogits) {
  const std::string folder = (fs::temp_directory_path() / ("minke-fp8-recipe-" + std::to_string(getpid()))).string();
  for (const char* name : {"v3", "v3-odd", "v3-mtp2"}) {
    SCOPED_TRACE(name);
    const auto trained = load_model(oracle_folder(name), "fp8", WeightUse::kTraining);
    save_model(folder, *trained, "");
    const HfFolder saved(folder);
    ASSERT_TRUE(saved.fp8());
    EXPECT_EQ(saved.fp8()->scale, Fp8Scale::kPowerOfTwo);
    const std::vector<float> expected = logits_of(*trained);
    EXPECT_EQ(logits_of(*load_model(folder, "fp8", WeightUse::kInference)), expected);
    EXPECT_NE(logits_of(*load_model(folder, "auto", WeightUse::kInference)), expected) << "without the recipe activations are not rounded";
    fs::remove_all(folder);
  }
}

TEST(Fp8Recipe, IsNearBf16AndNotIt) {
  const auto bf16_model = load_model(oracle_folder("v3"), "bf16", WeightUse::kInference);
  const auto fp8 = load_model(oracle_folder("v3"), "fp8", WeightUse::kInference);
  const std::vector<float> a = logits_of(*bf16_model), b = logits_of(*fp8);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) difference += std::pow(double(a[i] - b[i]), 2), norm += std::pow(double(a[i]), 2);
  EXPECT_GT(difference, 0);
  EXPECT_LT(std::sqrt(difference / norm), 0.25);  // E4M3 keeps 4 bits: each rounding is up to 2^-4
}

TEST(Fp8Recipe, ExceptionsAreNotRounded) {
  const auto model = load_model(oracle_folder("v3"), "fp8", WeightUse::kTraining);
  EXPECT_EQ(model->head().recipe, nullptr);
  EXPECT_NE(model->block(0).self_attn.o_proj.recipe, nullptr);
}

}  // namespace
}  // namespace minke
