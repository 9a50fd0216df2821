// TokenizerSpec -> tokenizer.json and tokenizer_config.json.
#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "data/tokenizer/split_patterns.h"
#include "data/tokenizer/tokenizer_spec.h"

namespace minke {
namespace {

void append_json(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(*out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json(text, &out);
  return out;
}

std::string pre_tokenizer_json(PreTokenizer kind) {
  if (kind == PreTokenizer::kGpt2) {
    return R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";
  }
  std::string out = "{\"type\": \"Sequence\", \"pretokenizers\": [\n";
  for (const char* pattern : kDeepSeekV3Patterns) {
    out += "    {\"type\": \"Split\", \"pattern\": {\"Regex\": ";
    append_json(pattern, &out);
    out += "}, \"behavior\": \"Isolated\", \"invert\": false},\n";
  }
  return out +
         "    {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}\n  "
         "]}";
}

std::string text_of(const TokenizerSpec& spec, int32_t id) {
  for (const AddedToken& token : spec.added) {
    if (token.id == id) return json_string(token.content);
  }
  return id < 0 ? "null" : json_string(spec.vocab[id]);
}

}  // namespace

std::string tokenizer_json(const TokenizerSpec& spec) {
  constexpr std::string_view kByteLevel =
      R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false})";
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [";
  const char* comma = "\n";
  for (const AddedToken& token : spec.added) {
    out += fmt::format("{}    {{\"id\": {}, \"content\": ", comma, token.id);
    append_json(token.content, &out);
    out += fmt::format(R"(, "single_word": false, "lstrip": {}, "rstrip": {}, "normalized": {}, "special": {}}})",
                       token.lstrip, token.rstrip, token.normalized, token.special);
    comma = ",\n";
  }
  out += "\n  ],\n  \"normalizer\": null,\n  \"pre_tokenizer\": " + pre_tokenizer_json(spec.pre_tokenizer);
  out += ",\n  \"post_processor\": ";
  out += spec.post_processor.empty() ? kByteLevel : spec.post_processor;
  out += ",\n  \"decoder\": ";
  out += kByteLevel;
  out += ",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n";
  out += "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n";
  out +=
      fmt::format("    \"byte_fallback\": false,\n    \"ignore_merges\": {},\n    \"vocab\": {{", spec.ignore_merges);
  comma = "\n";
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    out += comma;
    out += "      ";
    append_json(spec.vocab[id], &out);
    out += fmt::format(": {}", id);
    comma = ",\n";
  }
  out += "\n    },\n    \"merges\": [";
  comma = "\n";
  for (const BpeMerge& merge : spec.merges) {
    // "left right", which every reader knows; a token with a blank in it needs the newer pair.
    const std::string &left = spec.vocab[merge.left], &right = spec.vocab[merge.right];
    out += comma;
    out += "      ";
    if ((left + right).find(' ') == std::string::npos) {
      append_json(left + " " + right, &out);
    } else {
      out += '[';
      append_json(left, &out);
      out += ", ";
      append_json(right, &out);
      out += ']';
    }
    comma = ",\n";
  }
  return out + "\n    ]\n  }\n}\n";
}

std::string tokenizer_config_json(const TokenizerSpec& spec) {
  if (!spec.config.empty()) return spec.config;
  return fmt::format(
      "{{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"bos_token\": {},\n  \"eos_token\": {},\n  "
      "\"pad_token\": {},\n"
      "  \"unk_token\": null,\n  \"clean_up_tokenization_spaces\": false\n}}\n",
      text_of(spec, spec.bos), text_of(spec, spec.eos), text_of(spec, spec.pad));
}

}  // namespace minke
