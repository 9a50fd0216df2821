// Model folders in the published FP8 format: read as their dequantised weights, written as V3 and V3.1 are.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "checkpoint/hf_folder.h"
#include "checkpoint/oracle.h"

namespace minke {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::string kTiny = oracle_folder("tiny-v3-fp8");
const std::string kMatrix = "model.layers.1.self_attn.q_b_proj.weight";

class Fp8FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("minke-fp8-" + std::to_string(getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  static std::string error_of(const std::function<void()>& run) {
    try {
      run();
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
      return e.what();
    }
    return "(no error)";
  }

  // A copy of the recorded folder with a changed config.json or changed tensors.
  void copy_tiny(const std::string& to, const std::function<void(Json&)>& change_config, const std::function<void(TensorInfo&)>& change = {},
                 const std::string& leave_out = "") {
    fs::create_directories(to);
    Json config = Json::parse(read_file(kTiny + "/config.json"));
    if (change_config) change_config(config);
    write_file_atomic(to + "/config.json", config.dump());
    const SafetensorsFile from(kTiny + "/model.safetensors");
    std::vector<TensorInfo> tensors;
    for (TensorInfo t : from.tensors()) {
      if (t.name == leave_out) continue;
      if (change) change(t);
      tensors.push_back(t);
    }
    write_safetensors(to + "/model.safetensors", tensors, [&](const TensorInfo& t, const PutBytes& put) {
      const TensorInfo& old = *from.find(t.name);
      std::vector<uint8_t> bytes(t.bytes());
      std::memcpy(bytes.data(), from.data(old), std::min(t.bytes(), old.bytes()));
      put(bytes.data(), bytes.size());
    });
  }

  fs::path dir_;
};

// logits.f32 is an independent float64 program's with the dequantised weights; every variant this machine has.
TEST_F(Fp8FolderTest, RecordedLogits) {
  const SafetensorsFile expected(oracle_folder("tiny-v3") + "/expected.safetensors");
  const auto ids = oracle_values<int32_t>(expected, "ids");
  const std::string bytes = read_file(kTiny + "/logits.f32");
  std::vector<float> logits(bytes.size() / 4);
  std::memcpy(logits.data(), bytes.data(), bytes.size());
  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    const auto model = load_model(kTiny, "f32", WeightUse::kInference);
    ASSERT_EQ(logits.size(), ids.size() * size_t(model->config().vocab_size));
    Rows rows;
    rows.add(int64_t(ids.size()), 0);
    Arena arena;
    ForwardSaved saved;
    model->forward(rows, ids.data(), saved, arena, {}, false);
    const View got = take(arena, DType::kF32, rows.count(), model->config().vocab_size);
    model->logits(saved.x, got);
    EXPECT_LE(largest_difference(got.f32(), logits.data(), logits.size()), 1e-4);
  }
  force_isa(before);
  EXPECT_EQ(load_model(kTiny, "auto", WeightUse::kInference)->compute(), DType::kBF16);
}

// In training too the masters are the codes times their scales.
TEST_F(Fp8FolderTest, MastersAreDequantised) {
  const HfFolder folder(kTiny);
  const auto model = load_model(kTiny, "f32", WeightUse::kTraining);
  const SafetensorsFile file(kTiny + "/model.safetensors");
  const TensorInfo *codes = file.find(kMatrix), *scales = file.find(kMatrix + "_scale_inv");
  ASSERT_TRUE(codes && scales);
  const int64_t columns = codes->shape[1], tiles = scales->shape[1];
  ASSERT_EQ(scales->shape, (std::vector<int64_t>{(codes->shape[0] + 127) / 128, (columns + 127) / 128}));
  const float* master = model->weights().master(kMatrix);
  for (int64_t i = 0; i < codes->elements(); ++i) {
    float scale = 0;
    std::memcpy(&scale, file.data(*scales) + size_t(i / columns / 128 * tiles + i % columns / 128) * 4, 4);
    ASSERT_EQ(master[i], fp8_decode<E4M3>(file.data(*codes)[i]) * scale) << i;
  }
}

TEST_F(Fp8FolderTest, BadFolders) {
  const auto opening = [&](const std::function<void(Json&)>& change) {
    copy_tiny(at("m"), change);
    return error_of([&] { HfFolder(at("m")).check(); });
  };
  EXPECT_EQ(opening({}), "(no error)");
  const auto quantization = [&](const char* key, const Json& value) {
    return opening([&](Json& j) { j["quantization_config"][key] = value; });
  };
  EXPECT_NE(quantization("quant_method", "gptq").find("quantization_config.quant_method: expected \"fp8\""), std::string::npos);
  EXPECT_NE(quantization("fmt", "e5m2").find("quantization_config.fmt: expected \"e4m3\", found \"e5m2\""), std::string::npos);
  EXPECT_NE(quantization("activation_scheme", "static").find("activation_scheme: expected \"dynamic\""), std::string::npos);
  EXPECT_NE(quantization("weight_block_size", Json()).find("weight_block_size: expected rows and columns"), std::string::npos);
  EXPECT_NE(quantization("weight_block_size", {0, 128}).find("weight_block_size"), std::string::npos);
  EXPECT_NE(opening([](Json& j) { j["quantization_config"].erase("quant_method"); }).find("quant_method is missing"), std::string::npos);
  EXPECT_NE(opening([](Json& j) { j["quantization_config"] = 3; }).find("quantization_config: expected an object"), std::string::npos);
  // Other blocks, other scales.
  EXPECT_NE(quantization("weight_block_size", {64, 64}).find("_scale_inv is [1, 1], expected"), std::string::npos);
  EXPECT_EQ(quantization("scale_fmt", "ue8m0"), "(no error)");

  // Without the config's word nothing is guessed.
  copy_tiny(at("m"), [](Json& j) { j.erase("quantization_config"); });
  EXPECT_NE(error_of([&] { load_model(at("m"), "f32", WeightUse::kInference); }).find("no quantization_config"), std::string::npos);

  copy_tiny(at("m"), {}, {}, kMatrix + "_scale_inv");
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(); }).find("missing that config.json asks for: " + kMatrix + "_scale_inv"), std::string::npos);
  copy_tiny(at("m"), {}, [](TensorInfo& t) {
    if (t.name == kMatrix + "_scale_inv") t.shape = {1, 3};
  });
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(); }).find(kMatrix + "_scale_inv is [1, 3], expected [2, 1]"), std::string::npos);
  copy_tiny(at("m"), {}, [](TensorInfo& t) {
    if (t.name == kMatrix) t.dtype = "BF16";
  });
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(); }).find("have no place in the model that config.json describes: " + kMatrix + "_scale_inv"), std::string::npos);
  copy_tiny(at("m"), {}, [](TensorInfo& t) {
    if (t.name == kMatrix) t.dtype = "F8_E5M2";
  });
  EXPECT_NE(error_of([&] { load_model(at("m"), "f32", WeightUse::kInference); }).find("F8_E5M2; minke reads"), std::string::npos);
}

