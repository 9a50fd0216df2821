#include "data/windows.h"

#include <gtest/gtest.h>

#include "data/files.h"
#include "data/pack.h"

namespace minke {
namespace {

TEST(Windows, EveryTokenIsPredictedOnce) {
  const auto tokenizer = small_tokenizer();
  const std::string text = read_file(MINKE_SOURCE_DIR "/data/books/train/in-the-year-2889.txt");
  const auto ids = tokenizer->encode(text);
  for (const int64_t length : {2, 3, 64, 1000, 1000000}) {
    const EvalSet set = text_windows(*tokenizer, text, length);
    std::vector<int32_t> predicted;
    int64_t bytes = 0;
    for (const EvalWindow& w : set.windows) {
      ASSERT_EQ(w.tokens[0], tokenizer->bos_id());
      ASSERT_LE(int64_t(w.tokens.size()), length);
      ASSERT_GE(w.tokens.size(), 2u);
      predicted.insert(predicted.end(), w.tokens.begin() + 1, w.tokens.end());
      bytes += w.bytes;
    }
    EXPECT_EQ(predicted, ids) << length;
    EXPECT_EQ(set.tokens, int64_t(ids.size()));
    EXPECT_EQ(set.bytes, int64_t(text.size())) << "multi-byte characters cut by tokens must still add up";
    EXPECT_EQ(bytes, set.bytes);
  }
}

TEST(Windows, FilesAndShardsKeepDocumentsApart) {
  const Scratch scratch;
  scratch.write("t/a.jsonl", "{\"text\": \"one two three four five\"}\n{\"text\": \"six\"}\n");
  const auto tokenizer = small_tokenizer();
  const EvalSet set = file_windows(*tokenizer, {scratch / "t"}, 1000);
  ASSERT_EQ(set.windows.size(), 2u);
  EXPECT_EQ(set.bytes, 23 + 3);
  EXPECT_EQ(set.windows[1].bytes, 3);
  for (const EvalWindow& w : set.windows)
    for (size_t i = 1; i < w.tokens.size(); ++i) EXPECT_FALSE(tokenizer->is_special(w.tokens[i])) << "neither BOS nor EOS is text";
  {
    AtomicFile file(scratch / "s.minke");
    ShardWriter writer(*tokenizer, [&](const void* data, size_t n) { file.write(data, n); });
    pack_text(writer, *tokenizer, {scratch / "t"}, TextKind::kProblems);
    writer.finish();
    file.commit();
  }
  const EvalSet packed = file_windows(*tokenizer, {scratch / "s.minke"}, 1000);
  ASSERT_EQ(packed.windows.size(), 2u);
  EXPECT_EQ(packed.windows[0].tokens, set.windows[0].tokens);
  EXPECT_EQ(packed.windows[0].kind, TextKind::kProblems);
}

TEST(Windows, HeldOutProblems) {
  const EvalSet set = problem_windows(*small_tokenizer(), {}, Split::kCalibration, 1, 20'000, 256);
  EXPECT_GE(set.bytes, 20'000);
  EXPECT_GT(set.windows.size(), 50u);
  const EvalSet part = spread(set, 10);
  EXPECT_EQ(part.windows.size(), 10u);
  EXPECT_LT(part.bytes, set.bytes);
  EXPECT_EQ(spread(set, 1'000'000).bytes, set.bytes);
}

TEST(Windows, TooShort) { EXPECT_NE(error_of([] { text_windows(*small_tokenizer(), "a", 1); }).find("at least 2"), std::string::npos); }

}  // namespace
}  // namespace minke
