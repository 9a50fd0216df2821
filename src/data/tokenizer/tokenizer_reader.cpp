// tokenizer.json and tokenizer_config.json -> TokenizerSpec. Strict: an unknown key, type or pattern may change ids, so
// it is an Error that names it.
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "data/tokenizer/split_patterns.h"
#include "data/tokenizer/tokenizer_spec.h"

namespace minke {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxFileBytes = size_t{1} << 30;

// At most 80 bytes of a file's own text, safe to print in one line.
std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      out += c;
    }
  }
  return out + (text.size() > 80 ? "...\"" : "\"");
}

// The start of a value as JSON.
std::string shown_json(const element& value) {
  const std::string text = simdjson::minify(value);
  return text.size() > 80 ? text.substr(0, 80) + "..." : text;
}

// A value and the way to it, for errors: "out/tokenizer.json: model.merges[3]".
struct Node {
  element value;
  std::string where;
  bool is_root = false;

  [[noreturn]] void reject(const std::string& expected) const {
    fail("{}: expected {}, found {}", where, expected, shown_json(value));
  }
  bool is_null() const { return value.is_null(); }
  std::string_view text() const {
    std::string_view out;
    if (value.get(out)) reject("a string");
    return out;
  }
  bool boolean() const {
    bool out;
    if (value.get(out)) reject("true or false");
    return out;
  }
  int64_t integer(int64_t low, int64_t high) const {
    int64_t out;
    if (value.get(out) || out < low || out > high) reject(fmt::format("an integer from {} to {}", low, high));
    return out;
  }
  array list() const {
    array out;
    if (value.get(out)) reject("a list");
    return out;
  }
  object map() const {
    object out;
    if (value.get(out)) reject("an object");
    return out;
  }
  Node item(element child, size_t index) const { return {child, fmt::format("{}[{}]", where, index)}; }
};

// An object's fields by name; every one must be asked for before finish().
class Fields {
 public:
  explicit Fields(const Node& node) : where_(node.where), is_root_(node.is_root) {
    for (const auto& field : node.map()) {
      const auto [it, fresh] = fields_.try_emplace(std::string(field.key), field.value);
      if (!fresh) fail("{}: key {} is given twice", where_, shown(field.key));
    }
  }
  std::optional<Node> find(const std::string& key) {
    const auto it = fields_.find(key);
    if (it == fields_.end()) return std::nullopt;
    Node node{it->second, where_ + (is_root_ ? ": " : ".") + key};
    fields_.erase(it);
    return node;
  }
  Node get(const std::string& key) {
    auto node = find(key);
    if (!node) fail("{}: key \"{}\" is missing", where_, key);
    return *node;
  }
  bool flag(const std::string& key, bool otherwise) {
    const auto node = find(key);
    return node && !node->is_null() ? node->boolean() : otherwise;
  }
  void skip(const std::string& key) { fields_.erase(key); }
  void finish() const {
    if (!fields_.empty()) {
      fail("{}: key {} is unknown and could change the ids; minke reads byte-level BPE as `tokenizers` 0.23 writes it",
           where_, shown(fields_.begin()->first));
    }
  }

 private:
  std::string where_;
  bool is_root_;
  std::unordered_map<std::string, element> fields_;
};

void read_normalizer(const Node& node) {
  if (node.is_null()) return;
  Fields fields(node);
  const std::string type(fields.get("type").text());
  if (type == "Sequence" && fields.get("normalizers").list().size() == 0) return;
  fail("{}: normalizer {} is not supported, expected none", node.where, shown(type));
}

// The pattern of an isolating Split.
std::string read_split(Fields& fields) {
  const Node pattern = fields.get("pattern");
  Fields kinds(pattern);
  const auto regex = kinds.find("Regex");
  if (!regex) fail("{}: only Regex patterns are supported, found {}", pattern.where, shown_json(pattern.value));
  const Node behavior = fields.get("behavior");
  if (behavior.text() != "Isolated") behavior.reject("\"Isolated\", the one supported behavior");
  if (fields.flag("invert", false)) fail("{}: an inverted Split is not supported", pattern.where);
  return std::string(regex->text());
}