// nano's matrices are narrower than a block, its tables and routers stay what they were.
class Fp8WriteTest : public Fp8FolderTest {
 protected:
  void SetUp() override {
    Fp8FolderTest::SetUp();
    config_ = ModelConfig::load(MINKE_SOURCE_DIR "/configs/nano.toml");
    config_.vocab_size = 32;
    config_.intermediate_size = 200;
  }
  static std::vector<float> values_of(const ParameterSpec& p) {
    Rng rng(uint64_t(p.elements()) + p.name.size());
    std::vector<float> out(size_t(p.elements()));
    for (float& x : out) x = float(rng.uniform()) - 0.5f;
    return out;
  }
  ParameterSource source() {
    return [this](const ParameterSpec& p) {
      values_ = values_of(p);
      return ParameterValues{DType::kF32, values_.data()};
    };
  }
  static SaveOptions as_fp8(Fp8Scale scale) {
    SaveOptions options;
    options.fp8 = Fp8Weights{kFp8WeightBlock, scale};
    return options;
  }

  ModelConfig config_;
  std::vector<float> values_;
};

TEST_F(Fp8WriteTest, AsPublished) {
  for (const Fp8Scale scale : {Fp8Scale::kF32, Fp8Scale::kPowerOfTwo}) {
    SaveOptions options = as_fp8(scale);
    options.shard_bytes = 30'000;
    write_hf_folder(at("m"), config_, source(), options);
    Json want = {{"quant_method", "fp8"}, {"fmt", "e4m3"}, {"activation_scheme", "dynamic"}, {"weight_block_size", {128, 128}}};
    if (scale == Fp8Scale::kPowerOfTwo) want["scale_fmt"] = "ue8m0";
    EXPECT_EQ(Json::parse(read_file(at("m/config.json")))["quantization_config"], want);
    const HfFolder folder(at("m"));
    folder.check();
    ASSERT_TRUE(folder.fp8());
    EXPECT_EQ(folder.fp8()->scale, scale);
    const Json index = Json::parse(read_file(at("m/model.safetensors.index.json")));
    EXPECT_EQ(index["metadata"]["total_size"], folder.total_bytes());
    EXPECT_EQ(index["weight_map"].size(), folder.tensors().size());

    size_t matrices = 0;
    for (const ParameterSpec& p : parameter_list(config_)) {
      SCOPED_TRACE(p.name);
      const TensorInfo* stored = folder.find(p.name);
      ASSERT_TRUE(stored);
      std::vector<float> expected = values_of(p), got(size_t(p.elements()));
      if (!p.copy_of.empty()) continue;
      const bool plain = p.shape.size() == 1 || p.name == "model.embed_tokens.weight" || p.name == "lm_head.weight" ||
                         p.name.ends_with("mlp.gate.weight") || p.name.ends_with("eh_proj.weight");
      if (plain) {
        EXPECT_EQ(stored->dtype, p.name.ends_with("e_score_correction_bias") ? "F32" : "BF16");
        EXPECT_FALSE(folder.find(p.name + "_scale_inv"));
        if (stored->dtype == "BF16")
          for (float& x : expected) x = bf16_round(x);
      } else {
        ++matrices;
        EXPECT_EQ(stored->dtype, "F8_E4M3");
        const TensorInfo* scales = folder.find(p.name + "_scale_inv");
        ASSERT_TRUE(scales);
        EXPECT_EQ(scales->dtype, "F32");
        EXPECT_EQ(scales->shape, (std::vector<int64_t>{(p.shape[0] + 127) / 128, (p.shape[1] + 127) / 128}));
        fp8_fake_quantise({p.shape[0], p.shape[1], kFp8WeightBlock}, DType::kF32, expected.data(), p.shape[1], scale);
      }
      folder.read(p.name, p.shape, DType::kF32, got.data());
      EXPECT_EQ(got, expected);
    }
    EXPECT_EQ(matrices * 2 + count_parameters(config_).stored_tensors - matrices, folder.tensors().size());
  }
}

