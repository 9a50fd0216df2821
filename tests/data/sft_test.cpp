// Files of conversations as examples, and examples as batches.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/rng.h"
#include "data/chat.h"
#include "data/files.h"
#include "data/sft_batches.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

const Tokenizer& bundled() {
  static const Tokenizer tokenizer = Tokenizer::load(std::string(MINKE_SOURCE_DIR) + "/tokenizer");
  return tokenizer;
}
std::string pair(const std::string& prompt, const std::string& completion) { return Json{{"prompt", prompt}, {"completion", completion}}.dump() + "\n"; }
std::vector<int32_t> example_ids(const std::vector<ChatMessage>& messages) { return chat_example(bundled(), messages).ids; }
std::vector<int32_t> ids_of(const SftExamples& e, size_t i) { return {e.ids(i).begin(), e.ids(i).end()}; }

TEST(SftExamples, PairsAndConversationsPackedOrNot) {
  const Scratch scratch;
  const std::string text = pair("2+2?", "<think>\n2+2\n</think>4") + "\n" +
                           Json{{"id", 7}, {"messages", {{{"role", "system"}, {"content", "S"}}, {{"role", "user"}, {"content", "a?"}},
                                                         {{"role", "assistant"}, {"content", "<think>t</think>a"}}, {{"role", "user"}, {"content", "b?"}},
                                                         {{"role", "assistant"}, {"content", "b"}}}}}.dump();  // no line end
  scratch.write("a.jsonl", text);
  scratch.write("b.jsonl.gz", gzip(text));
  scratch.write("c.jsonl.zst", zstd(text));
  for (const char* name : {"a.jsonl", "b.jsonl.gz", "c.jsonl.zst"}) {
    const SftSets sets = read_sft({{scratch / name}, {}, 0, 100, LongExamples::kError}, bundled());
    ASSERT_EQ(sets.train.size(), 3u);  // each of the conversation's two answers is an example
    EXPECT_EQ(sets.held_out.size(), 0u);
    const std::vector<ChatMessage> turns = {{"system", "S"}, {"user", "a?"}, {"assistant", "<think>t</think>a"}, {"user", "b?"}, {"assistant", "b"}};
    EXPECT_EQ(ids_of(sets.train, 0), example_ids({{"user", "2+2?"}, {"assistant", "<think>\n2+2\n</think>4"}}));
    EXPECT_EQ(ids_of(sets.train, 1), example_ids({turns.begin(), turns.begin() + 3}));
    EXPECT_EQ(ids_of(sets.train, 2), example_ids(turns));
    EXPECT_EQ(bundled().decode(sets.train.ids(2).first(sets.train.prompt[2])), "<｜begin▁of▁sentence｜>S<｜User｜>a?<｜Assistant｜>a<｜end▁of▁sentence｜><｜User｜>b?<｜Assistant｜></think>");
    EXPECT_EQ(sets.train.targets(), int64_t(sets.train.tokens.size()) - sets.train.prompt[0] - sets.train.prompt[1] - sets.train.prompt[2]);
  }
}

