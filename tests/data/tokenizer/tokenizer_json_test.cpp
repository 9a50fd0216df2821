// tokenizer.json in and out: what is read, what is refused and with which words, and that no mutation of a file crashes
// the reader.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "data/tokenizer/bpe_trainer.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/deepseek_v3.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<int32_t>;

// 256 bytes, then "ab", "abc", " d"; two special tokens behind.
TokenizerSpec small_spec() {
  TokenizerSpec spec;
  for (int i = 0; i < 256; ++i)
    spec.vocab.push_back(to_byte_alphabet(std::string(1, static_cast<char>(bytes_in_alphabet_order()[i]))));
  const auto id = [&](const std::string& bytes) {
    const auto it = std::find(spec.vocab.begin(), spec.vocab.end(), to_byte_alphabet(bytes));
    return static_cast<int32_t>(it - spec.vocab.begin());
  };
  for (const auto& [left, right] : {std::pair("a", "b"), {"ab", "c"}, {" ", "d"}}) {
    spec.merges.push_back({id(left), id(right), static_cast<int32_t>(spec.vocab.size())});
    spec.vocab.push_back(to_byte_alphabet(std::string(left) + right));
  }
  spec.pre_tokenizer = PreTokenizer::kGpt2;
  for (const char* content : {"<s>", "</s>"}) {
    AddedToken token;
    token.id = static_cast<int32_t>(spec.vocab.size() + spec.added.size());
    token.content = content;
    spec.added.push_back(token);
  }
  spec.bos = 259;
  spec.eos = 260;
  return spec;
}

Json small_json() { return Json::parse(tokenizer_json(small_spec())); }

Tokenizer parse(const Json& json, const std::string& config = "") {
  return Tokenizer(parse_tokenizer(json.dump(), config, "t/tokenizer.json"));
}

TEST(TokenizerJson, WritesWhatItReads) {
  const TokenizerSpec spec = small_spec();
  const std::string json = tokenizer_json(spec), config = tokenizer_config_json(spec);
  const TokenizerSpec again = parse_tokenizer(json, config, "t/tokenizer.json");
  EXPECT_EQ(tokenizer_json(again), json);
  EXPECT_EQ(tokenizer_config_json(again), config);
  EXPECT_EQ(again.bos, 259);
  EXPECT_EQ(again.eos, 260);
  EXPECT_EQ(again.pad, -1);
  EXPECT_EQ(Tokenizer(again).encode("abcab d<s>", true), (Ids{257, 256, 258, 259}));
}

TEST(TokenizerJson, DeepSeekV3SurvivesWritingAndReading) {
  const std::string json = tokenizer_json(deepseek_v3().spec());
  const Tokenizer again(parse_tokenizer(json, tokenizer_config_json(deepseek_v3().spec()), "again/tokenizer.json"));
  EXPECT_EQ(tokenizer_json(again.spec()), json);
  EXPECT_EQ(again.spec().config, deepseek_v3().spec().config);  // the chat template stays
  const std::string text = read_file(kTokenizerData + "deepseek-v3/wikitext-chunk.txt");
  EXPECT_EQ(again.encode(text), deepseek_v3().encode(text));
}

TEST(TokenizerJson, SavesAndLoadsAFolderOrAFile) {
  const std::string folder = ::testing::TempDir() + "minke_tokenizer_json_test";
  std::filesystem::remove_all(folder);
  Tokenizer(small_spec()).save(folder);
  EXPECT_EQ(Tokenizer::load(folder).eos_id(), 260);
  EXPECT_EQ(Tokenizer::load(folder + "/tokenizer.json").bos_id(), 259);  // its neighbour tells
  std::filesystem::remove(folder + "/tokenizer_config.json");
  EXPECT_EQ(Tokenizer::load(folder).eos_id(), -1);
  std::filesystem::remove_all(folder);
  EXPECT_THROW(Tokenizer::load(folder), Error);
}

TEST(TokenizerJson, ReadsMergesInBothForms) {
  Json json = small_json();
  json["model"]["merges"] = {{"a", "b"}, "ab c", {"\u0120", "d"}};
  EXPECT_EQ(parse(json).encode("abc d"), (Ids{257, 258}));
}

TEST(TokenizerJson, IgnoreMergesTakesAWholePiece) {
  Json json = small_json();
  json["model"]["vocab"]["xyz"] = 259;
  json["added_tokens"][0]["id"] = 260;
  json["added_tokens"][1]["id"] = 261;
  EXPECT_EQ(parse(json).encode("xyz").size(), 3u);
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(parse(json).encode("xyz"), Ids{259});
  EXPECT_EQ(parse(json).encode("xyzxyz").size(), 6u);  // only the whole piece
}

