#include "data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/files.h"
#include "data/pack.h"

namespace minke {
namespace {

// Three documents of distinct words, so that each token stream position can be recognised.
std::string write_texts(const Scratch& scratch) {
  for (int d = 0; d < 3; ++d) {
    std::string text;
    for (int i = 0; i < 150 + 40 * d; ++i) text += "word " + std::to_string(i * 3 + d) + " of " + std::to_string(d) + "\n";
    scratch.write("texts/" + std::to_string(d) + ".txt", text);
  }
  return scratch / "texts";
}

DataConfig text_only(const std::string& folder, int64_t length = 48) {
  DataConfig config;
  config.text = {{{folder}, 1, TextKind::kProse}};
  config.sequence_length = length;
  config.seed = 5;
  return config;
}

std::vector<int32_t> stream_of(const std::string& folder) {
  const auto shards = open_shards(*small_tokenizer(), {folder}, TextKind::kProse);
  std::vector<int32_t> stream(shards[0]->tokens());
  shards[0]->copy(0, stream.size(), stream.data());
  return stream;
}

bool same(const Batch& a, const Batch& b) {
  return a.rows == b.rows && a.length == b.length && a.tokens == b.tokens && a.segment_start == b.segment_start && a.kind == b.kind;
}

TEST(Loader, AnEpochTakesEveryTokenOfTheStreamOnce) {
  const Scratch scratch;
  const std::string folder = write_texts(scratch);
  const auto stream = stream_of(folder);
  const int64_t length = 48, n = int64_t(stream.size()), windows = n / length;
  Loader loader(text_only(folder, length), small_tokenizer(), 1);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<int> predicted(stream.size());
    std::vector<int64_t> order;
    for (int64_t w = 0; w < windows; ++w) {
      const Batch batch = loader.next();
      // Find the row in the circular stream.
      int64_t at = -1, places = 0;
      for (int64_t s = 0; s < n; ++s) {
        bool equal = true;
        for (int64_t i = 0; i <= length && equal; ++i) equal = batch.tokens[size_t(i)] == stream[size_t((s + i) % n)];
        if (equal) at = s, ++places;
      }
      ASSERT_EQ(places, 1);
      order.push_back(at);
      for (int64_t i = 1; i <= length; ++i) ++predicted[size_t((at + i) % n)];
    }
    EXPECT_EQ(std::count(predicted.begin(), predicted.end(), 1), windows * length);
    EXPECT_EQ(*std::max_element(predicted.begin(), predicted.end()), 1);
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end())) << "windows must be shuffled";
  }
  EXPECT_DOUBLE_EQ(loader.epochs(0), 2.0);
}

TEST(Loader, SegmentsStartAtBos) {
  const Scratch scratch;
  Loader loader(text_only(write_texts(scratch), 400), small_tokenizer(), 4);
  const int32_t bos = small_tokenizer()->bos_id(), eos = small_tokenizer()->eos_id();
  int inside = 0;
  for (int b = 0; b < 12; ++b) {
    const Batch batch = loader.next();
    for (size_t r = 0; r < 4; ++r) {
      int32_t start = 0;
      for (size_t i = 0; i <= 400; ++i) {
        const size_t at = r * 401 + i;
        if (batch.tokens[at] == bos) {
          start = int32_t(i);
          inside += i > 0;
          if (i > 0) {
            EXPECT_EQ(batch.tokens[at - 1], eos);
          }
        }
        ASSERT_EQ(batch.segment_start[at], start) << "row " << r << " position " << i;
        ASSERT_EQ(batch.kind[at], 0);
      }
    }
  }
  EXPECT_GT(inside, 5);
}

TEST(Loader, TextShorterThanASequenceRepeats) {
  const Scratch scratch;
  scratch.write("texts/a.txt", "tiny");
  Loader loader(text_only(scratch / "texts", 64), small_tokenizer(), 2);
  const Batch batch = loader.next();
  EXPECT_GT(std::count(batch.tokens.begin(), batch.tokens.end(), small_tokenizer()->bos_id()), 10);
}

TEST(Loader, ShardsAndTextGiveTheSameBatches) {
  const Scratch scratch;
  const std::string folder = write_texts(scratch);
  {
    AtomicFile file(scratch / "packed.minke");
    ShardWriter writer(*small_tokenizer(), [&](const void* data, size_t n) { file.write(data, n); });
    pack_text(writer, *small_tokenizer(), {folder}, TextKind::kProse);
    writer.finish();
    file.commit();
  }
  Loader from_text(text_only(folder), small_tokenizer(), 3), from_shard(text_only(scratch / "packed.minke"), small_tokenizer(), 3);
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(same(from_text.next(), from_shard.next()));
}

DataConfig mixed(const std::string& folder) {
  DataConfig config = text_only(folder);
  config.text[0].weight = 40;
  config.problems_weight = 60;
  return config;
}

TEST(Loader, RestoringGoesOnBitForBit) {
  const Scratch scratch;
  const DataConfig config = mixed(write_texts(scratch));
  Loader whole(config, small_tokenizer(), 7);
  std::vector<Batch> batches;
  std::vector<LoaderState> states = {whole.state()};
  for (int i = 0; i < 100; ++i) {  // several epochs of the text
    batches.push_back(whole.next());
    states.push_back(whole.state());
  }
  EXPECT_GT(whole.epochs(0), 2.0);
  for (const size_t from : {size_t(0), size_t(1), size_t(29), size_t(98)}) {
    Loader resumed(config, small_tokenizer(), 7);
    resumed.next();
    resumed.restore(states[from]);
    EXPECT_EQ(resumed.state(), states[from]);
    for (size_t i = from; i < batches.size(); ++i) ASSERT_TRUE(same(resumed.next(), batches[i])) << "from " << from << " batch " << i;
    EXPECT_EQ(resumed.state(), states.back());
  }
  whole.restore(states[10]);  // back in the same loader
  EXPECT_TRUE(same(whole.next(), batches[10]));
}

