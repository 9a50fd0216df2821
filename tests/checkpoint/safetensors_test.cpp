#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"

namespace minke {
namespace {

const std::string kData = MINKE_SOURCE_DIR "/tests/data/safetensors/";

// A folder that disappears with the test.
class Scratch {
 public:
  Scratch() : path_(std::filesystem::temp_directory_path() / ("minke-safetensors-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void write_raw(const std::string& path, const std::string& bytes) { write_file_atomic(path, bytes); }

std::string framed(const std::string& header, const std::string& data) {
  const uint64_t n = header.size();
  return std::string(reinterpret_cast<const char*>(&n), 8) + header + data;
}

TEST(Safetensors, VerdictsOfTheManifest) {
  const auto manifest = nlohmann::json::parse(read_file(kData + "manifest.json"));
  int accepted = 0, rejected = 0;
  for (const auto& row : manifest) {
    const std::string file = row["file"];
    std::string error;
    try {
      SafetensorsFile f(kData + file);
    } catch (const Error& e) {
      error = e.what();
    }
    if (row["expect"] == "accept") {
      EXPECT_EQ(error, "") << file;
      ++accepted;
    } else {
      EXPECT_NE(error, "") << file << " was accepted: " << row["why"];
      EXPECT_EQ(error.find('\n'), std::string::npos) << error;
      EXPECT_EQ(error.rfind(kData + file + ": ", 0), 0u) << error;
      ++rejected;
    }
  }
  EXPECT_EQ(accepted, 9);
  EXPECT_EQ(rejected, 30);
}

TEST(Safetensors, ReadsRealFiles) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "small")) {
    const SafetensorsFile f(entry.path().string());
    EXPECT_FALSE(f.tensors().empty());
    uint64_t at = 0;
    for (const TensorInfo& t : f.tensors()) {
      EXPECT_EQ(t.begin, at);
      at = t.end;
      EXPECT_EQ(f.find(t.name), &t);
    }
    ++files;
  }
  EXPECT_EQ(files, 6);
  const SafetensorsFile f(kData + "small/tensor-4d-float32.safetensors");
  EXPECT_EQ(f.tensors()[0].dtype, "F32");
  EXPECT_EQ(f.tensors()[0].shape.size(), 4u);
  EXPECT_EQ(f.find("no such tensor"), nullptr);
}

TEST(Safetensors, ReadsValues) {
  const SafetensorsFile f(kData + "valid/metadata.safetensors");
  ASSERT_EQ(f.tensors().size(), 1u);
  const TensorInfo& t = f.tensors()[0];
  EXPECT_EQ(t.dtype, "BF16");
  uint16_t bits[2];
  ASSERT_EQ(t.bytes(), sizeof bits);
  std::memcpy(bits, f.data(t), sizeof bits);
  EXPECT_EQ(bits[0], 0x3F80);  // 1.0
  EXPECT_EQ(bits[1], 0x4000);  // 2.0
  EXPECT_FALSE(f.metadata().empty());
}

TEST(Safetensors, OffsetsBeyondFourGigabytes) {
  Scratch dir;
  // A sparse file: 6 GiB of nothing, then one byte.
  const uint64_t big = uint64_t(6) << 30;
  const std::string header = R"({"big":{"dtype":"U8","shape":[6442450944],"data_offsets":[0,6442450944]},"last":{"dtype":"U8","shape":[1],"data_offsets":[6442450944,6442450945]}})";
  write_raw(dir / "big", framed(header, ""));
  std::error_code error;
  std::filesystem::resize_file(dir / "big", 8 + header.size() + big + 1, error);
  if (error) GTEST_SKIP() << "no sparse files here: " << error.message();
  const SafetensorsFile f(dir / "big");
  EXPECT_EQ(f.find("last")->begin, big);
  EXPECT_EQ(*f.data(*f.find("last")), 0);
}

TEST(Safetensors, StricterCases) {
  Scratch dir;
  const struct {
    const char* header;
    size_t data;
    const char* says;
  } rows[] = {
      {R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "once each"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "appears twice"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1, "integers from 0"},
      {R"({"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}})", 1, "integers from 0"},
      {R"({"a":{"dtype":"U8","shape":[true],"data_offsets":[0,1]}})", 1, "integers from 0"},
      {R"({"a":3})", 0, "expected an object"},
      {R"({"__metadata__":{"k":"v","k":"w"}})", 0, "appears twice"},
      {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})", 4, "expected it to begin at 0"},
  };
  for (const auto& row : rows) {
    write_raw(dir / "x", framed(row.header, std::string(row.data, '\0')));
    try {
      SafetensorsFile f(dir / "x");
      ADD_FAILURE() << row.header;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(row.says), std::string::npos) << e.what();
    }
  }
  EXPECT_THROW(SafetensorsFile(dir / "missing"), Error);
  EXPECT_THROW(SafetensorsFile(kData + "valid"), Error);  // a folder
}

