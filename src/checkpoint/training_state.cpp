#include "checkpoint/training_state.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/safetensors.h"

namespace minke {
namespace {

struct Piece {
  char* data = nullptr;
  DType dtype = DType::kF32;
  const ParameterSpec* spec = nullptr;
  size_t bytes() const { return size_t(spec->elements()) * dtype_bytes(dtype); }
};

// Every tensor of a state by its name in the file.
std::map<std::string, Piece> pieces(const Weights& w, const Moments& moments) {
  std::map<std::string, Piece> out;
  const size_t size = dtype_bytes(moments.dtype);
  for (size_t i = 0; i < w.specs().size(); ++i) {
    const ParameterSpec& spec = w.specs()[i];
    out["master." + spec.name] = {reinterpret_cast<char*>(w.masters() + w.offset(i)), DType::kF32, &spec};
    if (!spec.trained()) continue;
    out["m." + spec.name] = {static_cast<char*>(moments.m) + size_t(w.offset(i)) * size, moments.dtype, &spec};
    out["v." + spec.name] = {static_cast<char*>(moments.v) + size_t(w.offset(i)) * size, moments.dtype, &spec};
  }
  return out;
}

// The hash of the fields and of the tensors' bytes, tensor by tensor in the order of their names.
std::string checksum(const std::string& fields, const std::map<std::string, Piece>& all, const std::function<const void*(const std::string&, const Piece&)>& data) {
  uint64_t hash = xxh3_64(fields);
  for (const auto& [name, piece] : all) {
    const uint64_t pair[2] = {hash, xxh3_64(data(name, piece), piece.bytes())};
    hash = xxh3_64(pair, sizeof pair);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

int64_t StateFields::integer(const std::string& name, const std::string& path) const {
  const auto it = integers.find(name);
  if (it == integers.end()) fail("{}: the training state has no field \"{}\"; was it written by another version of minke?", path, name);
  return it->second;
}

const std::string& StateFields::text(const std::string& name, const std::string& path) const {
  const auto it = texts.find(name);
  if (it == texts.end()) fail("{}: the training state has no field \"{}\"; was it written by another version of minke?", path, name);
  return it->second;
}

void save_training_state(const std::string& path, const Weights& weights, const Moments& moments, const StateFields& fields) {
  const std::map<std::string, Piece> all = pieces(weights, moments);
  std::vector<TensorInfo> tensors;
  for (const auto& [name, piece] : all) {
    TensorInfo t;
    t.name = name;
    t.dtype = dtype_info(piece.dtype).safetensors;
    t.shape = piece.spec->shape;
    tensors.push_back(std::move(t));
  }
  const std::string json = nlohmann::json{{"integers", fields.integers}, {"texts", fields.texts}}.dump();
  write_safetensors(
      path, std::move(tensors),
      [&](const TensorInfo& t, const PutBytes& put) {
        const Piece& piece = all.at(t.name);
        put(piece.data, piece.bytes());
      },
      {{"minke_state", std::to_string(kTrainingStateVersion)},
       {"fields", json},
       {"xxh3", checksum(json, all, [](const std::string&, const Piece& piece) { return piece.data; })}});
}

StateFields load_training_state(const std::string& path, Weights& weights, const Moments& moments) {
  const SafetensorsFile file(path);
  const auto& meta = file.metadata();
  const auto get = [&](const char* key) -> const std::string& {
    const auto it = meta.find(key);
    if (it == meta.end()) fail("{}: not a training state: its metadata has no \"{}\"", path, key);
    return it->second;
  };
  if (get("minke_state") != std::to_string(kTrainingStateVersion))
    fail("{}: training state version {}, this minke reads {}", path, get("minke_state"), kTrainingStateVersion);

  const std::map<std::string, Piece> all = pieces(weights, moments);
  for (const auto& [name, piece] : all) {
    const TensorInfo* t = file.find(name);
    if (!t) fail("{}: tensor {} is missing; was the config changed since this run began?", path, name);
    if (t->shape != piece.spec->shape || t->dtype != dtype_info(piece.dtype).safetensors)
      fail("{}: tensor {} has another shape or dtype than the config asks for ({}); was the config changed since this run began?", path, name,
           dtype_info(piece.dtype).safetensors);
  }
  if (file.tensors().size() != all.size())
    fail("{}: {} tensors, expected {}; was the config changed since this run began?", path, file.tensors().size(), all.size());
  if (checksum(get("fields"), all, [&](const std::string& name, const Piece&) { return file.data(*file.find(name)); }) != get("xxh3"))
    fail("{}: the checksum does not match: the file is damaged", path);

  StateFields fields;
  try {
    const nlohmann::json json = nlohmann::json::parse(get("fields"));
    json.at("integers").get_to(fields.integers);
    json.at("texts").get_to(fields.texts);
  } catch (const nlohmann::json::exception& e) {
    fail("{}: the training state's fields are damaged: {}", path, e.what());
  }
  for (const auto& [name, piece] : all) std::memcpy(piece.data, file.data(*file.find(name)), piece.bytes());
  return fields;
}

}  // namespace minke
