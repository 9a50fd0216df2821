#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/hf_folder.h"
#include "cli/commands.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

struct Result {
  int code;
  std::string out, err;
};

Result run(std::vector<std::string> args) {
  args.insert(args.begin(), "minke");
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Result r;
  r.code = run_cli(int(argv.size()), argv.data());
  r.out = testing::internal::GetCapturedStdout();
  r.err = testing::internal::GetCapturedStderr();
  return r;
}

class InspectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("minke-inspect-" + std::to_string(getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    config_ = ModelConfig::load(MINKE_SOURCE_DIR "/configs/nano.toml");
    // Not by write_hf_folder(): the reader is tried on tensors laid out by the list alone.
    std::vector<TensorInfo> tensors;
    for (const ParameterSpec& p : parameter_list(config_)) {
      TensorInfo t;
      t.name = p.name;
      t.dtype = dtype_info(p.stored_dtype(config_.dtype)).safetensors;
      t.shape = p.shape;
      tensors.push_back(t);
    }
    fs::create_directories(at("m"));
    write_file_atomic(at("m/config.json"), config_.to_json());
    write_safetensors(at("m/model.safetensors"), tensors, [](const TensorInfo& t, const PutBytes& put) {
      std::vector<float> f32(size_t(t.elements()));
      for (size_t i = 0; i < f32.size(); ++i) f32[i] = float((i + t.name.size()) % 17) / 8;
      std::vector<uint8_t> bytes(t.bytes());
      convert(DType::kF32, f32.data(), *dtype_by_safetensors(t.dtype), bytes.data(), t.elements());
      put(bytes.data(), bytes.size());
    });
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  fs::path dir_;
  ModelConfig config_;
};

TEST_F(InspectTest, ConfigAndFolderAgree) {
  const Result config = run({"inspect", MINKE_SOURCE_DIR "/configs/nano.toml", "--json"});
  const Result folder = run({"inspect", at("m"), "--json"});
  ASSERT_EQ(config.code, 0) << config.err;
  ASSERT_EQ(folder.code, 0) << folder.err;
  auto a = nlohmann::json::parse(config.out), b = nlohmann::json::parse(folder.out);
  for (const char* key : {"total_params", "active_params", "mtp_params", "bytes", "kv_bytes_per_token"}) EXPECT_EQ(a[key], b[key]) << key;
  std::sort(a["tensors"].begin(), a["tensors"].end());
  std::sort(b["tensors"].begin(), b["tensors"].end());
  EXPECT_EQ(a["tensors"], b["tensors"]);
  EXPECT_EQ(run({"inspect", at("m")}).code, 0);
}

TEST_F(InspectTest, ConvertChangesDtypeAndDropsMtp) {
  ASSERT_EQ(run({"convert", at("m"), at("n"), "--dtype", "f32", "--drop-mtp"}).code, 0);
  const auto json = nlohmann::json::parse(run({"inspect", at("n"), "--json"}).out);
  EXPECT_EQ(json["mtp_params"], 0);
  EXPECT_EQ(json["bytes"], 4 * json["total_params"].get<int64_t>());
  for (const auto& t : json["tensors"]) EXPECT_EQ(t["dtype"], "F32");
  ASSERT_EQ(run({"convert", at("n"), at("n2"), "--dtype", "bf16"}).code, 0);
  const HfFolder before(at("m")), after(at("n2"));
  for (const TensorInfo* t : after.tensors()) {
    std::vector<float> x(size_t(t->elements())), y(x.size());
    before.read(t->name, t->shape, DType::kF32, x.data());
    after.read(t->name, t->shape, DType::kF32, y.data());
    EXPECT_EQ(x, y) << t->name;
  }
}

TEST_F(InspectTest, ConvertToFp8AndBack) {
  const Result first = run({"convert", at("m"), at("n"), "--dtype", "fp8", "--scales", "pow2"});
  ASSERT_EQ(first.code, 0) << first.err;
  const auto json = nlohmann::json::parse(run({"inspect", at("n"), "--json"}).out);
  EXPECT_NE(first.out.find(std::to_string(json["bytes"].get<int64_t>()) + " bytes, fp8\n"), std::string::npos) << first.out;
  EXPECT_EQ(json["total_params"], nlohmann::json::parse(run({"inspect", at("m"), "--json"}).out)["total_params"]) << "scales are no parameters";
  ASSERT_EQ(run({"convert", at("n"), at("again")}).code, 0);
  EXPECT_EQ(read_file(at("again/model.safetensors")), read_file(at("n/model.safetensors")));
  EXPECT_EQ(read_file(at("again/config.json")), read_file(at("n/config.json")));

  // Powers of two: bf16 holds every value exactly.
  ASSERT_EQ(run({"convert", at("n"), at("back"), "--dtype", "bf16"}).code, 0);
  EXPECT_EQ(read_file(at("back/config.json")), read_file(at("m/config.json")));
  const HfFolder fp8(at("n")), back(at("back"));
  size_t matrices = 0;
  for (const TensorInfo* t : back.tensors()) {
    std::vector<float> x(size_t(t->elements())), y(x.size());
    fp8.read(t->name, t->shape, DType::kF32, x.data());
    back.read(t->name, t->shape, DType::kF32, y.data());
    EXPECT_EQ(x, y) << t->name;
    EXPECT_EQ(t->dtype, t->name.ends_with("e_score_correction_bias") ? "F32" : "BF16");
    matrices += fp8.find(t->name)->dtype == "F8_E4M3";
  }
  EXPECT_EQ(fp8.tensors().size(), back.tensors().size() + matrices);
  EXPECT_GT(matrices, 0u);
}

// One line, the right exit code, and the old model untouched.
TEST_F(InspectTest, BadInput) {
  const struct {
    std::vector<std::string> args;
    int code;
    const char* says;
  } rows[] = {
      {{"inspect"}, 2, "required"},
      {{"inspect", at("m"), "--jsom"}, 2, "--jsom"},
      {{"inspect", at("nothing")}, 1, "nothing"},
      {{"inspect", at("m/model.safetensors")}, 1, "expected a model folder, a .json or a .toml"},
      {{"convert", at("m"), at("m")}, 2, "both source and target"},
      {{"convert", at("m"), at("n"), "--dtype", "fp16"}, 2, "fp16"},
      {{"convert", at("m"), at("n"), "--scales", "pow2"}, 2, "--scales goes with --dtype fp8"},
      {{"convert", at("m"), at("m/config.json")}, 1, "is a file"},
      {{"convert", at("nothing"), at("n")}, 1, "expected a model folder"},
  };
  for (const auto& row : rows) {
    const Result r = run(row.args);
    EXPECT_EQ(r.code, row.code) << r.err;
    EXPECT_NE(r.err.find(row.says), std::string::npos) << r.err;
    EXPECT_EQ(r.out, "");
  }
  EXPECT_FALSE(fs::exists(at("n")));
  EXPECT_EQ(run({"inspect", at("m")}).code, 0);

  fs::resize_file(at("m/model.safetensors"), fs::file_size(at("m/model.safetensors")) - 1);
  const Result truncated = run({"inspect", at("m")});
  EXPECT_EQ(truncated.code, 1);
  EXPECT_NE(truncated.err.find("truncated"), std::string::npos) << truncated.err;
  EXPECT_EQ(std::count(truncated.err.begin(), truncated.err.end(), '\n'), 1) << truncated.err;
}

// A full disk, by way of the limit on a file's size: the write itself fails.
TEST_F(InspectTest, FullDiskKeepsTheOldFolder) {
  ASSERT_EQ(run({"convert", at("m"), at("n")}).code, 0);
  const std::string before = read_file(at("n/model.safetensors"));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{20'000, 20'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Result r = run({"convert", at("m"), at("n"), "--dtype", "f32"});
    _exit(r.code == 1 && r.err.find("cannot write") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(read_file(at("n/model.safetensors")), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 2) << "the temporary folder was left behind";
}

}  // namespace
}  // namespace minke
