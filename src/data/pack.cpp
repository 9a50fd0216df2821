#include "data/pack.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/threads.h"
#include "data/source.h"

namespace minke {
namespace {

constexpr size_t kGroupBytes = 8 << 20;  // of text encoded at once

// Documents waiting to be encoded together.
class Group {
 public:
  Group(ShardWriter& writer, const Tokenizer& tokenizer, TextKind kind) : writer_(writer), tokenizer_(tokenizer), kind_(kind) {}
  void add(const std::string& source, std::string text) {
    bytes_ += text.size();
    waiting_.push_back({source, std::move(text), {}});
    if (bytes_ >= kGroupBytes) flush();
  }
  void flush() {
    parallel_for(int64_t(waiting_.size()), [&](int64_t i) { waiting_[size_t(i)].ids = tokenizer_.encode(waiting_[size_t(i)].text); });
    for (const Waiting& w : waiting_) writer_.add(w.ids, w.text.size(), kind_, w.source);
    waiting_.clear();
    bytes_ = 0;
  }

 private:
  struct Waiting {
    std::string source, text;
    std::vector<int32_t> ids;
  };
  ShardWriter& writer_;
  const Tokenizer& tokenizer_;
  TextKind kind_;
  std::vector<Waiting> waiting_;
  size_t bytes_ = 0;
};

}  // namespace

void pack_text(ShardWriter& writer, const Tokenizer& tokenizer, const std::vector<std::string>& paths, TextKind kind) {
  Group group(writer, tokenizer, kind);
  bool any = false;
  for (const std::string& path : list_files(paths)) {
    if (file_kind(path) == FileKind::kShard) fail("{}: is packed already; expected text", path);
    read_documents(path, [&](SourceDocument&& document) {
      any = any || !document.text.empty();
      group.add(path, std::move(document.text));
    });
  }
  if (!any) fail("{}: there is no text in {}", fmt::join(paths, ", "), paths.size() == 1 ? "it" : "any of them");
  group.flush();
}

void pack_mix(ShardWriter& writer, const Tokenizer& tokenizer, const std::vector<MixDocument>& documents) {
  for (const MixDocument& d : documents)
    writer.add(tokenizer.encode(d.text, true), d.text.size(), TextKind::kProblems, mix_form_name(d.form));
}

std::shared_ptr<const Shard> shard_in_memory(const Tokenizer& tokenizer, const std::string& name, const std::function<void(ShardWriter&)>& fill) {
  std::vector<uint8_t> bytes;
  ShardWriter writer(tokenizer, [&](const void* data, size_t n) {
    bytes.insert(bytes.end(), static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + n);
  });
  fill(writer);
  writer.finish();
  return Shard::from_memory(std::move(bytes), name);
}

std::vector<std::shared_ptr<const Shard>> open_shards(const Tokenizer& tokenizer, const std::vector<std::string>& paths, TextKind kind) {
  std::vector<std::shared_ptr<const Shard>> shards;
  std::vector<std::string> text;
  for (const std::string& path : list_files(paths)) {
    if (file_kind(path) != FileKind::kShard) {
      text.push_back(path);
      continue;
    }
    shards.push_back(Shard::open(path));
    if (shards.back()->tokenizer() != tokenizer_hash(tokenizer))
      fail("{}: packed with another tokenizer ({:016x}, the model's is {:016x}); pack the text again", path, shards.back()->tokenizer(),
           tokenizer_hash(tokenizer));
  }
  if (!text.empty())
    shards.push_back(shard_in_memory(tokenizer, text[0], [&](ShardWriter& writer) { pack_text(writer, tokenizer, text, kind); }));
  return shards;
}

}  // namespace minke