PreTokenizer read_pre_tokenizer(const Node& node) {
  if (node.is_null()) fail("{}: no pre-tokenizer, expected DeepSeek-V3's or GPT-2's", node.where);
  std::vector<Node> steps{node};
  if (Fields fields(node); fields.get("type").text() == "Sequence") {
    steps.clear();
    const Node members = fields.get("pretokenizers");
    for (const element member : members.list()) steps.push_back(members.item(member, steps.size()));
  }
  std::vector<std::string> patterns;
  bool to_bytes = false;
  for (const Node& step : steps) {
    Fields fields(step);
    const std::string type(fields.get("type").text());
    if (to_bytes) fail("{}: a step after ByteLevel is not supported", step.where);
    if (type == "Split") {
      patterns.push_back(read_split(fields));
    } else if (type == "ByteLevel") {
      to_bytes = true;
      fields.skip("trim_offsets");
      if (fields.flag("add_prefix_space", true))
        fail("{}: add_prefix_space is not supported, expected false", step.where);
      if (fields.flag("use_regex", true)) patterns.push_back(kGpt2Pattern);
    } else {
      fail("{}: pre-tokenizer {} is not supported, expected Split and ByteLevel", step.where, shown(type));
    }
    fields.finish();
  }
  if (!to_bytes) fail("{}: no ByteLevel step; only byte-level BPE is supported", node.where);
  if (patterns == std::vector<std::string>(std::begin(kDeepSeekV3Patterns), std::end(kDeepSeekV3Patterns))) {
    return PreTokenizer::kDeepSeekV3;
  }
  if (patterns == std::vector<std::string>{kGpt2Pattern}) return PreTokenizer::kGpt2;
  std::string_view odd = "(none)";
  for (const std::string& pattern : patterns) {
    odd = pattern;
    if (pattern != kGpt2Pattern && std::find(std::begin(kDeepSeekV3Patterns), std::end(kDeepSeekV3Patterns), pattern) ==
                                       std::end(kDeepSeekV3Patterns)) {
      break;
    }
  }
  fail("{}: these {} Split patterns are not supported (see {}), expected DeepSeek-V3's three or GPT-2's one",
       node.where, patterns.size(), shown(odd));
}

void read_decoder(const Node& node) {
  if (node.is_null()) fail("{}: no decoder, expected ByteLevel", node.where);
  Fields fields(node);
  const std::string type(fields.get("type").text());
  if (type != "ByteLevel") fail("{}: decoder {} is not supported, expected ByteLevel", node.where, shown(type));
}

// Post-processors only add tokens around what encode() gives, so they are kept for writing; one of another kind may do
// more.
std::string read_post_processor(const Node& node) {
  if (node.is_null()) return "null";
  Fields fields(node);
  const std::string type(fields.get("type").text());
  if (type == "Sequence") {
    const Node members = fields.get("processors");
    size_t index = 0;
    for (const element member : members.list()) read_post_processor(members.item(member, index++));
  } else if (type != "ByteLevel" && type != "TemplateProcessing") {
    fail("{}: post-processor {} is not supported, expected ByteLevel or TemplateProcessing", node.where, shown(type));
  }
  return simdjson::minify(node.value);
}

using Vocabulary = std::unordered_map<std::string_view, int32_t>;

Vocabulary read_vocab(const Node& node, TokenizerSpec* spec) {
  const object map = node.map();
  // An object's size() saturates at 2^24 - 1 in simdjson, hence the count by hand.
  size_t count = 0;
  for ([[maybe_unused]] const auto& field : map) ++count;
  spec->vocab.resize(count);
  std::vector<bool> filled(count);
  Vocabulary ids;
  ids.reserve(count);
  for (const auto& field : map) {
    int64_t id;
    if (field.value.get(id) || id < 0 || id >= static_cast<int64_t>(count) || filled[id]) {
      fail("{}: token {} has id {}, expected each of 0..{} once", node.where, shown(field.key), shown_json(field.value),
           static_cast<int64_t>(count) - 1);
    }
    filled[id] = true;
    spec->vocab[id] = field.key;
    if (!ids.try_emplace(field.key, static_cast<int32_t>(id)).second) {
      fail("{}: token {} is given twice", node.where, shown(field.key));
    }
  }
  return ids;
}

void read_merges(const Node& node, const Vocabulary& ids, TokenizerSpec* spec) {
  const array list = node.list();
  std::string joined;
  size_t rank = 0;
  for (const element item : list) {
    std::string_view sides[2], text;
    array pair;
    if (!item.get(text)) {
      const size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
        node.item(item, rank).reject("two tokens with one blank between them");
      }
      sides[0] = text.substr(0, space);
      sides[1] = text.substr(space + 1);
    } else if (item.get(pair) || pair.size() != 2 || pair.at(0).get(sides[0]) || pair.at(1).get(sides[1])) {
      node.item(item, rank).reject("\"left right\" or [\"left\", \"right\"]");
    }
    joined.assign(sides[0]).append(sides[1]);
    const auto left = ids.find(sides[0]), right = ids.find(sides[1]), result = ids.find(joined);
    for (const auto& [token, found] :
         {std::pair(sides[0], left), {sides[1], right}, {std::string_view(joined), result}}) {
      if (found == ids.end()) fail("{}[{}]: {} is not in the vocabulary", node.where, rank, shown(token));
    }
    spec->merges.push_back({left->second, right->second, result->second});
    ++rank;
  }
}

Vocabulary read_model(const Node& node, TokenizerSpec* spec) {
  Fields fields(node);
  if (const auto type = fields.find("type"); type && type->text() != "BPE")
    type->reject("\"BPE\", the one supported model");
  if (const auto dropout = fields.find("dropout"); dropout && !dropout->is_null()) {
    double value;
    if (dropout->value.get(value) || value != 0) dropout->reject("null; dropout makes ids random");
  }
  for (const std::string key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto affix = fields.find(key); affix && !affix->is_null() && !affix->text().empty())
      affix->reject("null");
  }
  // These act on characters that are not in the vocabulary; all 256 byte characters are (the Tokenizer checks).
  for (const char* key : {"unk_token", "fuse_unk", "byte_fallback"}) fields.skip(key);
  spec->ignore_merges = fields.flag("ignore_merges", false);
  Vocabulary ids = read_vocab(fields.get("vocab"), spec);
  read_merges(fields.get("merges"), ids, spec);
  fields.finish();
  return ids;
}

