// Whatever comes in wrong: one line that says what and where, the right exit code, and nothing half-written in place of something good.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/binary.h"

namespace minke {
namespace {

class BadInput : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    nano_ = read_file("configs/nano.toml");
    ASSERT_EQ(minke({"train", "configs/nano.toml", "--steps", "0", "--out", at("model")}).code, 0);
  }
  // `code`, one line on stderr with all of `says`, nothing on stdout unless a run had begun to talk.
  void expect(const std::vector<std::string>& arguments, int code, const std::vector<std::string>& says, const Launch& how = {}) const {
    std::string shown;
    for (const std::string& a : arguments) shown += " " + a;
    SCOPED_TRACE(shown);
    const Outcome o = minke(arguments, how);
    EXPECT_EQ(o.signal, 0);
    EXPECT_EQ(o.code, code) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(o.err.starts_with("minke: ")) << o.err;
    for (const std::string& text : says) EXPECT_NE(o.err.find(text), std::string::npos) << "no \"" << text << "\" in: " << o.err;
  }
  // A fresh copy of the model with one thing changed.
  std::string copy() const {
    fs::remove_all(at("m"));
    fs::copy(at("model"), at("m"));
    return at("m");
  }
  std::map<std::string, std::string> files(const std::string& folder) const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(at(folder)))
      if (entry.is_regular_file()) out[fs::relative(entry.path(), at(folder))] = read_file(entry.path());
    return out;
  }
  std::string nano_;
};

TEST_F(BadInput, Configs) {
  const struct {
    const char *from, *to;
    std::vector<std::string> says;
  } rows[] = {
      {"lr = 1e-3", "lr = \"fast\"", {"[train] lr", "0 to 10", "fast"}},
      {"lr = 1e-3", "lr = -1", {"[train] lr", "0 to 10", "-1"}},
      {"lr = 1e-3", "lrr = 1", {"[train]", "lrr"}},
      {"lr = 1e-3", "lr = = 1", {"c.toml:", "TOML"}},
      {"[train]", "[training]", {"training", "[train]"}},
      {"hidden_size = 64", "hidden_size = \"wide\"", {"[model] hidden_size", "integer", "wide"}},
      {"hidden_size = 64", "hidden_size = 0", {"[model] hidden_size", "from 1", "found 0"}},
      {"hidden_size = 64", "hiden_size = 64", {"hidden_size"}},
      {"num_experts_per_tok = 2", "num_experts_per_tok = 99", {"num_experts_per_tok", "1 to 8", "99"}},
      {"vocab_size = 4096", "vocab_size = 100", {"tokenizer", "4096", "vocab_size", "100"}},
      {"tokenizer = \"tokenizer\"", "tokenizer = \"nowhere\"", {"nowhere", "tokenizer.json"}},
      {"text = [\"data/books/train\"]", "text = [\"nowhere\"]", {"nowhere", "expected .txt"}},
      {"text = [\"data/books/train\"]", "text = \"data\"", {"[data] text", "list"}},
      {"problem_weight = 0.5", "problem_weight = 1.5", {"[data] problem_weight", "1.5"}},
      {"sequence_length = 64", "sequence_length = 4000", {"sequence_length 4000", "max_position_embeddings 256"}},
      {"batch_sequences = 4", "batch_sequences = 0", {"[train] batch_sequences", "found 0"}},
      {"tokens = 5120", "tokens = 0", {"--tokens", "--minutes"}},
  };
  for (const auto& row : rows) {
    write("c.toml", replaced(nano_, row.from, row.to));
    SCOPED_TRACE(row.to);
    std::vector<std::string> says = row.says;
    expect({"train", at("c.toml"), "--out", at("run")}, std::string(row.to) == "tokens = 0" ? 2 : 1, says);
  }
  write("empty.txt", "");
  write("c.toml", replaced(nano_, "data/books/train", at("empty.txt")));
  expect({"train", at("c.toml"), "--out", at("run")}, 1, {"empty.txt", "no text"});
  expect({"train", at("none.toml")}, 1, {"none.toml", "No such file"});
  expect({"train", at("")}, 1, {"is a folder"});
}

TEST_F(BadInput, CommandLines) {
  expect({}, 2, {"subcommand", "--help"});
  expect({"trian"}, 2, {"trian"});
  expect({"train"}, 2, {"config", "minke train --help"});
  expect({"train", "configs/nano.toml", "--fast"}, 2, {"--fast"});
  expect({"train", "configs/nano.toml", "--tokens", "-5"}, 2, {"--tokens"});
  expect({"train", "configs/nano.toml", "--tokens", "many"}, 2, {"--tokens", "many"});
  expect({"train", "configs/nano.toml", "--tokens", "10", "--minutes", "1"}, 2, {"--tokens", "--minutes"});
  expect({"train", "configs/nano.toml", "--out", at("x")}, 2, {"MINKE_ISA", "quick"}, {{{"MINKE_ISA", "quick"}}, "", {}, 0, {}});
  const std::string m = at("model");
  for (const char* ids : {"1,x", "", "1,,2", "1,", "-1", "1.5", "1 2"})
    expect({"logits", m, "--ids", ids, "--out", at("l.safetensors")}, 2, {"--ids", "1,2,3"});
  expect({"logits", m, "--ids", "5,4096", "--out", at("l.safetensors")}, 2, {"--ids", "4096", "vocabulary"});
  expect({"logits", m, "--ids", "5", "--dtype", "f16", "--out", at("l.safetensors")}, 2, {"--dtype", "f16"});
  EXPECT_FALSE(file_exists(at("l.safetensors")));
  expect({"generate", m}, 2, {"-p"});
  expect({"generate", m, "-p", "a", "--top-p", "2"}, 2, {"--top-p", "2"});
  expect({"generate", m, "-p", "a", "-t", "-1"}, 2, {"--temperature", "-1"});
  expect({"generate", m, "-p", "a", "--stop", ""}, 2, {"--stop"});
  expect({"generate", m, "-p", "a", "-n", "0"}, 2, {"--max-tokens", "0"});
  expect({"eval", m, "--text", "data/books/heldout", "--window", "1"}, 2, {"--window", "256"});
}

