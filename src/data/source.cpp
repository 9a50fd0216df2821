#include "data/source.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "data/byte_reader.h"
#include "data/shard_layout.h"

namespace minke {
namespace {

namespace fs = std::filesystem;
constexpr size_t kChunk = 1 << 18;
constexpr const char* kExpected = "expected .txt, .jsonl (also .gz, .zst), a shard or a folder of them";

// The first byte that is not part of a UTF-8 character: the text is known to have one.
size_t first_bad_byte(std::string_view text) {
  for (size_t at = 0;;) {
    size_t length = 1;
    while (length <= 4 && at + length <= text.size() && !simdjson::validate_utf8(text.data() + at, length)) ++length;
    if (length > 4 || at + length > text.size()) return at;
    at += length;
  }
}

void check_utf8(const std::string& name, std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return;
  const size_t at = first_bad_byte(text);
  fail("{}: byte {} (0x{:02x}) is not UTF-8; convert the text first, e.g. with iconv", name, at, uint8_t(text[at]));
}

void read_text(const std::string& path, const std::function<void(SourceDocument&&)>& use) {
  const auto in = ByteReader::open(path);
  SourceDocument document{path, {}};
  for (size_t size = 0;; ) {
    document.text.resize(size + kChunk);
    const size_t n = in->read(document.text.data() + size, kChunk);
    size += n;
    if (n == 0) {
      document.text.resize(size);
      break;
    }
  }
  check_utf8(path, document.text);
  if (!document.text.empty()) use(std::move(document));
}

void read_line(simdjson::dom::parser& parser, const std::string& path, int64_t number, std::string_view line,
               const std::function<void(SourceDocument&&)>& use) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  SourceDocument document{fmt::format("{}:{}", path, number), {}};
  check_utf8(document.name, line);
  simdjson::dom::element root;
  if (const auto error = parser.parse(line.data(), line.size()).get(root))
    fail("{}: not a JSON value: {}", document.name, simdjson::error_message(error));
  simdjson::dom::object object;
  if (root.get(object)) fail("{}: expected a JSON object with a string \"text\"", document.name);
  std::string_view text;
  if (const auto error = object["text"].get(text))
    fail("{}: {}", document.name, error == simdjson::NO_SUCH_FIELD ? "has no \"text\"" : "\"text\" is not a string");
  document.text = text;
  if (!text.empty()) use(std::move(document));
}

void read_json_lines(const std::string& path, const std::function<void(SourceDocument&&)>& use) {
  simdjson::dom::parser parser;
  read_lines(path, [&](int64_t number, std::string_view line) { read_line(parser, path, number, line, use); });
}

}  // namespace

FileKind file_kind(const std::string& path) {
  std::string_view name = path;
  for (const std::string_view packed : {".gz", ".zst"})
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  if (name.ends_with(".txt")) return FileKind::kText;
  if (name.ends_with(".jsonl")) return FileKind::kJsonLines;
  char magic[sizeof kShardMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::memcmp(magic, kShardMagic, sizeof magic) == 0 ? FileKind::kShard : FileKind::kOther;
}

std::vector<std::string> list_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) fail("{}: no such file or folder; {}", path, kExpected);
    if (!fs::is_directory(status)) {
      if (file_kind(path) == FileKind::kOther) fail("{}: cannot tell what this file is; {}", path, kExpected);
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator it(path, error), end;
    for (; !error && it != end; it.increment(error))
      if (it->is_regular_file(error) && file_kind(it->path().native()) != FileKind::kOther) found.push_back(it->path().native());
    if (error) fail("{}: cannot list: {}", path, error.message());
    if (found.empty()) fail("{}: holds no text; {}", path, kExpected);
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

void read_documents(const std::string& path, const std::function<void(SourceDocument&&)>& use) {
  switch (file_kind(path)) {
    case FileKind::kText: return read_text(path, use);
    case FileKind::kJsonLines: return read_json_lines(path, use);
    default: fail("{}: not a text file; {}", path, kExpected);
  }
}

}  // namespace minke
