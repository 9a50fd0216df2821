#pragma once
// Text to shards: on disk for `minke data pack`, in memory for the loader.
#include <memory>
#include <string>
#include <vector>

#include "data/shard.h"
#include "reason/mix.h"

namespace minke {

// Adds every document of the text files behind `paths` (source.h), special tokens in the text as plain text. Threads encode,
// documents keep their order.
void pack_text(ShardWriter& writer, const Tokenizer& tokenizer, const std::vector<std::string>& paths, TextKind kind);

// Adds generated documents of a problem mix; their special tokens are tokens.
void pack_mix(ShardWriter& writer, const Tokenizer& tokenizer, const std::vector<MixDocument>& documents);

// A shard in memory, of what `fill` adds. Runs on any thread.
std::shared_ptr<const Shard> shard_in_memory(const Tokenizer& tokenizer, const std::string& name, const std::function<void(ShardWriter&)>& fill);

// What lies behind files and folders: each .minke file opened, all text packed in memory. Error if a shard is of another tokenizer.
std::vector<std::shared_ptr<const Shard>> open_shards(const Tokenizer& tokenizer, const std::vector<std::string>& paths, TextKind kind);

}  // namespace minke
