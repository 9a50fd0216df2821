// minke generate on an untrained model, whose text at temperature 1 is any tokens in any order: halves of characters, pieces of words.
#include <nlohmann/json.hpp>

#include "cli/binary.h"

namespace minke {
namespace {

using Json = nlohmann::json;

class GenerateTest : public BinaryTest {
 protected:
  void SetUp() override {
    BinaryTest::SetUp();
    ASSERT_EQ(minke({"train", "configs/nano.toml", "--steps", "0", "--out", at("model")}).code, 0);
  }
  Outcome generate(int seed, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"generate", at("model"), "-p", "Once", "-t", "1", "-n", "80", "--seed", std::to_string(seed)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome o = minke(arguments);
    EXPECT_EQ(o.code, 0) << o.err;
    return o;
  }
};

// nlohmann's strict dump refuses text that is not UTF-8.
bool is_utf8(const std::string& text) {
  try {
    return !Json(text).dump().empty();
  } catch (const Json::exception&) {
    return false;
  }
}

// Where the k-th character of a UTF-8 text begins.
size_t character(const std::string& text, size_t k) {
  size_t at = 0;
  for (; at < text.size(); ++at)
    if ((text[at] & 0xc0) != 0x80 && k-- == 0) break;
  return at;
}

TEST_F(GenerateTest, StopStringsAcrossTokens) {
  for (int seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    const Json whole = Json::parse(generate(seed, {"--json"}).out);
    ASSERT_EQ(whole.size(), 3u);
    const std::string text = whole["text"];
    ASSERT_EQ(whole["finish_reason"], whole["ids"].back() == 1 ? "stop" : "length");
    EXPECT_LE(whole["ids"].size(), 80u);
    EXPECT_EQ(generate(seed, {}).out, "Once" + text + "\n") << "streamed, it is the same text";
    EXPECT_TRUE(is_utf8(text));

    // Twelve characters from the middle: longer than a token, beginning and ending anywhere.
    const size_t begin = character(text, 60), end = character(text, 72);
    const std::string stop = text.substr(begin, end - begin);
    ASSERT_FALSE(stop.empty());
    const std::string cut = text.substr(0, text.find(stop));
    const Json stopped = Json::parse(generate(seed, {"--json", "--stop", "never \n seen", "--stop", stop}).out);
    EXPECT_EQ(stopped["text"], cut);
    EXPECT_EQ(stopped["finish_reason"], "stop");
    EXPECT_LT(stopped["ids"].size(), whole["ids"].size());
    EXPECT_TRUE(std::equal(stopped["ids"].begin(), stopped["ids"].end(), whole["ids"].begin()));
    const Outcome streamed = generate(seed, {"--stop", stop});
    EXPECT_EQ(streamed.out, "Once" + cut + "\n") << "nothing of the stop string was printed";
    EXPECT_TRUE(is_utf8(streamed.out));
    // A beginning of a stop string that does not go on is held back, then printed.
    EXPECT_EQ(generate(seed, {"--stop", stop + "\x01"}).out, "Once" + text + "\n");
  }
}

TEST_F(GenerateTest, SamplesAreLinesAndCachesAgreeOnForm) {
  const std::string out = generate(3, {"--json", "--samples", "3"}).out;
  std::istringstream lines(out);
  std::vector<Json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_NE(answers[0]["ids"], answers[1]["ids"]);
  EXPECT_EQ(answers[0], Json::parse(generate(3, {"--json"}).out)) << "a sample does not depend on its company";
  EXPECT_EQ(Json::parse(generate(3, {"--json", "--cache", "expanded"}).out).size(), 3u);
}

TEST_F(GenerateTest, PromptsFromATerminal) {
  Launch how;
  how.input = "One\nTwo\n\nnever read\n";
  const Outcome o = minke({"generate", at("model"), "-i", "-n", "5"}, how);
  EXPECT_EQ(o.code, 0) << o.err;
  for (const char* said : {"> ", "One", "Two"}) EXPECT_NE(o.out.find(said), std::string::npos) << o.out;
  EXPECT_EQ(o.out.find("never read"), std::string::npos);
}

}  // namespace
}  // namespace minke
