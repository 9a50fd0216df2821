#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "data/source.h"
#include "data/tokenizer/bpe_trainer.h"
#include "data/tokenizer/tokenizer.h"

namespace minke {
namespace {

std::string read_stdin() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    fail("cannot write to standard output; is the disk full?");
}

// `text` without its line ends; a last line without one counts.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// What a command works on: the argument if it is given, then the files, else standard input.
std::vector<std::string> inputs(const std::optional<std::string>& argument, const std::vector<std::string>& files) {
  std::vector<std::string> texts;
  if (argument) texts.push_back(*argument);
  for (const std::string& file : files) texts.push_back(read_file(file));
  if (texts.empty()) texts.push_back(read_stdin());
  return texts;
}

struct TrainArguments {
  std::vector<std::string> files, special;
  std::string out, pre_tokenizer = "deepseek-v3";
  int32_t vocab_size = 4096;
  bool no_digit_merges = false;
};

void run_train(const TrainArguments& arguments) {
  TokenizerTraining options;
  if (arguments.special.empty()) {
    options = deepseek_v3_training();
  } else {
    for (const std::string& content : arguments.special) {
      AddedToken token;
      token.content = content;
      options.front.push_back(token);
    }
  }
  options.vocab_size = arguments.vocab_size;
  options.digit_merges = !arguments.no_digit_merges;
  options.pre_tokenizer = arguments.pre_tokenizer == "gpt2" ? PreTokenizer::kGpt2 : PreTokenizer::kDeepSeekV3;
  std::vector<std::string> documents;
  size_t bytes = 0;
  for (const std::string& path : list_files(arguments.files)) {
    if (file_kind(path) == FileKind::kShard) fail("{}: a shard holds tokens; a tokenizer is trained on text", path);
    read_documents(path, [&](SourceDocument&& document) {
      bytes += document.text.size();
      documents.push_back(std::move(document.text));
    });
  }
  const Tokenizer tokenizer(train_tokenizer({documents.begin(), documents.end()}, options));
  tokenizer.save(arguments.out);
  std::printf("%s: %d tokens, %zu merges from %zu bytes of text\n", arguments.out.c_str(), tokenizer.vocab_size(),
              tokenizer.spec().merges.size(), bytes);
}

void add_tokenizer_train(CLI::App& tokenizer) {
  auto* command = tokenizer.add_subcommand("train", "find a byte-level BPE vocabulary in text files");
  auto arguments = std::make_shared<TrainArguments>();
  command
      ->add_option("files", arguments->files, "text: .txt, .jsonl with `text`, also .gz and .zst, or folders of them")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--out", arguments->out, "folder to write tokenizer.json and tokenizer_config.json to")
      ->required();
  command->add_option("--vocab-size", arguments->vocab_size, "tokens in all: bytes, special tokens, merges")
      ->capture_default_str()
      ->check(CLI::Range(256, 1 << 24));
  command->add_option("--pretokenizer", arguments->pre_tokenizer, "how text is cut into pieces")
      ->capture_default_str()
      ->check(CLI::IsMember({"deepseek-v3", "gpt2"}));
  command->add_option(
      "--special", arguments->special,
      "a special token; may be repeated. None: DeepSeek-V3's (BOS, EOS, pad, roles, think, 16 placeholders)");
  command->add_flag("--no-digit-merges", arguments->no_digit_merges, "no token holds two digits");
  command->footer(
      "The same text and options give the same bytes.\n"
      "Examples:\n"
      "  minke tokenizer train data/books/train tokenizer/problems.txt --no-digit-merges --out tokenizer\n"
      "  minke tokenizer train mine.txt --vocab-size 8192 --pretokenizer gpt2 --special '<|endoftext|>' --out "
      "my-tokenizer");
  command->callback([arguments] { run_train(*arguments); });
}

struct EncodeArguments {
  std::string tokenizer;
  std::optional<std::string> text;  // not a list: CLI11 would take "[a,b]" apart
  std::vector<std::string> files;
  bool allow_special = false, lines = false, stats = false;
};

void run_encode(const EncodeArguments& arguments) {
  const Tokenizer tokenizer = Tokenizer::load(arguments.tokenizer);
  size_t bytes = 0, tokens = 0;
  double seconds = 0;
  for (const std::string& text : inputs(arguments.text, arguments.files)) {
    for (const std::string& part : arguments.lines ? lines_of(text) : std::vector<std::string>{text}) {
      const auto start = std::chrono::steady_clock::now();
      const std::vector<int32_t> ids = tokenizer.encode(part, arguments.allow_special);
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      bytes += part.size();
      tokens += ids.size();
      std::string row = "[";
      for (const int32_t id : ids) {
        if (row.size() > 1) row += ", ";
        row += std::to_string(id);
      }
      print(row + "]\n");
    }
  }
  if (arguments.stats) {
    std::fprintf(stderr, "%zu bytes, %zu tokens, %.2f bytes a token, encoded at %.1f MB/s on one thread\n", bytes,
                 tokens, static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(tokens, 1)),
                 static_cast<double>(bytes) / seconds / 1e6);
  }
}