TEST(Loader, RowsDoNotDependOnTheBatchSize) {
  const Scratch scratch;
  const DataConfig config = mixed(write_texts(scratch));
  Loader wide(config, small_tokenizer(), 12), narrow(config, small_tokenizer(), 4);
  const Batch a = wide.next();
  std::vector<int32_t> tokens;
  for (int i = 0; i < 3; ++i) {
    const Batch b = narrow.next();
    tokens.insert(tokens.end(), b.tokens.begin(), b.tokens.end());
  }
  EXPECT_EQ(tokens, a.tokens);
}

TEST(Loader, WeightsHold) {
  const Scratch scratch;
  Loader loader(mixed(write_texts(scratch)), small_tokenizer(), 10);
  for (int i = 1; i <= 30; ++i) {
    const Batch batch = loader.next();
    EXPECT_EQ(loader.state().drawn[0], uint64_t(4 * i));
    EXPECT_EQ(loader.state().drawn[1], uint64_t(6 * i));
    EXPECT_EQ(std::count(batch.kind.begin(), batch.kind.end(), 1), 6 * 49);
  }
}

TEST(Loader, ProblemsAreFreshAndTheirTurnsAreTokens) {
  DataConfig config;
  config.problems_weight = 1;
  config.sequence_length = 256;
  Loader loader(config, small_tokenizer(), 64);
  std::set<std::vector<int32_t>> rows;
  int64_t turns = 0, count = 0;
  const int32_t user = small_tokenizer()->special_id("<｜User｜>");
  for (int b = 0; b < 16; ++b) {  // four blocks
    const Batch batch = loader.next();
    for (size_t r = 0; r < 64; ++r, ++count) rows.emplace(batch.tokens.begin() + int64_t(r * 257), batch.tokens.begin() + int64_t(r * 257 + 257));
    turns += std::count(batch.tokens.begin(), batch.tokens.end(), user);
  }
  EXPECT_EQ(int64_t(rows.size()), count);
  EXPECT_GT(turns, 500);
}

TEST(Loader, ProblemsNeverComeRoundAgain) {  // far blocks: their numbers must not wrap in a counter
  const auto problems = problem_sequences({}, small_tokenizer(), 65536, 1);  // a block a sequence
  std::set<std::vector<int32_t>> rows;
  std::vector<int32_t> tokens(65537), starts(65537);
  std::vector<uint8_t> kinds(65537);
  for (const int shift : {0, 1, 4, 8, 12, 16, 20, 24}) {
    problems->write(uint64_t(1) << shift, {tokens.data(), starts.data(), kinds.data()});
    EXPECT_TRUE(rows.insert(tokens).second) << "block 2^" << shift;
  }
}

TEST(Loader, SeedsDiffer) {
  const Scratch scratch;
  DataConfig config = mixed(write_texts(scratch));
  Loader one(config, small_tokenizer(), 5);
  config.seed = 6;
  Loader two(config, small_tokenizer(), 5);
  EXPECT_FALSE(same(one.next(), two.next()));
}

TEST(Loader, OtherDataIsRefusedOnRestore) {
  const Scratch scratch;
  const DataConfig config = mixed(write_texts(scratch));
  Loader loader(config, small_tokenizer(), 2);
  const LoaderState state = loader.state();
  DataConfig other = config;
  other.text[0].weight = 41;
  EXPECT_NE(error_of([&] { Loader(other, small_tokenizer(), 2).restore(state); }).find("other training data"), std::string::npos);
  other = config;
  other.sequence_length = 47;
  EXPECT_NE(error_of([&] { Loader(other, small_tokenizer(), 2).restore(state); }), "");
  scratch.write("texts/1.txt", "changed");
  EXPECT_NE(error_of([&] { Loader(config, small_tokenizer(), 2).restore(state); }), "");
  LoaderState longer = state;
  longer.drawn.push_back(0);
  EXPECT_NE(error_of([&] { loader.restore(longer); }), "");
}

TEST(Loader, BadConfigs) {
  const Scratch scratch;
  const DataConfig good = text_only(write_texts(scratch));
  const auto says = [&](auto change) {
    DataConfig config = good;
    change(config);
    return error_of([&] { Loader(config, small_tokenizer(), 1); });
  };
  EXPECT_EQ(says([](DataConfig&) {}), "");
  EXPECT_NE(says([](DataConfig& c) { c.text.clear(); }).find("nothing to train on"), std::string::npos);
  EXPECT_NE(says([](DataConfig& c) { c.text[0].weight = -1; }).find("has the weight -1"), std::string::npos);
  EXPECT_NE(says([](DataConfig& c) { c.text[0].paths = {"/nowhere"}; }).find("/nowhere"), std::string::npos);
  EXPECT_NE(says([](DataConfig& c) { c.sequence_length = 0; }).find("sequence length 0"), std::string::npos);
  EXPECT_NE(says([](DataConfig& c) {
              c.problems_weight = 1;
              for (double& share : c.mix.share) share = 0;
            }).find("no share above 0"),
            std::string::npos);
}

}  // namespace
}  // namespace minke
