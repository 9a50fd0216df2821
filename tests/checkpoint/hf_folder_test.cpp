#include "checkpoint/hf_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

class HfFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("minke-hf-" + std::to_string(getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    config_ = ModelConfig::load(MINKE_SOURCE_DIR "/configs/nano.toml");
    config_.vocab_size = 32;
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  // Values that depend on the name alone, exact in bf16.
  static float value(const std::string& name, int64_t i) { return float(int64_t((xxh3_64(name.data(), name.size()) + uint64_t(i) * 37) % 255) - 127) / 64; }
  ParameterSource source() {
    return [this](const ParameterSpec& p) {
      EXPECT_EQ(p.copy_of, "");
      values_.resize(size_t(p.elements()));
      for (int64_t i = 0; i < p.elements(); ++i) values_[size_t(i)] = value(p.name, i);
      return ParameterValues{DType::kF32, values_.data()};
    };
  }
  void expect_values(const std::string& path, const ModelConfig& config) {
    const HfFolder folder(path);
    folder.check(config);
    for (const ParameterSpec& p : parameter_list(config)) {
      std::vector<float> got(size_t(p.elements()));
      folder.read(p.name, p.shape, DType::kF32, got.data());
      for (int64_t i = 0; i < p.elements(); ++i)
        ASSERT_EQ(got[size_t(i)], value(p.copy_of.empty() ? p.name : p.copy_of, i)) << p.name << " " << i;
    }
  }
  static std::string error_of(const std::function<void()>& run) {
    try {
      run();
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
      return e.what();
    }
    return "(no error)";
  }
  size_t entries(const std::string& path) const { return size_t(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }

  fs::path dir_;
  ModelConfig config_;
  std::vector<float> values_;
};

TEST_F(HfFolderTest, OneFileRoundTrip) {
  for (DType dtype : {DType::kBF16, DType::kF32}) {
    config_.dtype = dtype;
    write_hf_folder(at("m"), config_, source());
    EXPECT_TRUE(fs::exists(at("m/model.safetensors")));
    EXPECT_FALSE(fs::exists(at("m/model.safetensors.index.json")));
    expect_values(at("m"), config_);
    const HfFolder folder(at("m"));
    const ParameterCounts counts = count_parameters(config_);
    EXPECT_EQ(folder.total_bytes(), uint64_t(counts.stored_bytes));
    EXPECT_EQ(int64_t(folder.tensors().size()), counts.stored_tensors);
    EXPECT_EQ(folder.find("model.layers.1.mlp.gate.e_score_correction_bias")->dtype, "F32");
    EXPECT_EQ(folder.find("model.norm.weight")->dtype, dtype_info(dtype).safetensors);
    EXPECT_EQ(folder.config().to_json(), config_.to_json());
  }
  const auto generation = nlohmann::json::parse(read_file(at("m/generation_config.json")));
  EXPECT_EQ(generation["eos_token_id"], 1);
}

TEST_F(HfFolderTest, ShardsAndIndex) {
  SaveOptions options;
  options.shard_bytes = 40'000;
  options.files["tokenizer.json"] = "{}";
  write_hf_folder(at("m"), config_, source(), options);
  expect_values(at("m"), config_);
  EXPECT_EQ(read_tokenizer_files(at("m")).at("tokenizer.json"), "{}");
  const auto index = nlohmann::json::parse(read_file(at("m/model.safetensors.index.json")));
  EXPECT_EQ(index["metadata"]["total_size"], count_parameters(config_).stored_bytes);
  std::set<std::string> shards;
  for (const auto& [name, shard] : index["weight_map"].items()) shards.insert(shard.get<std::string>());
  EXPECT_GT(shards.size(), 3u);
  EXPECT_EQ(*shards.begin(), "model-00001-of-000" + std::to_string(shards.size()) + ".safetensors");
  EXPECT_EQ(entries(at("m")), shards.size() + 4);
  // Another save with fewer files leaves none of these behind.
  write_hf_folder(at("m"), config_, source());
  expect_values(at("m"), config_);
  EXPECT_EQ(entries(at("m")), 4u) << "model, config, generation_config, tokenizer.json";
}

TEST_F(HfFolderTest, ReadsHalfPrecision) {
  ModelConfig dense = config_;
  fs::create_directories(at("m"));
  write_file_atomic(at("m/config.json"), dense.to_json());
  std::vector<TensorInfo> tensors(2);
  tensors[0].name = "half";
  tensors[0].dtype = "F16";
  tensors[0].shape = {8};
  tensors[1].name = "eight";
  tensors[1].dtype = "F8_E4M3";
  tensors[1].shape = {8};
  const uint16_t halves[8] = {0x3C00, 0xC000, 0x0001, 0x8000, 0x7BFF, 0x7C00, 0x0400, 0x3555};
  write_safetensors(at("m/model.safetensors"), tensors, [&](const TensorInfo& t, const PutBytes& put) { put(halves, t.bytes()); });
  const HfFolder folder(at("m"));
  float got[8];
  folder.read("half", {8}, DType::kF32, got);
  const float want[8] = {1, -2, 0x1p-24f, -0.0f, 65504, INFINITY, 0x1p-14f, 0x1.554p-2f};
  EXPECT_EQ(std::memcmp(got, want, sizeof got), 0);
  EXPECT_NE(error_of([&] { folder.read("eight", {8}, DType::kF32, got); }).find("has no quantization_config"), std::string::npos);
  EXPECT_NE(error_of([&] { folder.read("half", {4, 2}, DType::kF32, got); }).find("is [8], expected [4, 2]"), std::string::npos);
  EXPECT_NE(error_of([&] { folder.read("none", {8}, DType::kF32, got); }).find("tensor none is missing"), std::string::npos);
}

TEST_F(HfFolderTest, CheckNamesWhatIsWrong) {
  write_hf_folder(at("m"), config_, source());
  ModelConfig other = config_;
  other.q_lora_rank = 0;
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(other); }).find("model.layers.0.self_attn.q_proj.weight"), std::string::npos);
  other = config_;
  other.moe_intermediate_size = 48;
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(other); }).find("is [32, 64], expected [48, 64]"), std::string::npos);
  other = config_;
  other.n_routed_experts = 4;
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(other); }).find("[8, 64], expected [4, 64]"), std::string::npos);
  other = config_;
  other.n_shared_experts = 0;
  EXPECT_NE(error_of([&] { HfFolder(at("m")).check(other); }).find("have no place"), std::string::npos);
  // A folder without MTP tensors whose config asks for them, as transformers writes one.
  ModelConfig without = config_;
  without.num_nextn_predict_layers = 0;
  write_hf_folder(at("n"), without, source());
  EXPECT_NE(error_of([&] { HfFolder(at("n")).check(config_); }).find("minke convert --drop-mtp"), std::string::npos);
  EXPECT_EQ(error_of([&] { HfFolder(at("m")).check(without); }), "(no error)") << "MTP layers beyond the config's are allowed";
}