// Ids by tokenizers 0.23.3.
TEST(TokenizerJson, AddedTokensSwallowBlanksAndWaitTheirTurn) {
  Json json = small_json();
  json["model"]["vocab"].erase("ab");
  json["model"]["vocab"].erase("abc");
  json["model"]["vocab"].erase("\u0120d");
  json["model"]["merges"] = Json::array();
  json["added_tokens"] = Json::parse(R"([
    {"id": 256, "content": "<a>", "lstrip": true}, {"id": 257, "content": "<b>", "rstrip": true},
    {"id": 258, "content": "<ab", "normalized": true}, {"id": 259, "content": "<abc>"},
    {"id": 260, "content": "<m>", "lstrip": true, "rstrip": true, "normalized": true}])");
  const Tokenizer t = parse(json);
  EXPECT_EQ(t.encode("x <a> y", true), (Ids{87, 256, 220, 88}));
  EXPECT_EQ(t.encode("x<b> \n\u3000 z", true), (Ids{87, 257, 89}));
  EXPECT_EQ(t.encode("<a> <b> <a>", true), (Ids{256, 220, 257, 256}));
  EXPECT_EQ(t.encode("  <a>", true), Ids{256});
  EXPECT_EQ(t.encode("<ab<abc><abcd", true), (Ids{258, 259, 258, 66, 67}));
  EXPECT_EQ(t.encode("<<a>", true), (Ids{27, 256}));
  EXPECT_EQ(t.encode("<ab><a>", true), (Ids{258, 29, 256}));
  EXPECT_EQ(t.encode(" \u00a0<m> \u2028<m> q", true), (Ids{260, 260, 80}));
  EXPECT_EQ(t.encode("<b> <b> <m>", true), (Ids{257, 257, 260}));
  EXPECT_EQ(t.encode("x\u0301 <a>", true), (Ids{87, 136, 223, 256}));
}

