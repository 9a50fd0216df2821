// Writing a model folder: plan the files, fill a temporary folder, put it in place in one rename.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "checkpoint/hf_folder.h"

namespace minke {

namespace fs = std::filesystem;

namespace {

constexpr const char* kStaleMtp = "minke_stale_mtp";

// Files that a save replaces or removes; all others in the folder belong to somebody else and stay.
bool is_ours(const std::string& name) {
  return name == "config.json" || name == "generation_config.json" || name == "model.safetensors.index.json" ||
         (name.starts_with("model") && name.ends_with(".safetensors"));
}

std::string generation_config(const ModelConfig& config) {
  nlohmann::ordered_json j;
  if (config.bos_token_id) j["bos_token_id"] = *config.bos_token_id;
  if (config.eos_token_id.size() == 1) j["eos_token_id"] = config.eos_token_id[0];
  if (config.eos_token_id.size() > 1) j["eos_token_id"] = config.eos_token_id;
  if (config.pad_token_id) j["pad_token_id"] = *config.pad_token_id;
  j["_from_model_config"] = true;
  return j.dump(2) + "\n";
}

struct Shard {
  std::string name;
  std::vector<TensorInfo> tensors;
  int64_t bytes = 0;
};

// The tensors that store a parameter.
std::vector<TensorInfo> tensors_of(const ParameterSpec& p, DType dtype, const std::optional<Fp8Weights>& fp8) {
  if (fp8 && published_in_fp8(p)) return {fp8_scale_tensor(p, *fp8), fp8_code_tensor(p)};
  TensorInfo t;
  t.name = p.name;
  t.dtype = dtype_info(p.stored_dtype(dtype)).safetensors;
  t.shape = p.shape;
  return {t};
}

std::vector<Shard> plan_shards(const ModelConfig& config, const std::vector<ParameterSpec>& list, const SaveOptions& options) {
  std::vector<Shard> shards(1);
  for (const ParameterSpec& p : list) {
    const std::vector<TensorInfo> tensors = tensors_of(p, config.dtype, options.fp8);
    int64_t bytes = 0;
    for (const TensorInfo& t : tensors) bytes += t.elements() * safetensors_bits(t.dtype) / 8;
    if (!shards.back().tensors.empty() && shards.back().bytes + bytes > options.shard_bytes) shards.emplace_back();
    shards.back().tensors.insert(shards.back().tensors.end(), tensors.begin(), tensors.end());
    shards.back().bytes += bytes;
  }
  for (size_t i = 0; i < shards.size(); ++i)
    shards[i].name = shards.size() == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
  return shards;
}

// `specs`: the parameter behind a tensor.
void write_shard(const std::string& path, const Shard& shard, const std::unordered_map<std::string, const ParameterSpec*>& specs,
                 const ParameterSource& source, const SaveOptions& options) {
  constexpr int64_t kPiece = 1 << 16;
  std::vector<uint8_t> piece;
  write_safetensors(path, shard.tensors, [&](const TensorInfo& t, const PutBytes& put) {
    const ParameterSpec* spec = specs.at(t.name);
    if (!spec->copy_of.empty()) spec = specs.at(spec->copy_of);
    if (options.fp8 && published_in_fp8(*spec)) {
      if (options.fp8_codes && options.fp8_codes->put_fp8_bytes(*spec, t, put)) return;
      put_fp8(t, *spec, source(*spec), *options.fp8, put);
      return;
    }
    const ParameterValues from = source(*spec);
    const DType to = *dtype_by_safetensors(t.dtype);
    if (from.dtype == to) {
      put(from.data, t.bytes());
      return;
    }
    const size_t in = dtype_bytes(from.dtype), out = dtype_bytes(to);
    piece.resize(kPiece * out);
    for (int64_t i = 0, n = t.elements(); i < n; i += kPiece) {
      const int64_t m = std::min(kPiece, n - i);
      convert(from.dtype, static_cast<const uint8_t*>(from.data) + size_t(i) * in, to, piece.data(), m);
      put(piece.data(), size_t(m) * out);
    }
  });
}

std::string index_json(const std::vector<Shard>& shards) {
  std::map<std::string, std::string> weight_map;
  int64_t total = 0;
  for (const Shard& s : shards) {
    total += s.bytes;
    for (const TensorInfo& t : s.tensors) weight_map[t.name] = s.name;
  }
  nlohmann::json j;  // sorted keys
  j["metadata"]["total_size"] = total;
  j["weight_map"] = weight_map;
  return j.dump(2) + "\n";
}

// "out/" and links mean the folder itself.
std::string resolved(const std::string& path_in) {
  std::error_code error;
  std::string path = fs::weakly_canonical(path_in, error).string();
  if (error || path.empty()) path = path_in;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// A folder that is removed again at the end, whatever it then holds, unless kept.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) { make_folders(path_); }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  void keep() { kept_ = true; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool kept_ = false;
};

// Moves the folders of `from` that are not in `to` there. False if one could not be moved.
bool move_folders(const std::string& from, const std::string& to) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error))
    if (entry.is_directory() && !entry.is_symlink()) names.push_back(entry.path().filename());
  bool all = true;
  for (const std::string& name : names)
    if (!fs::exists(to + "/" + name, error) && rename((from + "/" + name).c_str(), (to + "/" + name).c_str()) != 0) all = false;
  return all;
}

// The command name of a process, or "" if there is none.
std::string command_of(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(in, name);
  return name;
}