// `tokenizers` numbers added tokens itself: the vocabulary's id if the text is in it, else the next free one. A file
// that says otherwise would mean two things.
void read_added(const Node& node, const Vocabulary& ids, TokenizerSpec* spec) {
  int32_t next = static_cast<int32_t>(spec->vocab.size());
  std::unordered_map<std::string_view, size_t> seen;
  for (const element item : node.list()) {
    const Node where = node.item(item, spec->added.size());
    Fields fields(where);
    AddedToken token;
    const std::string_view content = fields.get("content").text();
    if (content.empty()) fail("{}: an added token with no text", where.where);
    if (!seen.try_emplace(content, 0).second) fail("{}: added token {} is given twice", where.where, shown(content));
    token.content = content;
    token.id = static_cast<int32_t>(fields.get("id").integer(0, INT32_MAX - 1));
    const auto known = ids.find(content);
    const int32_t expected = known != ids.end() ? known->second : next++;
    if (token.id != expected) {
      fail("{}: added token {} has id {}, expected {}: {}", where.where, shown(content), token.id, expected,
           known != ids.end() ? "the vocabulary's" : "added ids follow the vocabulary without gaps");
    }
    if (fields.flag("single_word", false)) fail("{}: single_word is not supported, expected false", where.where);
    token.lstrip = fields.flag("lstrip", false);
    token.rstrip = fields.flag("rstrip", false);
    token.normalized = fields.flag("normalized", false);
    token.special = fields.flag("special", false);
    fields.finish();
    spec->added.push_back(std::move(token));
  }
}

// bos_token and friends: null, a string, or an object with `content`. The id by its text.
int32_t config_token(Fields& fields, const std::string& key, const TokenizerSpec& spec) {
  const auto node = fields.find(key);
  if (!node || node->is_null()) return -1;
  std::string_view text;
  if (node->value.get(text)) {
    Fields token(*node);
    text = token.get("content").text();
  }
  for (const AddedToken& token : spec.added) {
    if (token.content == text) return token.id;
  }
  for (size_t id = 0; id < spec.vocab.size(); ++id) {
    if (spec.vocab[id] == text) return static_cast<int32_t>(id);
  }
  fail("{}: {} is no token of tokenizer.json", node->where, shown(text));
}

element parse(simdjson::dom::parser& parser, const std::string& json, const std::string& name) {
  if (json.size() > kMaxFileBytes) fail("{}: {} bytes, expected at most {}", name, json.size(), kMaxFileBytes);
  simdjson::error_code error = parser.allocate(json.size() + 64, kMaxDepth);
  element root;
  if (!error) error = parser.parse(json).get(root);
  if (error) fail("{}: not JSON that can be read: {}", name, simdjson::error_message(error));
  return root;
}

}  // namespace

TokenizerSpec parse_tokenizer(const std::string& json, const std::string& config, const std::string& name) {
  TokenizerSpec spec;
  simdjson::dom::parser parser;
  Fields fields(Node{parse(parser, json, name), name, true});
  fields.skip("version");
  for (const std::string key : {"truncation", "padding"}) {
    if (const auto node = fields.find(key); node && !node->is_null()) {
      fail("{}: a tokenizer that does this by itself is not supported, expected null", node->where);
    }
  }
  read_normalizer(fields.get("normalizer"));
  spec.pre_tokenizer = read_pre_tokenizer(fields.get("pre_tokenizer"));
  spec.post_processor = read_post_processor(fields.get("post_processor"));
  read_decoder(fields.get("decoder"));
  const Vocabulary ids = read_model(fields.get("model"), &spec);
  if (const auto added = fields.find("added_tokens")) read_added(*added, ids, &spec);
  fields.finish();

  if (!config.empty()) {
    simdjson::dom::parser config_parser;
    const std::string config_name = (std::filesystem::path(name).parent_path() / "tokenizer_config.json").string();
    Fields config_fields(Node{parse(config_parser, config, config_name), config_name, true});
    spec.bos = config_token(config_fields, "bos_token", spec);
    spec.eos = config_token(config_fields, "eos_token", spec);
    spec.pad = config_token(config_fields, "pad_token", spec);
    spec.config = config;
  }
  return spec;
}

TokenizerSpec read_tokenizer(const std::string& path) {
  const bool folder = std::filesystem::is_directory(path);
  const std::string file = folder ? path + "/tokenizer.json" : path;
  const std::string config = (std::filesystem::path(file).parent_path() / "tokenizer_config.json").string();
  const std::string json = read_file(file);
  return parse_tokenizer(json, file_exists(config) ? read_file(config) : "", file);
}

}  // namespace minke