TEST(SftExamples, EveryBadLineIsListed) {
  const Scratch scratch;
  std::string text = pair("q", "a");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"prompt\": \"q\"", "not a JSON value"},
      {"[1]", "not a JSON object"},
      {"{\"text\": \"q\"}", "neither \"messages\" nor"},
      {"{\"prompt\": \"q\"}", "has no \"completion\""},
      {"{\"prompt\": \"q\", \"completion\": 4}", "\"completion\" is not a text"},
      {"{\"prompt\": \"q\", \"completion\": \"a\", \"messages\": []}", "has both"},
      {"{\"messages\": 4}", "is not a list"},
      {"{\"messages\": []}", "does not end with an assistant's"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}", "does not end with an assistant's"},
      {"{\"messages\": [{\"role\": \"user\"}]}", "message 1 has no \"content\""},
      {"{\"messages\": [{\"role\": \"tool\", \"content\": \"q\"}, {\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"q\"}]}", "role \"tool\""},
      {"{\"prompt\": \"q\", \"completion\": \"<think>a\"}", "never closes it"},
      {"{\"prompt\": \"q\", \"completion\": \"\xff\"}", "not a JSON value"},
  };
  for (const auto& [line, why] : bad) text += line + "\n";
  scratch.write("bad.jsonl", text);
  const std::string error = error_of([&] { read_sft({{scratch / "bad.jsonl"}, {}, 0, 100, LongExamples::kError}, bundled()); });
  EXPECT_NE(error.find("13 of 14 lines cannot be used"), std::string::npos) << error;
  std::istringstream lines(error);
  std::string line;
  std::getline(lines, line);
  for (size_t i = 0; i < bad.size(); ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(line.find("  line " + std::to_string(i + 2) + ": "), 0u) << line;
    EXPECT_NE(line.find(bad[i].second), std::string::npos) << line << "\nexpected " << bad[i].second;
  }
  EXPECT_FALSE(std::getline(lines, line)) << line;
  scratch.write("empty.jsonl", "\n \n");
  EXPECT_NE(error_of([&] { read_sft({{scratch / "empty.jsonl"}, {}, 0, 100, LongExamples::kError}, bundled()); }).find("no example"), std::string::npos);
  scratch.write("text.txt", "q");
  EXPECT_NE(error_of([&] { read_sft({{scratch / "text.txt"}, {}, 0, 100, LongExamples::kError}, bundled()); }).find("JSON lines"), std::string::npos);
}

TEST(SftExamples, LongOnesAreCountedCutOrDropped) {
  const Scratch scratch;
  const std::string nine = "one two three four five six seven eight nine";
  scratch.write("a.jsonl", pair("q", "a") + pair("q", nine) + pair(nine, "a"));
  const auto all = read_sft({{scratch / "a.jsonl"}, {}, 0, 100, LongExamples::kError}, bundled()).train;
  const int64_t most = int64_t(all.prompt[1]) + 3;
  ASSERT_GT(all.length(1), most);
  ASSERT_GE(int64_t(all.prompt[2]), most);
  const SftFiles files{{scratch / "a.jsonl"}, {}, 0, most - 1, LongExamples::kError};
  const std::string error = error_of([&] { read_sft(files, bundled()); });
  EXPECT_NE(error.find(fmt::format("2 of 3 examples have more than sequence_length + 1 = {} tokens (the first: line 2, {} tokens)", most, all.length(1))),
            std::string::npos) << error;
  SftFiles cut = files, drop = files;
  cut.long_examples = LongExamples::kTruncate;
  const auto truncated = read_sft(cut, bundled()).train;
  ASSERT_EQ(truncated.size(), 2u);  // of the third not a token of the answer would be left
  EXPECT_EQ(truncated.truncated, 1);
  EXPECT_EQ(truncated.dropped, 1);
  const auto whole = ids_of(all, 1);
  EXPECT_EQ(ids_of(truncated, 1), std::vector<int32_t>(whole.begin(), whole.begin() + most));
  drop.long_examples = LongExamples::kDrop;
  const auto dropped = read_sft(drop, bundled()).train;
  EXPECT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped.dropped, 2);
}

TEST(SftExamples, AShareIsHeldOutByQuestion) {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 1000; ++i)
    for (int answer = 0; answer < 2; ++answer) text += pair("question " + std::to_string(i), std::to_string(answer));
  scratch.write("a.jsonl", text);
  const SftSets sets = read_sft({{scratch / "a.jsonl"}, {}, 0.1, 100, LongExamples::kError}, bundled());
  EXPECT_EQ(sets.train.size() + sets.held_out.size(), 2000u);
  EXPECT_GT(sets.held_out.size(), 140u);  // 200 +- 4.5 standard deviations of 100 pairs
  EXPECT_LT(sets.held_out.size(), 260u);
  std::set<std::vector<int32_t>> seen;
  for (size_t i = 0; i < sets.train.size(); ++i) seen.insert({sets.train.ids(i).begin(), sets.train.ids(i).begin() + sets.train.prompt[i]});
  for (size_t i = 0; i < sets.held_out.size(); ++i)
    EXPECT_FALSE(seen.count({sets.held_out.ids(i).begin(), sets.held_out.ids(i).begin() + sets.held_out.prompt[i]}));
  scratch.write("b.jsonl", pair("other", "o"));
  const SftSets second = read_sft({{scratch / "a.jsonl"}, {scratch / "b.jsonl"}, 0.1, 100, LongExamples::kError}, bundled());
  EXPECT_EQ(second.train.size(), 2000u);
  EXPECT_EQ(second.held_out.size(), 1u);
}

