// A model argument left out: the default model of the current folder, then of the binary's, then of the one above.
#include "cli/binary.h"

namespace minke {
namespace {

class ModelPathTest : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    fs::create_directories(dir_ / "here");
    fs::create_directories(dir_ / "tree/bin");
    how_.binary = at("tree/bin/minke");
    fs::copy_file(MINKE_BINARY, how_.binary);
    how_.folder = at("here");
  }
  // Not a model: the error says which folder was chosen, and no weights are needed.
  void model(const std::string& folder) const { write(folder + "/models/default/config.json", "{}"); }
  // The folder that the command's error names; errors of the lookup itself as they are.
  std::string chosen(const std::vector<std::string>& arguments) const {
    const Outcome o = minke(arguments, how_);
    EXPECT_NE(o.code, 0);
    const size_t end = o.err.find("models/default");
    return o.err.find("no model named") != std::string::npos || end == std::string::npos ? o.err : o.err.substr(7, end - 7);
  }
  Launch how_;
};

TEST_F(ModelPathTest, LooksHereThenBesideTheBinary) {
  const std::vector<std::vector<std::string>> commands = {
      {"chat", "-p", "Hi"}, {"generate", "-p", "Hi"}, {"eval", "--task", "countdown-a2", "--n", "4"}, {"sample", "--task", "countdown-a2", "--out", "rows"}, {"learn", "countdown-a2"}};
  for (const auto& c : commands) {
    const Outcome none = minke(c, how_);
    EXPECT_EQ(none.code, 2) << c[0];
    EXPECT_EQ(none.err, "minke: no model named, and no default model: looked for models/default, " + at("tree/bin/models/default") + ", " + at("tree/models/default") +
                            "; name a model folder\n");
  }
  model("tree");
  for (const auto& c : commands) EXPECT_EQ(chosen(c), at("tree/")) << c[0];
  model("tree/bin");
  EXPECT_EQ(chosen(commands[0]), at("tree/bin/"));
  model("here");
  EXPECT_EQ(chosen(commands[0]), "");
  // A named model is taken as it is.
  EXPECT_NE(minke({"chat", "nowhere", "-p", "Hi"}, how_).err.find("nowhere"), std::string::npos);
}

}  // namespace
}  // namespace minke