// Whether the writer is at work; its number may have gone to another program since.
bool still_writing(pid_t pid) {
  if (pid == getpid()) return false;
  if (kill(pid, 0) != 0 && errno == ESRCH) return false;
  const std::string name = command_of(pid);
  return name.empty() || name == command_of(getpid());
}

// PATH.tmp-PID of processes that are gone, and PATH.tmp-PID-old where a file system knows no exchange. One killed between giving the
// new folder its name and moving the old one's folders over left them there.
void clear_leftovers(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  const std::string prefix = fs::path(path).filename().string() + ".tmp-";
  std::vector<std::string> gone;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent.empty() ? "." : parent, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix) || !entry.is_directory()) continue;
    std::string digits = name.substr(prefix.size());
    if (digits.ends_with("-old")) digits.resize(digits.size() - 4);
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != digits.npos) continue;
    if (!still_writing(pid_t(std::stol(digits)))) gone.push_back(entry.path().string());
  }
  std::sort(gone.rbegin(), gone.rend());  // -old, the whole former folder, first
  for (const std::string& folder : gone) {
    if (folder.ends_with("-old") && !fs::exists(path, error) && rename(folder.c_str(), path.c_str()) == 0) continue;
    if (fs::is_directory(path, error) && !move_folders(folder, path)) continue;
    fs::remove_all(folder, error);
  }
}

// Gives the finished folder the name `path`. If `path` exists the two change places in one step, so that at every moment `path` is a
// whole folder; the temporary one then holds the old model.
void put_in_place(TemporaryFolder& temporary, const std::string& path, const std::vector<std::string>& written) {
  const std::string& from = temporary.path();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    if (rename(from.c_str(), path.c_str()) != 0) fail("{}: cannot rename {} to it: {}", path, from, std::strerror(errno));
    fsync_folder(fs::path(path).parent_path().string());
    return;
  }
  // Other people's files join the new folder first, as hard links (an open log keeps growing); folders follow after the exchange.
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    if (entry.is_directory() || is_ours(name) || std::find(written.begin(), written.end(), name) != written.end()) continue;
    if (linkat(AT_FDCWD, entry.path().c_str(), AT_FDCWD, (from + "/" + name).c_str(), 0) != 0)
      fail("{}: cannot carry {} over to the new folder: {}", path, name, std::strerror(errno));
  }
  fsync_folder(from);
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
    // A file system without the exchange: renames, and the old folder comes back if the second fails.
    const std::string old = from + "-old";
    if (rename(path.c_str(), old.c_str()) != 0) fail("{}: cannot rename: {}", path, std::strerror(errno));
    if (rename(from.c_str(), path.c_str()) != 0) {
      const int why = errno;
      rename(old.c_str(), path.c_str());
      fail("{}: cannot rename {} to it: {}", path, from, std::strerror(why));
    }
    if (rename(old.c_str(), from.c_str()) != 0) fail("{}: written, but the old model stays in {}", path, old);
  }
  if (!move_folders(from, path)) {
    temporary.keep();
    fail("{}: written, but folders of the old one could not be moved over: {}; they are in {}", path, std::strerror(errno), from);
  }
  fsync_folder(fs::path(path).parent_path().string());
}

}  // namespace

void repair_hf_folder(const std::string& path) { clear_leftovers(resolved(path)); }

void write_hf_folder(const std::string& path_in, const ModelConfig& config, const ParameterSource& source, const SaveOptions& options) {
  std::error_code error;
  const std::string path = resolved(path_in);
  if (fs::exists(path, error)) {
    if (!fs::is_directory(path, error)) fail("{}: is a file; expected the name of a folder to write", path_in);
    if (!fs::is_empty(path, error) && !file_exists(path + "/config.json"))
      fail("{}: this folder holds something else than a model (no config.json); name a new folder", path_in);
  }
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) make_folders(parent.string());
  config.validate(path_in + "/config.json: ");

  const std::vector<ParameterSpec> list = parameter_list(config);
  std::unordered_map<std::string, const ParameterSpec*> specs;
  for (const ParameterSpec& p : list)
    for (const TensorInfo& t : tensors_of(p, config.dtype, options.fp8)) specs.emplace(t.name, &p);
  const std::vector<Shard> shards = plan_shards(config, list, options);

  std::map<std::string, std::string> texts = options.files;
  texts.emplace("generation_config.json", generation_config(config));
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(config.to_json());
  if (options.fp8) json["quantization_config"] = quantization_json(*options.fp8);
  if (options.stale_mtp) json[kStaleMtp] = true;
  texts["config.json"] = json.dump(2) + "\n";
  if (shards.size() > 1) texts["model.safetensors.index.json"] = index_json(shards);

  clear_leftovers(path);
  TemporaryFolder temporary(fmt::format("{}.tmp-{}", path, getpid()));
  std::vector<std::string> written;
  for (const Shard& s : shards) {
    write_shard(temporary.path() + "/" + s.name, s, specs, source, options);
    written.push_back(s.name);
  }
  for (const auto& [name, text] : texts) {
    MINKE_CHECK(name.find('/') == name.npos);
    write_file_atomic(temporary.path() + "/" + name, text);
    written.push_back(name);
  }
  put_in_place(temporary, path, written);
}

bool has_stale_mtp(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const nlohmann::ordered_json json = parse_json(read_file(path), path);
  return Fields(json, path + ": ").boolean(kStaleMtp, false);
}

}  // namespace minke