// n examples of random lengths; example i begins with the token i.
SftExamples random_examples(size_t n, int64_t longest, Rng& rng) {
  SftExamples e;
  for (size_t i = 0; i < n; ++i) {
    std::vector<int32_t> ids(size_t(rng.range(2, longest + 1)), 3);
    ids[0] = int32_t(i);
    e.add(ids, size_t(rng.range(1, int64_t(ids.size()) - 1)));
  }
  return e;
}

TEST(SftBatches, AnEpochIsEveryExampleOnceInBatchesOfOneSize) {
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {
    const int64_t longest = rng.range(1, 30), per_batch = longest * rng.range(1, 6);
    const SftExamples examples = random_examples(size_t(rng.range(1, 80)), longest, rng);
    SftBatches batches(examples, per_batch, 9);
    std::vector<std::vector<int32_t>> orders;
    for (int epoch = 0; epoch < 2; ++epoch) {
      std::vector<int32_t>& order = orders.emplace_back();
      for (int64_t b = 0; b < batches.per_epoch(); ++b) {
        const SftBatch batch = batches.next();
        ASSERT_FALSE(batch.lengths.empty());
        int64_t rows = 0, targets = 0;
        size_t at = 0;
        for (const int64_t n : batch.lengths) {
          const size_t i = size_t(batch.tokens[at]);
          order.push_back(int32_t(i));
          ASSERT_EQ(n + 1, examples.length(i));
          for (size_t t = 0; t <= size_t(n); ++t) {
            ASSERT_EQ(batch.tokens[at + t], examples.ids(i)[t]);
            ASSERT_EQ(batch.weights[at + t], t < examples.prompt[i] ? 0 : 1);
            targets += t >= examples.prompt[i];
          }
          at += size_t(n) + 1;
          rows += n;
        }
        ASSERT_EQ(batch.targets, targets);
        ASSERT_LE(std::abs(double(rows) - batches.rows_per_batch()), double(longest)) << rows;
        ASSERT_LT(rows, per_batch + longest);
      }
      std::vector<int32_t> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      for (size_t i = 0; i < examples.size(); ++i) ASSERT_EQ(sorted[i], int32_t(i));
    }
    if (examples.size() > 10) {
      EXPECT_NE(orders[0], orders[1]);
    }
  }
}

TEST(SftBatches, APositionIsACount) {
  Rng rng(6);
  const SftExamples examples = random_examples(50, 20, rng);
  SftBatches a(examples, 60, 1), b(examples, 60, 1), other(examples, 60, 2);
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  EXPECT_NE(a.fingerprint(), other.fingerprint());
  ASSERT_GT(a.per_epoch(), 5);
  std::vector<SftBatch> all;
  for (int i = 0; i < 40; ++i) all.push_back(a.next());
  for (const size_t at : {39, 3, 17, 0}) {
    b.seek(at);
    EXPECT_EQ(b.next().tokens, all[at].tokens);
    EXPECT_EQ(b.position(), at + 1);
  }
  EXPECT_NE(other.next().tokens, all[0].tokens);
}

TEST(SftBatches, InOrderForAnEvaluation) {
  Rng rng(7);
  const SftExamples examples = random_examples(50, 20, rng);
  std::vector<int32_t> tokens;
  int64_t targets = 0;
  for (const SftBatch& batch : sft_batches_in_order(examples, 60)) {
    EXPECT_LE(int64_t(batch.tokens.size() - batch.lengths.size()), 60);
    tokens.insert(tokens.end(), batch.tokens.begin(), batch.tokens.end());
    targets += batch.targets;
  }
  EXPECT_EQ(tokens, examples.tokens);
  EXPECT_EQ(targets, examples.targets());
}

}  // namespace
}  // namespace minke