TEST_F(BadInput, ModelFolders) {
  const auto expect_model = [&](const std::vector<std::string>& says) { expect({"generate", at("m"), "-p", "a"}, 1, says); };
  fs::resize_file(copy() + "/model.safetensors", 1'000'000);
  expect_model({"m/model.safetensors", "truncated"});
  fs::remove(copy() + "/model.safetensors");
  expect_model({"no weights", "model.safetensors"});
  fs::remove(copy() + "/config.json");
  expect_model({"m/config.json", "No such file"});
  write("m/config.json", "{\"hidden_size\": ");
  expect_model({"m/config.json", "not valid JSON"});
  const std::string config = read_file(at("model/config.json"));
  copy();
  write("m/config.json", replaced(config, "\"hidden_size\": 64", "\"hidden_size\": 32"));
  expect_model({"shape", "embed_tokens", "[4096, 64], expected [4096, 32]"});
  write("m/config.json", replaced(config, "\"n_routed_experts\": 8", "\"n_routed_experts\": 16"));
  expect_model({"missing", "experts.8."});
  write("m/config.json", replaced(config, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2"));
  expect_model({"m: "});
  copy();
  write("m/tokenizer.json", read_file(at("model/tokenizer.json")).substr(0, 5000));
  expect_model({"m/tokenizer.json", "JSON"});
  write("m/tokenizer.json", "[]");
  expect_model({"m/tokenizer.json", "expected an object"});
  fs::remove(at("m/tokenizer.json"));
  expect_model({"m/tokenizer.json", "No such file"});
  expect({"generate", at("nothing"), "-p", "a"}, 1, {"nothing", "expected a model folder"});
  expect({"train", "configs/nano.toml", "--init", at("nothing"), "--out", at("run")}, 1, {"nothing", "expected a model folder"});
}

TEST_F(BadInput, TextsAndShards) {
  write("t.txt", "It was the best of times, it was the worst of times.");
  ASSERT_EQ(minke({"data", "pack", "--tokenizer", at("model"), "--out", at("t.minke"), at("t.txt")}).code, 0);
  const std::string shard = read_file(at("t.minke"));
  write("cut.minke", shard.substr(0, shard.size() / 2));
  write("flipped.minke", shard);
  {
    std::string bytes = shard;
    bytes[bytes.size() / 3] ^= 1;
    write("flipped.minke", bytes);
  }
  for (const char* name : {"cut.minke", "flipped.minke"}) {
    expect({"data", "show", at(name)}, 1, {name});
    write("c.toml", replaced(nano_, "data/books/train", at(name)));
    expect({"train", at("c.toml"), "--out", at("run")}, 1, {name});
  }
  write("bad.txt", "good \xff bad");
  expect({"eval", at("model"), "--text", at("bad.txt")}, 1, {"bad.txt", "byte 5", "UTF-8"});
  write("bad.jsonl", "{\"text\": \"a\"}\n{\"text\": 3}\n");
  expect({"eval", at("model"), "--text", at("bad.jsonl")}, 1, {"bad.jsonl:2", "text"});
  write("bad.txt.gz", "\x1f\x8b\x08junk");
  expect({"eval", at("model"), "--text", at("bad.txt.gz")}, 1, {"bad.txt.gz", "gzip"});
  expect({"eval", at("model"), "--text", at("nowhere")}, 1, {"nowhere", "expected .txt"});
  // A failed pack leaves the shard that was there.
  expect({"data", "pack", "--tokenizer", at("model"), "--out", at("t.minke"), at("t.txt"), at("bad.txt")}, 1, {"bad.txt"});
  EXPECT_EQ(read_file(at("t.minke")), shard);
}

TEST_F(BadInput, PlacesThatCannotBeWritten) {
  write("file", "x");
  for (const std::string& out : {at("file"), at("file/run"), std::string("/proc/minke")})
    expect({"train", "configs/nano.toml", "--out", out}, 1, {out});
  expect({"logits", at("model"), "--ids", "1", "--out", at("file/l")}, 1, {"file/l: cannot create"});
  // A folder of other things is left alone, also with --fresh.
  write("mine/checkpoints/thesis.txt", "words");
  expect({"train", "configs/nano.toml", "--out", at("mine"), "--fresh"}, 1, {"mine"});
  EXPECT_EQ(files("mine").size(), 1u);
}

// A full disk at every size from the first write to the last: an error that names the file, and the model that was there stays whole.
TEST_F(BadInput, FullDisk) {
  const auto before = files("model");
  for (const rlim_t size : {0, 100'000, 5'000'000, 9'000'000}) {
    SCOPED_TRACE(size);
    Launch how;
    how.file_size = size;
    const Outcome o = minke({"train", "configs/nano.toml", "--tokens", "1024", "--fresh", "--out", at("model")}, how);
    EXPECT_EQ(o.code, 1) << o.err;
    if (size > 1000) {  // stderr is a file too
      EXPECT_NE(o.err.find("File too large"), std::string::npos) << o.err;
      EXPECT_NE(o.err.find("ulimit"), std::string::npos) << o.err;
    }
    EXPECT_EQ(read_file(at("model/model.safetensors")), before.at("model.safetensors"));
    EXPECT_EQ(read_file(at("model/config.json")), before.at("config.json"));
    for (const auto& entry : fs::recursive_directory_iterator(dir_)) EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace minke