TEST_F(HfFolderTest, BadFolders) {
  EXPECT_NE(error_of([&] { HfFolder f(at("none")); }).find("expected a model folder"), std::string::npos);
  SaveOptions options;
  options.shard_bytes = 40'000;
  write_hf_folder(at("m"), config_, source(), options);
  const std::string index_path = at("m/model.safetensors.index.json");
  const auto index = nlohmann::json::parse(read_file(index_path));
  const auto opening_with = [&](const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json j = index;
    change(j);
    write_file_atomic(index_path, j.dump());
    return error_of([&] { HfFolder f(at("m")); });
  };
  EXPECT_EQ(opening_with([](auto&) {}), "(no error)");
  for (const char* bad : {"../m/model-00001-of-00004.safetensors", "/etc/passwd", "a/b.safetensors", "..safetensors", "", "config.json"})
    EXPECT_NE(opening_with([&](auto& j) { j["weight_map"]["lm_head.weight"] = bad; }).find("expected the name of a .safetensors file"), std::string::npos) << bad;
  EXPECT_NE(opening_with([](auto& j) { j["weight_map"]["lm_head.weight"] = 3; }).find("lm_head.weight: expected a file name"), std::string::npos);
  EXPECT_NE(opening_with([](auto& j) { j["weight_map"]["lm_head.weight"] = "gone.safetensors"; }).find("gone.safetensors"), std::string::npos);
  EXPECT_NE(opening_with([](auto& j) { j["weight_map"]["extra"] = j["weight_map"]["lm_head.weight"]; }).find("extra"), std::string::npos);
  EXPECT_NE(opening_with([](auto& j) { j.erase("weight_map"); }).find("weight_map"), std::string::npos);
  write_file_atomic(index_path, "{\"weight_map\": {");
  EXPECT_NE(error_of([&] { HfFolder f(at("m")); }).find("not a JSON object"), std::string::npos);
  fs::remove(index_path);
  EXPECT_NE(error_of([&] { HfFolder f(at("m")); }).find("no weights"), std::string::npos);
}

TEST_F(HfFolderTest, FailedSaveKeepsTheOldFolder) {
  write_hf_folder(at("m"), config_, source());
  int calls = 0;
  const ParameterSource good = source();
  const ParameterSource breaks = [&](const ParameterSpec& p) {
    if (++calls == 20) fail("disk on fire");
    return good(p);
  };
  EXPECT_NE(error_of([&] { write_hf_folder(at("m"), config_, breaks); }).find("disk on fire"), std::string::npos);
  expect_values(at("m"), config_);
  EXPECT_EQ(entries(dir_), 1u) << "the temporary folder was left behind";
}

TEST_F(HfFolderTest, KeepsOtherPeoplesFiles) {
  write_hf_folder(at("m"), config_, source());
  write_file_atomic(at("m/metrics.jsonl"), "line\n");
  fs::create_directories(at("m/state/deep"));
  write_file_atomic(at("m/state/deep/file"), "state");
  write_hf_folder(at("m"), config_, source());
  EXPECT_EQ(read_file(at("m/metrics.jsonl")), "line\n");
  EXPECT_EQ(read_file(at("m/state/deep/file")), "state");
  expect_values(at("m"), config_);
  EXPECT_EQ(entries(dir_), 1u);

  fs::create_directories(at("photos"));
  write_file_atomic(at("photos/whale.jpg"), "x");
  EXPECT_NE(error_of([&] { write_hf_folder(at("photos"), config_, source()); }).find("something else than a model"), std::string::npos);
  EXPECT_NE(error_of([&] { write_hf_folder(at("photos/whale.jpg"), config_, source()); }).find("is a file"), std::string::npos);
  EXPECT_EQ(entries(at("photos")), 1u);
}

// Killed at any moment, a save leaves a whole old or a whole new folder, and the next save clears the remains.
TEST_F(HfFolderTest, KilledSaveLeavesAWholeFolder) {
  write_hf_folder(at("m"), config_, source());
  fs::create_directories(at("m/state"));
  Rng rng(3);
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) write_hf_folder(at("m"), config_, source());
    }
    usleep(useconds_t(1000 + rng.below(30'000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    expect_values(at("m"), config_);
  }
  write_hf_folder(at("m"), config_, source());
  EXPECT_EQ(entries(dir_), 1u) << "remains were not cleared";
  EXPECT_TRUE(fs::is_directory(at("m/state")));
}

}  // namespace
}  // namespace minke
