#pragma once
// Text files as documents: .txt (a file is a document), .jsonl (a line is a document, its string `text`), each also .gz and .zst;
// shards (shard.h; any name, told by their first bytes) are listed too and read elsewhere. A folder stands for such files below it.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

enum class FileKind { kText, kJsonLines, kShard, kOther };
FileKind file_kind(const std::string& path);  // by its name, else by its first bytes

// The files behind files and folders: arguments in their order, a folder's files in the order of their paths (bytes). Error on a
// path that does not exist, a file of another kind, a folder with no such file.
std::vector<std::string> list_files(const std::vector<std::string>& paths);

struct SourceDocument {
  std::string name;  // the path, with `:line` for JSON lines
  std::string text;  // valid UTF-8
};

// Calls `use` for each document of a text or JSON-lines file, in order, one in memory at a time. Error with path and place on
// text that is not UTF-8 (byte offset), a line that is not JSON or has no string `text` (line number), a truncated archive.
// Empty lines and empty documents are passed over.
void read_documents(const std::string& path, const std::function<void(SourceDocument&&)>& use);

}  // namespace minke