void add_tokenizer_encode(CLI::App& tokenizer) {
  auto* command = tokenizer.add_subcommand("encode", "text to token ids, one JSON array a line");
  auto arguments = std::make_shared<EncodeArguments>();
  command->add_option("tokenizer", arguments->tokenizer, "model folder or tokenizer.json")->required();
  command->add_option("text,-p,--text", arguments->text, "the text; none and no file: standard input is one text");
  command->add_option("-f,--file", arguments->files, "files, each one text");
  command->add_flag("--lines", arguments->lines, "each line of the input is a text, without its line end");
  command->add_flag("--stats", arguments->stats, "bytes, tokens and speed, one line on standard error");
  command->add_flag("--allow-special", arguments->allow_special,
                    "<｜User｜>, <think> and the like are tokens, not plain text");
  command->footer(
      "No BOS is added.\n"
      "Examples:\n"
      "  minke tokenizer encode tokenizer 'Once upon a time'\n"
      "  minke tokenizer encode out/tiny-base --file book.txt > ids.json\n"
      "  minke tokenizer encode out/tiny-base --lines --allow-special < prompts.txt");
  command->callback([arguments] { run_encode(*arguments); });
}

struct DecodeArguments {
  std::string tokenizer;
  std::optional<std::string> ids;
  std::vector<std::string> files;
  bool skip_special = false;
};

void run_decode(const DecodeArguments& arguments) {
  const Tokenizer tokenizer = Tokenizer::load(arguments.tokenizer);
  bool first = true;
  for (const std::string& input : inputs(arguments.ids, arguments.files)) {
    for (const std::string& line : lines_of(input)) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      std::vector<int32_t> ids;
      const auto row = nlohmann::json::parse(line, nullptr, false);
      if (!row.is_array()) fail("expected a JSON array of token ids a line, found: {}", line.substr(0, 60));
      for (const auto& value : row) {
        if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() >= tokenizer.vocab_size()) {
          fail("expected token ids from 0 to {}, found {}", tokenizer.vocab_size() - 1, value.dump());
        }
        ids.push_back(value.get<int32_t>());
      }
      print((first ? "" : "\n") + tokenizer.decode(ids, arguments.skip_special));
      first = false;
    }
  }
}

void add_tokenizer_decode(CLI::App& tokenizer) {
  auto* command = tokenizer.add_subcommand("decode", "token ids to text");
  auto arguments = std::make_shared<DecodeArguments>();
  command->add_option("tokenizer", arguments->tokenizer, "model folder or tokenizer.json")->required();
  command->add_option("ids", arguments->ids, "a JSON array; none and no file: standard input, one array a line");
  command->add_option("-f,--file", arguments->files, "files with one array a line");
  command->add_flag("--skip-special", arguments->skip_special, "leave out special tokens such as BOS and EOS");
  command->footer(
      "Writes the text as it is, and a line end between the texts of several arrays.\n"
      "Examples:\n"
      "  minke tokenizer decode tokenizer '[443, 300, 261]'\n"
      "  minke tokenizer encode tokenizer --file book.txt | minke tokenizer decode tokenizer | cmp - book.txt");
  command->callback([arguments] { run_decode(*arguments); });
}

}  // namespace

void add_tokenizer(CLI::App& app) {
  auto* command = app.add_subcommand("tokenizer", "train a tokenizer, or turn text into token ids and back");
  command->require_subcommand(1);
  add_tokenizer_train(*command);
  add_tokenizer_encode(*command);
  add_tokenizer_decode(*command);
}

}  // namespace minke
