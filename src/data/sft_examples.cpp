#include "data/sft_examples.h"

#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/threads.h"
#include "data/byte_reader.h"
#include "data/chat.h"
#include "data/source.h"

namespace minke {
namespace {

constexpr const char* kExpected = "expected {\"messages\": [{\"role\", \"content\"}, ...]} or {\"prompt\", \"completion\"} with texts";
constexpr size_t kGroupLines = 4096;  // encoded at once

std::string text_of(const simdjson::dom::object& object, const char* key) {
  std::string_view text;
  if (const auto error = object[key].get(text))
    fail("{}", error == simdjson::NO_SUCH_FIELD ? fmt::format("has no \"{}\"", key) : fmt::format("\"{}\" is not a text", key));
  return std::string(text);
}

std::vector<ChatMessage> parse_conversation(simdjson::dom::parser& parser, std::string_view line) {
  simdjson::dom::element root;
  if (const auto error = parser.parse(line.data(), line.size()).get(root)) fail("not a JSON value: {}", simdjson::error_message(error));
  simdjson::dom::object object;
  if (root.get(object)) fail("not a JSON object");
  simdjson::dom::element messages;
  const bool chat = object["messages"].get(messages) == simdjson::SUCCESS;
  const bool pair = object["prompt"].error() == simdjson::SUCCESS || object["completion"].error() == simdjson::SUCCESS;
  if (chat && pair) fail("has both \"messages\" and \"prompt\" or \"completion\"");
  if (!chat && !pair) fail("has neither \"messages\" nor \"prompt\" and \"completion\"");
  if (pair) return {{"user", text_of(object, "prompt")}, {"assistant", text_of(object, "completion")}};
  simdjson::dom::array list;
  if (messages.get(list)) fail("\"messages\" is not a list");
  std::vector<ChatMessage> out;
  for (const simdjson::dom::element item : list) {
    simdjson::dom::object message;
    if (item.get(message)) fail("message {} is not an object", out.size() + 1);
    try {
      out.push_back({text_of(message, "role"), text_of(message, "content")});
    } catch (const Error& e) {
      fail("message {} {}", out.size() + 1, e.what());
    }
  }
  if (out.empty() || out.back().role != "assistant") fail("\"messages\" does not end with an assistant's");
  return out;
}

// One line's outcome: its examples, or what is wrong with it.
struct Line {
  int64_t number = 0;
  std::string text;
  uint64_t question = 0;  // hash of the first user message
  std::vector<ChatExample> examples;
  std::string wrong;
};

void encode(const Tokenizer& tokenizer, Line& line) {
  thread_local simdjson::dom::parser parser;
  try {
    const std::vector<ChatMessage> messages = parse_conversation(parser, line.text);
    for (size_t i = 0; i < messages.size(); ++i) {
      if (messages[i].role == "assistant") line.examples.push_back(chat_example(tokenizer, std::span(messages).first(i + 1)));
      if (messages[i].role == "user" && line.question == 0) line.question = xxh3_64(messages[i].content);
    }
  } catch (const Error& e) {
    line.wrong = e.what();
  }
}

// Reads files into sets; what is wrong is gathered and thrown at the end of a file.
class Reader {
 public:
  Reader(const SftFiles& files, const Tokenizer& tokenizer) : files_(files), tokenizer_(tokenizer) {}

  // Lines go to `out`, or to `*aside` by the hash of their question when it is given.
  void read(const std::vector<std::string>& paths, SftExamples& out, SftExamples* aside) {
    for (const std::string& path : list_files(paths)) {
      if (file_kind(path) != FileKind::kJsonLines) fail("{}: expected a file of JSON lines, .jsonl, .jsonl.gz or .jsonl.zst", path);
      path_ = path;
      bad_.clear();
      bad_count_ = lines_ = long_ = examples_ = 0;
      read_lines(path, [&](int64_t number, std::string_view text) {
        if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
        group_.push_back({number, std::string(text), 0, {}, {}});
        if (group_.size() == kGroupLines) flush(out, aside);
      });
      flush(out, aside);
      if (bad_count_ > 0) fail("{}: {} of {} lines cannot be used; {}{}", path, bad_count_, lines_, kExpected, bad_);
      if (long_ > 0 && files_.long_examples == LongExamples::kError)
        fail("{}: {} of {} examples have more than sequence_length + 1 = {} tokens (the first: line {}, {} tokens); make sequence_length longer, or set "
             "long_examples = \"truncate\" or \"drop\"",
             path, long_, examples_, files_.longest + 1, first_long_line_, first_long_tokens_);
    }
  }

 private:
  void flush(SftExamples& out, SftExamples* aside) {
    parallel_for(int64_t(group_.size()), [&](int64_t i) { encode(tokenizer_, group_[size_t(i)]); });
    for (const Line& line : group_) {
      ++lines_;
      if (!line.wrong.empty()) {
        ++bad_count_;
        bad_ += fmt::format("\n  line {}: {}", line.number, line.wrong);
      }
      SftExamples& set = aside && double(line.question >> 11) * 0x1p-53 < files_.held_out_share ? *aside : out;
      for (const ChatExample& e : line.examples) add(line, e, set);
    }
    group_.clear();
  }

  void add(const Line& line, const ChatExample& e, SftExamples& set) {
    ++examples_;
    const size_t prompt = size_t(std::count(e.trained.begin(), e.trained.end(), uint8_t(0))), most = size_t(files_.longest) + 1;
    std::span<const int32_t> ids = e.ids;
    if (ids.size() > most) {
      if (long_++ == 0) {
        first_long_line_ = line.number;
        first_long_tokens_ = ids.size();
      }
      const bool cut = files_.long_examples == LongExamples::kTruncate && prompt < most;
      ++(cut ? set.truncated : set.dropped);
      if (!cut) return;
      ids = ids.first(most);
    }
    set.add(ids, prompt);
  }

  const SftFiles& files_;
  const Tokenizer& tokenizer_;
  std::string path_, bad_;
  std::vector<Line> group_;
  int64_t bad_count_ = 0, lines_ = 0, examples_ = 0, long_ = 0, first_long_line_ = 0;
  size_t first_long_tokens_ = 0;
};

}  // namespace

int64_t SftExamples::targets() const {
  int64_t n = int64_t(tokens.size());
  for (const uint32_t p : prompt) n -= p;
  return n;
}

void SftExamples::add(std::span<const int32_t> ids, size_t prompt_tokens) {
  MINKE_CHECK_LT(size_t(0), prompt_tokens);
  MINKE_CHECK_LT(prompt_tokens, ids.size());
  tokens.insert(tokens.end(), ids.begin(), ids.end());
  first.push_back(tokens.size());
  prompt.push_back(uint32_t(prompt_tokens));
}

SftSets read_sft(const SftFiles& files, const Tokenizer& tokenizer) {
  end_of_thinking_id(tokenizer);  // a tokenizer without the tokens of a conversation is one error, not one a line
  SftSets sets;
  Reader reader(files, tokenizer);
  reader.read(files.train, sets.train, files.held_out.empty() ? &sets.held_out : nullptr);
  if (!files.held_out.empty()) reader.read(files.held_out, sets.held_out, nullptr);
  if (sets.train.size() == 0) fail("{}: no example to train on", fmt::join(files.train, ", "));
  return sets;
}

}  // namespace minke
