#include "checkpoint/hf_folder.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "numeric/f16.h"

namespace minke {

namespace {

constexpr const char* kIndexName = "model.safetensors.index.json";

// {"weight_map": {tensor: shard}} with every shard a plain file name. simdjson: the map has 90,000 keys in a large model.
std::map<std::string, std::string> read_index(const std::string& path) {
  namespace dom = simdjson::dom;
  const std::string text = read_file(path);
  const simdjson::padded_string padded(text);
  dom::parser parser;
  if (parser.allocate(text.size(), 64)) fail("{}: no memory for {} bytes", path, text.size());
  dom::object root, weight_map;
  if (const auto error = parser.parse(padded).get(root)) fail("{}: not a JSON object: {}", path, simdjson::error_message(error));
  if (root["weight_map"].get(weight_map)) fail("{}: weight_map: expected an object of tensor names and files", path);
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : weight_map) {
    std::string_view shard;
    if (value.get(shard)) fail("{}: weight_map {}: expected a file name", path, key);
    const bool plain = !shard.empty() && shard.find('/') == shard.npos && shard.find('\\') == shard.npos && shard.find("..") == shard.npos &&
                       shard.find('\0') == shard.npos && shard.ends_with(".safetensors");
    if (!plain) fail("{}: weight_map {}: expected the name of a .safetensors file in this folder, found \"{}\"", path, key, shard.substr(0, 100));
    if (!out.emplace(key, shard).second) fail("{}: weight_map {} appears twice", path, key);
  }
  return out;
}

// "a, b, c and 7 more"
std::string some_of(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 3); ++i) out += (i ? ", " : "") + names[i];
  if (names.size() > 3) out += fmt::format(" and {} more", names.size() - 3);
  return out;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

// The layer number in "model.layers.N.", or -1.
int64_t layer_of(std::string_view name) {
  constexpr std::string_view prefix = "model.layers.";
  if (!name.starts_with(prefix)) return -1;
  int64_t layer = 0;
  size_t i = prefix.size();
  for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && layer < 1'000'000; ++i) layer = layer * 10 + (name[i] - '0');
  return i > prefix.size() && i < name.size() && name[i] == '.' ? layer : -1;
}

}  // namespace

HfFolder::HfFolder(const std::string& path) : path_(path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) fail("{}: expected a model folder (config.json and safetensors files)", path);
  config_ = ModelConfig::load(path);
  fp8_ = read_quantization(path + "/config.json");
  const std::string index_path = path + "/" + kIndexName, single = path + "/model.safetensors";
  if (file_exists(index_path)) {
    open_shards(read_index(index_path), index_path);
  } else if (file_exists(single)) {
    files_.push_back(std::make_unique<SafetensorsFile>(single));
    for (const TensorInfo& t : files_[0]->tensors()) {
      by_name_.emplace(t.name, Place{files_[0].get(), &t});
      tensors_.push_back(&t);
    }
  } else {
    fail("{}: no weights: neither {} nor model.safetensors is there", path, kIndexName);
  }
}

void HfFolder::open_shards(const std::map<std::string, std::string>& shard_of, const std::string& index_path) {
  std::map<std::string, const SafetensorsFile*> open;
  std::vector<std::string> missing;
  for (const auto& [name, shard] : shard_of) {
    if (open.count(shard)) continue;
    if (!file_exists(path_ + "/" + shard)) missing.push_back(shard);
    open[shard] = nullptr;
  }
  if (!missing.empty()) fail("{}: {} of {} files are missing from the folder: {}", index_path, missing.size(), open.size(), some_of(missing));
  for (auto& [shard, file] : open) {
    files_.push_back(std::make_unique<SafetensorsFile>(path_ + "/" + shard));
    file = files_.back().get();
  }
  for (const auto& [name, shard] : shard_of) {
    const SafetensorsFile* file = open[shard];
    const TensorInfo* info = file->find(name);
    if (!info) missing.push_back(fmt::format("{} (in {})", name, shard));
    else by_name_.emplace(info->name, Place{file, info});
  }
  if (!missing.empty()) fail("{}: {} tensors are not in the files it names: {}", index_path, missing.size(), some_of(missing));
  // The index decides; tensors that it does not name are nobody's.
  for (const auto& file : files_)
    for (const TensorInfo& t : file->tensors())
      if (const auto it = by_name_.find(t.name); it != by_name_.end() && it->second.info == &t) tensors_.push_back(&t);
}

const TensorInfo* HfFolder::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second.info;
}

uint64_t HfFolder::total_bytes() const {
  uint64_t bytes = 0;
  for (const TensorInfo* t : tensors_) bytes += t->bytes();
  return bytes;
}

