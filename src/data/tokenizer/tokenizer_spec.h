#pragma once
// What a tokenizer is, as plain data: what tokenizer.json and tokenizer_config.json (and later a GGUF file) say.
#include <cstdint>
#include <string>
#include <vector>

#include "data/tokenizer/bpe.h"
#include "data/tokenizer/pretokenizer.h"

namespace minke {

// A token that is cut out of the text before BPE. lstrip / rstrip: it swallows the blanks beside it. normalized:
// matched in a second pass, after those that are not. special: decode with skip_special leaves it out.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool lstrip = false, rstrip = false, normalized = false, special = true;
};

struct TokenizerSpec {
  std::vector<std::string> vocab;  // the model's vocabulary in the byte alphabet, by id
  std::vector<BpeMerge> merges;    // by rank
  std::vector<AddedToken> added;   // in the file's order; ids past `vocab` follow it without gaps
  PreTokenizer pre_tokenizer = PreTokenizer::kDeepSeekV3;
  bool ignore_merges = false;  // a piece that is a token is taken whole
  std::string post_processor;  // JSON, kept for writing: it adds BOS in other programs and does not touch encode()
  std::string config;          // tokenizer_config.json, kept byte for byte; empty: none
  int32_t bos = -1, eos = -1, pad = -1;
};

// Read a folder (tokenizer.json and, if it is there, tokenizer_config.json) or one tokenizer.json with its neighbour.
// Whatever would change ids and is not supported is an Error at load that names it.
TokenizerSpec read_tokenizer(const std::string& path);

// The same from text in memory; `name` stands for the file in errors. `config` may be empty.
TokenizerSpec parse_tokenizer(const std::string& json, const std::string& config, const std::string& name);

// The text of tokenizer.json, one token and one merge a line. Same spec, same bytes.
std::string tokenizer_json(const TokenizerSpec& spec);

// tokenizer_config.json: the one that was read, or one made from the spec.
std::string tokenizer_config_json(const TokenizerSpec& spec);

}  // namespace minke