// One line of error for everything that would change ids and is not supported, or is malformed.
TEST(TokenizerJson, RefusesWithTheReason) {
  const auto word_split = [](const char* key, Json value) {
    Json split = {{"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Isolated"}, {"invert", false}};
    split[key] = std::move(value);
    return Json{{"type", "Sequence"},
                {"pretokenizers",
                 Json::array({split, {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}})}};
  };
  struct Case {
    const char* words;
    std::function<void(Json&)> change;
  };
  const Case cases[] = {
      {"normalizer: normalizer \"NFC\" is not supported",
       [](Json& j) {
         j["normalizer"] = {{"type", "NFC"}};
       }},
      {"see \"\\w+\"", [&](Json& j) { j["pre_tokenizer"] = word_split("invert", false); }},
      {"an inverted Split", [&](Json& j) { j["pre_tokenizer"] = word_split("invert", true); }},
      {"\"Isolated\"", [&](Json& j) { j["pre_tokenizer"] = word_split("behavior", "Removed"); }},
      {"only Regex patterns",
       [&](Json& j) {
         j["pre_tokenizer"] = word_split("pattern", {{"String", " "}});
       }},
      {"pre-tokenizer \"Whitespace\"",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Whitespace"}};
       }},
      {"add_prefix_space", [](Json& j) { j["pre_tokenizer"]["add_prefix_space"] = true; }},
      {"these 0 Split patterns", [](Json& j) { j["pre_tokenizer"]["use_regex"] = false; }},
      {"no ByteLevel step",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Json::array()}};
       }},
      {"no pre-tokenizer", [](Json& j) { j["pre_tokenizer"] = nullptr; }},
      {"decoder \"WordPiece\"",
       [](Json& j) {
         j["decoder"] = {{"type", "WordPiece"}};
       }},
      {"post-processor \"BertProcessing\"",
       [](Json& j) {
         j["post_processor"] = {{"type", "BertProcessing"}};
       }},
      {"truncation",
       [](Json& j) {
         j["truncation"] = {{"max_length", 5}};
       }},
      {"padding",
       [](Json& j) {
         j["padding"] = {{"pad_id", 0}};
       }},
      {"key \"model\" is missing", [](Json& j) { j.erase("model"); }},
      {"key \"surprise\" is unknown", [](Json& j) { j["surprise"] = 1; }},
      {"t/tokenizer.json: model: key \"wonder\"", [](Json& j) { j["model"]["wonder"] = 1; }},
      {"\"BPE\"", [](Json& j) { j["model"]["type"] = "Unigram"; }},
      {"dropout", [](Json& j) { j["model"]["dropout"] = 0.1; }},
      {"continuing_subword_prefix", [](Json& j) { j["model"]["continuing_subword_prefix"] = "##"; }},
      {"ignore_merges: expected true or false, found 1", [](Json& j) { j["model"]["ignore_merges"] = 1; }},
      {"token \"a\" has id -1", [](Json& j) { j["model"]["vocab"]["a"] = -1; }},
      {"token \"c\" has id 65", [](Json& j) { j["model"]["vocab"]["c"] = 65; }},  // b's
      {"has id 1.5", [](Json& j) { j["model"]["vocab"]["a"] = 1.5; }},
      {"has id 900", [](Json& j) { j["model"]["vocab"]["new"] = 900; }},
      {"model.merges[0]: expected two tokens", [](Json& j) { j["model"]["merges"][0] = "a b c"; }},
      {"model.merges[1]: expected \"left right\"",
       [](Json& j) {
         j["model"]["merges"][1] = {"a", "b", "c"};
       }},
      {"model.merges[2]: \"q\" is not in the vocabulary",
       [](Json& j) {
         j["model"]["merges"][2] = "q a";
         j["model"]["vocab"].erase("q");
         j["model"]["vocab"]["zz"] = 80;
       }},
      {"\"ca\" is not in the vocabulary", [](Json& j) { j["model"]["merges"][2] = "c a"; }},
      {"no token for byte 0x71",
       [](Json& j) {
         j["model"]["vocab"].erase("q");
         j["model"]["vocab"]["zz"] = 80;
       }},
      {"added_tokens[0].id", [](Json& j) { j["added_tokens"][0]["id"] = "259"; }},
      {"has id 300, expected 259", [](Json& j) { j["added_tokens"][0]["id"] = 300; }},
      {"has id 259, expected 64", [](Json& j) { j["added_tokens"][0]["content"] = "a"; }},
      {"is given twice", [](Json& j) { j["added_tokens"][1]["content"] = "<s>"; }},
      {"no text", [](Json& j) { j["added_tokens"][1]["content"] = ""; }},
      {"single_word", [](Json& j) { j["added_tokens"][1]["single_word"] = true; }},
  };
  for (const Case& test : cases) {
    Json json = small_json();
    test.change(json);
    try {
      parse(json);
      ADD_FAILURE() << "accepted; expected: " << test.words;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(test.words), std::string::npos) << message << "\nexpected: " << test.words;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

TEST(TokenizerJson, RefusesWhatIsNotJson) {
  const std::string good = tokenizer_json(small_spec());
  std::string nested(100'000, '[');
  std::string twice = good;
  twice.insert(twice.find("\"normalizer\""), "\"decoder\": null, ");
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("null"), good + "x",
                                  good.substr(0, good.size() / 2), nested, R"({"model": )" + nested, twice,
                                  std::string("{\"a\xFF\": 1}"), std::string(R"({"a": "\ud800"})")}) {
    EXPECT_THROW(parse_tokenizer(text, "", "t/tokenizer.json"), Error) << text.substr(0, 40);
  }
}

TEST(TokenizerJson, ConfigNamesTokensOfTheFile) {
  EXPECT_EQ(parse(small_json(), R"({"pad_token": {"content": "</s>"}, "bos_token": null})").pad_id(), 260);
  EXPECT_THROW(parse(small_json(), R"({"bos_token": "<nowhere>"})"), Error);
  EXPECT_THROW(parse(small_json(), R"({"bos_token": 3})"), Error);
  EXPECT_THROW(parse(small_json(), "{"), Error);
}

// Reads `json`; when it is accepted, uses the tokenizer. Anything but success or Error fails the test.
bool accepted(const std::string& json) {
  try {
    const Tokenizer tokenizer(parse_tokenizer(json, "", "t/tokenizer.json"));
    tokenizer.decode(tokenizer.encode("abc d <s> é 12", true));
    tokenizer_json(tokenizer.spec());
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(TokenizerJson, MutatedBytesNeverCrash) {
  const std::string good = small_json().dump();
  Rng rng(21);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string json = good;
    for (uint64_t edits = 1 + rng.below(4); edits-- > 0;) {
      const size_t at = rng.below(json.size());
      const uint64_t kind = rng.below(4);
      if (kind == 0) {
        json[at] = static_cast<char>(rng.below(256));
      } else if (kind == 1) {
        json[at] = "{}[]\",:0-9e\\u"[rng.below(13)];
      } else if (kind == 2) {
        json.erase(at, 1 + rng.below(20));
      } else {
        json.insert(at, json.substr(rng.below(json.size()), rng.below(40)));
      }
    }
    refused += !accepted(json);
  }
  EXPECT_GT(refused, 3000);
}

// Well-formed JSON with one value replaced: goes deeper than bytes do.
TEST(TokenizerJson, MutatedValuesNeverCrash) {
  const Json good = small_json();
  const Json values[] = {nullptr,
                         true,
                         0,
                         -1,
                         259,
                         1e300,
                         18446744073709551615u,
                         "",
                         "a",
                         "a b",
                         "<s>",
                         Json::array(),
                         Json::object(),
                         {"a", "b"},
                         {{"type", "ByteLevel"}},
                         {{"type", "Sequence"}}};
  const Json flat = good.flatten();
  std::vector<std::string> places;
  for (const auto& [pointer, value] : flat.items()) {
    for (std::string place = pointer; !place.empty(); place.resize(place.rfind('/'))) places.push_back(place);
  }
  Rng rng(22);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Json json = good;
    // Half the time not in the vocabulary, where most places are.
    std::string place = places[rng.below(places.size())];
    while (rng.below(2) && place.starts_with("/model/vocab/")) place = places[rng.below(places.size())];
    json[Json::json_pointer(place)] = values[rng.below(std::size(values))];
    refused += !accepted(json.dump());
  }
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace minke