// A folder that is in FP8 already keeps every bit, whatever its scales; only what is not is quantised.
TEST_F(Fp8WriteTest, CodesAreCopied) {
  const HfFolder from(kTiny);
  SaveOptions options;
  options.fp8 = from.fp8();
  options.fp8_codes = &from;
  Buffer values;
  write_hf_folder(at("m"), from.config(), [&](const ParameterSpec& p) {
    if (published_in_fp8(p)) ADD_FAILURE() << p.name << " was read to be quantised again";
    values.resize(size_t(p.elements()) * 4);
    from.read(p.name, p.shape, DType::kF32, values.data());
    return ParameterValues{DType::kF32, values.data()};
  }, options);
  const SafetensorsFile old(kTiny + "/model.safetensors"), copy(at("m/model.safetensors"));
  ASSERT_EQ(copy.tensors().size(), old.tensors().size());
  for (const TensorInfo& t : old.tensors()) {
    const TensorInfo* c = copy.find(t.name);
    ASSERT_TRUE(c) << t.name;
    EXPECT_EQ(c->dtype, t.dtype) << t.name;
    ASSERT_EQ(c->bytes(), t.bytes()) << t.name;
    EXPECT_EQ(std::memcmp(copy.data(*c), old.data(t), t.bytes()), 0) << t.name;
  }
}

}  // namespace
}  // namespace minke
