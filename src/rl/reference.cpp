#include "rl/reference.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/safetensors.h"

namespace minke {
namespace {

std::string file_of(const std::string& folder) { return folder + "/reference.safetensors"; }

std::string checksum(const std::vector<float>& masters) { return fmt::format("{:016x}", xxh3_64(masters.data(), masters.size() * sizeof(float))); }

}  // namespace

Reference::Reference(const Transformer& policy)
    : specs_(policy.weights().specs()), model_(std::make_unique<Transformer>(policy.config(), policy.recipe(), WeightUse::kInference)) {
  for (size_t i = 0; i < specs_.size(); ++i) offsets_.push_back(policy.weights().offset(i));
  replace(policy);
}

void Reference::replace(const Transformer& policy) {
  const Weights& w = policy.weights();
  masters_.assign(w.masters(), w.masters() + w.flat_size());
  refresh();
}

void Reference::refresh() {
  std::unordered_map<std::string_view, int64_t> offset;
  for (size_t i = 0; i < specs_.size(); ++i) offset[specs_[i].name] = offsets_[i];
  model_->weights().fill([&](const ParameterSpec& spec) -> ParameterValues { return {DType::kF32, masters_.data() + offset.at(spec.name)}; });
}

void Reference::score(std::span<PolicySample> samples, double temperature, int64_t rows_per_pass) {
  std::vector<const PolicySample*> all;
  for (const PolicySample& s : samples) all.push_back(&s);
  std::vector<std::vector<float>> logp = completion_logp(*model_, all, temperature, rows_per_pass);
  for (size_t i = 0; i < samples.size(); ++i) samples[i].ref_logp = std::move(logp[i]);
}

void Reference::save(const std::string& folder) const {
  std::vector<TensorInfo> tensors;
  std::unordered_map<std::string, size_t> index;
  for (size_t i = 0; i < specs_.size(); ++i) {
    TensorInfo t;
    t.name = specs_[i].name;
    t.dtype = dtype_info(DType::kF32).safetensors;
    t.shape = specs_[i].shape;
    index[t.name] = i;
    tensors.push_back(std::move(t));
  }
  write_safetensors(
      file_of(folder), std::move(tensors),
      [&](const TensorInfo& t, const PutBytes& put) {
        const size_t i = index.at(t.name);
        put(masters_.data() + offsets_[i], size_t(specs_[i].elements()) * sizeof(float));
      },
      {{"minke_reference", "1"}, {"xxh3", checksum(masters_)}});
}

void Reference::load(const std::string& folder) {
  const std::string path = file_of(folder);
  const SafetensorsFile file(path);
  if (file.metadata().find("minke_reference") == file.metadata().end()) fail("{}: not a reference policy of minke rl", path);
  std::vector<float> loaded(masters_.size());
  for (size_t i = 0; i < specs_.size(); ++i) {
    const TensorInfo* t = file.find(specs_[i].name);
    if (!t || t->shape != specs_[i].shape || t->dtype != dtype_info(DType::kF32).safetensors)
      fail("{}: tensor {} is missing or of another shape; was the config changed since this run began?", path, specs_[i].name);
    std::memcpy(loaded.data() + offsets_[i], file.data(*t), t->bytes());
  }
  const auto sum = file.metadata().find("xxh3");
  if (sum == file.metadata().end() || sum->second != checksum(loaded)) fail("{}: the checksum does not match: the file is damaged", path);
  masters_ = std::move(loaded);
  refresh();
}

}  // namespace minke