void HfFolder::check(const ModelConfig& config) const {
  std::vector<std::string> missing, wrong, unexpected;
  std::unordered_map<std::string_view, bool> known;
  const std::vector<ParameterSpec> list = parameter_list(config);
  bool main_missing = false;
  for (const ParameterSpec& p : list) {
    known.emplace(p.name, true);
    const TensorInfo* t = find(p.name);
    if (!t) {
      if (!p.copy_of.empty()) continue;
      missing.push_back(p.name);
      main_missing |= !p.mtp;
    } else if (t->shape != p.shape) {
      wrong.push_back(fmt::format("{} is {}, expected {}", p.name, shape_text(t->shape), shape_text(p.shape)));
    } else if (t->dtype == kFp8Dtype && fp8_ && p.shape.size() == 2) {
      const TensorInfo want = fp8_scale_tensor(p, *fp8_), *scales = find(want.name);
      if (!scales) {
        missing.push_back(want.name);
        main_missing |= !p.mtp;
      } else if (scales->shape != want.shape) {
        wrong.push_back(fmt::format("{} is {}, expected {}", want.name, shape_text(scales->shape), shape_text(want.shape)));
      }
    }
  }
  for (const TensorInfo* t : tensors_) {
    std::string_view name = t->name;
    if (name.ends_with(kFp8ScaleSuffix)) {
      name.remove_suffix(kFp8ScaleSuffix.size());
      if (const TensorInfo* matrix = find(name); matrix && !matrix->dtype.starts_with("F8_")) name = t->name;  // scales of nothing
    }
    const bool ignored = layer_of(name) >= config.layers_with_mtp() || name.ends_with("rotary_emb.inv_freq");
    if (!ignored && !known.count(name)) unexpected.push_back(t->name);
  }
  if (!missing.empty())
    fail("{}: {} tensors are missing that config.json asks for: {}{}", path_, missing.size(), some_of(missing),
         main_missing ? "" : "; without its MTP modules the folder opens after `minke convert --drop-mtp`");
  if (!wrong.empty()) fail("{}: {} tensors do not have config.json's shape: {}", path_, wrong.size(), some_of(wrong));
  if (!unexpected.empty())
    fail("{}: {} tensors have no place in the model that config.json describes: {}", path_, unexpected.size(), some_of(unexpected));
}

void HfFolder::read(const std::string& name, const std::vector<int64_t>& shape, DType dtype, void* to) const {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) fail("{}: tensor {} is missing", path_, name);
  const TensorInfo& t = *it->second.info;
  const std::string& file = it->second.file->path();
  if (t.shape != shape) fail("{}: tensor {} is {}, expected {}", file, name, shape_text(t.shape), shape_text(shape));
  const uint8_t* from = it->second.file->data(t);
  const int64_t n = t.elements();
  const std::optional<DType> stored = dtype_by_safetensors(t.dtype);
  if (stored == dtype) {
    if (n > 0) std::memcpy(to, from, t.bytes());
    return;
  }
  if (t.dtype == kFp8Dtype) {
    read_fp8(t, file, from, dtype, to);
    return;
  }
  const bool f16 = t.dtype == "F16";
  if (!stored && !f16) fail("{}: tensor {} is stored as {}; minke reads F32, BF16, F16 and F8_E4M3", file, name, t.dtype);
  // In pieces, by way of aligned buffers: the data in the file may lie anywhere.
  constexpr int64_t kPiece = 4096;
  alignas(64) uint8_t raw[kPiece * 4];
  alignas(64) float wide[kPiece];
  const size_t in = f16 ? 2 : dtype_bytes(*stored), out = dtype_bytes(dtype);
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t m = std::min(kPiece, n - i);
    std::memcpy(raw, from + size_t(i) * in, size_t(m) * in);
    if (f16) {
      const uint16_t* halves = reinterpret_cast<const uint16_t*>(raw);
      for (int64_t k = 0; k < m; ++k) wide[k] = f16_to_f32(halves[k]);
      convert(DType::kF32, wide, dtype, static_cast<uint8_t*>(to) + size_t(i) * out, m);
    } else {
      convert(*stored, raw, dtype, static_cast<uint8_t*>(to) + size_t(i) * out, m);
    }
  }
}

void HfFolder::read_fp8(const TensorInfo& t, const std::string& file, const uint8_t* codes, DType dtype, void* to) const {
  if (!fp8_)
    fail("{}: tensor {} is stored as F8_E4M3, but {}/config.json has no quantization_config that tells how its scales lie", file, t.name, path_);
  if (t.shape.size() != 2) fail("{}: tensor {} is stored as F8_E4M3 and is {}; only matrices have scales", file, t.name, shape_text(t.shape));
  const Fp8Cut cut = fp8_->cut(t.shape);
  std::vector<float> scales(size_t(cut.scale_rows() * cut.scale_cols()));
  read(t.name + std::string(kFp8ScaleSuffix), {cut.scale_rows(), cut.scale_cols()}, DType::kF32, scales.data());
  fp8_dequantise(cut, codes, scales.data(), dtype, to, cut.cols);
}

bool HfFolder::put_fp8_bytes(const ParameterSpec& spec, const TensorInfo& tensor, const PutBytes& put) const {
  const TensorInfo *codes = find(spec.name), *scales = find(spec.name + std::string(kFp8ScaleSuffix));
  if (!codes || codes->dtype != kFp8Dtype || !scales || scales->dtype != "F32") return false;
  const TensorInfo& stored = tensor.name == spec.name ? *codes : *scales;
  MINKE_CHECK(stored.shape == tensor.shape);
  put(by_name_.at(stored.name).file->data(stored), stored.bytes());
  return true;
}

std::map<std::string, std::string> read_tokenizer_files(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
                           "merges.txt", "chat_template.jinja", "generation_config.json"})
    if (const std::string path = folder + "/" + name; file_exists(path)) out[name] = read_file(path);
  return out;
}

}  // namespace minke