std::vector<TensorInfo> declare(const std::vector<std::tuple<const char*, const char*, std::vector<int64_t>>>& rows) {
  std::vector<TensorInfo> out;
  for (const auto& [name, dtype, shape] : rows) {
    TensorInfo t;
    t.name = name;
    t.dtype = dtype;
    t.shape = shape;
    out.push_back(t);
  }
  return out;
}

TEST(Safetensors, WritesWhatItReads) {
  Scratch dir;
  const auto value = [](const TensorInfo& t, uint64_t i) { return uint8_t(i * 31 + t.name.size() * 7 + uint8_t(t.name[0])); };
  const auto produce = [&](const TensorInfo& t, const PutBytes& put) {
    for (uint64_t i = 0; i < t.bytes(); ++i) {
      const uint8_t byte = value(t, i);
      put(&byte, 1);
    }
  };
  const auto tensors = declare({{"z", "BF16", {3, 5}}, {"b", "U8", {7}}, {"quote\"\n\xc3\xa9", "F32", {2}}, {"empty", "F32", {0, 4}}, {"scalar", "I64", {}}, {"a", "BF16", {1}}});
  EXPECT_EQ(write_safetensors(dir / "x", tensors, produce, {{"who", "minke"}}), 30u + 7 + 8 + 0 + 8 + 2);
  const SafetensorsFile f(dir / "x");
  EXPECT_EQ(f.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"who", "minke"}}));
  std::vector<std::string> order;
  for (const TensorInfo& t : f.tensors()) {
    order.push_back(t.name);
    for (uint64_t i = 0; i < t.bytes(); ++i) ASSERT_EQ(f.data(t)[i], value(t, i)) << t.name;
    const size_t width = size_t(safetensors_bits(t.dtype)) / 8;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(f.data(t)) % width, 0u) << t.name << " is not aligned";
  }
  EXPECT_EQ(order, (std::vector<std::string>{"scalar", "empty", "quote\"\n\xc3\xa9", "a", "z", "b"}));
  EXPECT_EQ(f.find("z")->shape, (std::vector<int64_t>{3, 5}));
}

TEST(Safetensors, FailedWriteKeepsTheOldFile) {
  Scratch dir;
  write_raw(dir / "x", "precious");
  const auto produce = [](const TensorInfo&, const PutBytes&) { fail("the source broke"); };
  EXPECT_THROW(write_safetensors(dir / "x", declare({{"a", "F32", {1}}}), produce), Error);
  EXPECT_EQ(read_file(dir / "x"), "precious");
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir / "")) ++files;
  EXPECT_EQ(files, 1u) << "a temporary file was left behind";
}

// Whatever bytes come, the reader answers with a file whose tensors lie inside it, or with an Error.
TEST(Safetensors, MutatedFilesNeverCrash) {
  Scratch dir;
  std::vector<std::string> seeds;
  for (const char* folder : {"valid", "malformed"})
    for (const auto& entry : std::filesystem::directory_iterator(kData + folder))
      if (entry.file_size() < 4096) seeds.push_back(read_file(entry.path().string()));
  std::sort(seeds.begin(), seeds.end());  // directory order varies
  Rng rng(11);
  int opened = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = seeds[rng.below(seeds.size())];
    for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      if (bytes.empty()) bytes.push_back(2);
      const size_t at = rng.below(std::min<size_t>(bytes.size(), 200));
      switch (rng.below(4)) {
        case 0: bytes[at] = char(rng.below(256)); break;
        case 1: bytes.erase(at, 1 + rng.below(16)); break;
        case 2: bytes.insert(at, 1, "0123456789[]{}\",:-"[rng.below(18)]); break;
        default: bytes.resize(rng.below(bytes.size() + 16));
      }
    }
    if (rng.below(2) && bytes.size() >= 8) {  // a right header length lets mutations reach deeper
      const uint64_t n = rng.below(bytes.size() - 7);
      std::memcpy(bytes.data(), &n, 8);
    }
    FILE* out = std::fopen((dir / "x").c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), out);
    std::fclose(out);
    try {
      const SafetensorsFile f(dir / "x");
      uint64_t sum = 0;
      for (const TensorInfo& t : f.tensors())
        for (uint64_t i = 0; i < t.bytes(); ++i) sum += f.data(t)[i];
      EXPECT_LE(sum, bytes.size() * 255);
      ++opened;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(opened, 10);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace minke
