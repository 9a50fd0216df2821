#include "data/source.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/files.h"

namespace minke {
namespace {

std::vector<SourceDocument> read_all(const std::string& path) {
  std::vector<SourceDocument> all;
  read_documents(path, [&](SourceDocument&& d) { all.push_back(std::move(d)); });
  return all;
}

TEST(Source, TextInEveryPacking) {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "line " + std::to_string(i * 7919) + " é\n";  // several chunks
  const std::pair<const char*, std::string> files[] = {
      {"a.txt", text},
      {"a.txt.gz", gzip(text)},
      {"a.txt.zst", zstd(text)},
      {"two.txt.gz", gzip(text.substr(0, 1000)) + gzip(text.substr(1000))},
      {"two.txt.zst", zstd(text.substr(0, 1000)) + zstd(text.substr(1000))}};
  for (const auto& [name, bytes] : files) {
    const auto documents = read_all(scratch.write(name, bytes));
    ASSERT_EQ(documents.size(), 1u) << name;
    EXPECT_TRUE(documents[0].text == text) << name;
  }
}

TEST(Source, HighlyPackedTextComesWhole) {  // much text behind few bytes: the decoder holds output between calls
  const Scratch scratch;
  const std::string text(5'000'000, 'a');
  for (const auto& [name, bytes] : {std::pair{"a.txt.gz", gzip(text)}, std::pair{"a.txt.zst", zstd(text)}}) {
    const auto documents = read_all(scratch.write(name, bytes));
    ASSERT_EQ(documents.size(), 1u);
    EXPECT_EQ(documents[0].text.size(), text.size()) << name;
  }
}

TEST(Source, JsonLines) {
  const Scratch scratch;
  const std::string longest(700'000, 'x');  // longer than a chunk
  const std::string lines = "{\"text\": \"one\", \"id\": 1}\r\n\n{\"id\": 2, \"text\": \"two \\u00e9\\n\"}\n{\"text\": \"\"}\n{\"text\": \"" + longest + "\"}\n{\"text\": \"last\"}";
  for (const auto& [name, bytes] : {std::pair{"a.jsonl", lines}, std::pair{"a.jsonl.gz", gzip(lines)}, std::pair{"a.jsonl.zst", zstd(lines)}}) {
    const std::string path = scratch.write(name, bytes);
    const auto documents = read_all(path);
    ASSERT_EQ(documents.size(), 4u) << name;
    EXPECT_EQ(documents[0].text, "one");
    EXPECT_EQ(documents[1].text, "two é\n");
    EXPECT_EQ(documents[1].name, path + ":3");
    EXPECT_TRUE(documents[2].text == longest);
    EXPECT_EQ(documents[3].text, "last");
  }
}

TEST(Source, ErrorsNameThePlace) {
  const Scratch scratch;
  struct Case {
    const char* name;
    std::string bytes;
    const char* says;
  };
  const Case cases[] = {
      {"utf8.txt", "good \xc3\xa9 bad \xff rest", "utf8.txt: byte 12 (0xff) is not UTF-8"},
      {"cut.txt", "caf\xc3", "cut.txt: byte 3 (0xc3) is not UTF-8"},
      {"surrogate.txt", "a\xed\xa0\x80", "surrogate.txt: byte 1 (0xed)"},
      {"bad.jsonl", "{\"text\": \"a\"}\n{\"text\": \n", "bad.jsonl:2: not a JSON value"},
      {"array.jsonl", "[1]\n", "array.jsonl:1: expected a JSON object"},
      {"none.jsonl", "{\"text\": \"a\"}\n\n{\"body\": \"a\"}\n", "none.jsonl:3: has no \"text\""},
      {"number.jsonl", "{\"text\": 3}", "number.jsonl:1: \"text\" is not a string"},
      {"utf8.jsonl", "{\"text\": \"\xff\"}", "utf8.jsonl:1: byte 10 (0xff) is not UTF-8"},
      {"plain.txt.gz", "not gzip at all", "plain.txt.gz: bad gzip data"},
      {"plain.txt.zst", "not zstd at all", "plain.txt.zst: bad zstd data"},
      {"empty.txt.gz", "", "empty.txt.gz: is empty"},
      {"empty.txt.zst", "", "empty.txt.zst: is empty"},
  };
  for (const Case& c : cases) {
    const std::string path = scratch.write(c.name, c.bytes);
    EXPECT_NE(error_of([&] { read_all(path); }).find(c.says), std::string::npos) << c.name << " says: " << error_of([&] { read_all(path); });
  }
}

TEST(Source, TruncatedArchivesAreErrorsAtEveryLength) {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const auto& [name, bytes] : {std::pair{"a.txt.gz", gzip(text)}, std::pair{"a.txt.zst", zstd(text)}})
    for (size_t n = 0; n < bytes.size(); n += n < 40 || n + 40 > bytes.size() ? 1 : 37)
      EXPECT_NE(error_of([&] { read_all(scratch.write(name, bytes.substr(0, n))); }), "") << name << " cut to " << n << " of " << bytes.size();
}

TEST(Source, FoldersAreReadInOrderOfPaths) {
  const Scratch scratch;
  for (const char* name : {"b.txt", "a/z.jsonl", "a/b/c.txt.gz", "README.md", "a/x.bin", "c.jsonl.zst"}) scratch.write(name, "x");
  const std::vector<std::string> expected = {scratch / "a/b/c.txt.gz", scratch / "a/z.jsonl", scratch / "b.txt", scratch / "c.jsonl.zst"};
  EXPECT_EQ(list_files({scratch.path()}), expected);
  const std::vector<std::string> named = {scratch / "b.txt", scratch / "a/b/c.txt.gz", scratch / "a/z.jsonl"};
  EXPECT_EQ(list_files({scratch / "b.txt", scratch / "a"}), named);
  EXPECT_NE(error_of([&] { list_files({scratch / "missing"}); }).find("no such file"), std::string::npos);
  EXPECT_NE(error_of([&] { list_files({scratch / "README.md"}); }).find("cannot tell"), std::string::npos);
  std::filesystem::create_directories(scratch / "empty");
  EXPECT_NE(error_of([&] { list_files({scratch / "empty"}); }).find("holds no text"), std::string::npos);
}

}  // namespace
}  // namespace minke
