#pragma once
// A model folder as Hugging Face lays it out, in and out:
//   config.json, generation_config.json, tokenizer files
//   model.safetensors, or model-0000k-of-0000n.safetensors and model.safetensors.index.json {"metadata": {"total_size"}, "weight_map"}
// Weights in F32, BF16, F16, or in FP8 with scales (checkpoint/fp8_weights.h).
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/fp8_weights.h"
#include "checkpoint/safetensors.h"
#include "model/parameters.h"

namespace minke {

// The weights of a folder, mapped. Shard names come from the index alone and never leave the folder.
class HfFolder {
 public:
  explicit HfFolder(const std::string& path);

  const std::string& path() const { return path_; }
  const ModelConfig& config() const { return config_; }
  const std::optional<Fp8Weights>& fp8() const { return fp8_; }  // set if config.json says that matrices are in FP8
  // All tensors in the shards' order.
  const std::vector<const TensorInfo*>& tensors() const { return tensors_; }
  const TensorInfo* find(std::string_view name) const;  // null if absent
  uint64_t total_bytes() const;                         // of all tensors

  // Compares the folder with what its config (or `config`) says: missing, wrongly shaped and unexpected tensors are one Error that
  // counts and names them. Tensors of MTP layers beyond num_nextn_predict_layers and old rotary buffers are allowed; an MTP module's
  // copies may be absent. An FP8 matrix has its scales, and scales have their matrix.
  void check(const ModelConfig& config) const;
  void check() const { check(config_); }

  // Reads a tensor from F32, BF16, F16 or FP8 (codes times scales) into `to` (elements of `dtype`). Error if it is absent, has another
  // shape or dtype.
  void read(const std::string& name, const std::vector<int64_t>& shape, DType dtype, void* to) const;

  // Puts the stored bytes of `tensor`, an FP8 matrix's codes or scales; false, and nothing is put, if the matrix is not in FP8 here.
  bool put_fp8_bytes(const ParameterSpec& spec, const TensorInfo& tensor, const PutBytes& put) const;

 private:
  void open_shards(const std::map<std::string, std::string>& shard_of, const std::string& index_path);
  void read_fp8(const TensorInfo& t, const std::string& file, const uint8_t* codes, DType dtype, void* to) const;
  std::string path_;
  ModelConfig config_;
  std::optional<Fp8Weights> fp8_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  struct Place {
    const SafetensorsFile* file;
    const TensorInfo* info;
  };
  std::unordered_map<std::string_view, Place> by_name_;
  std::vector<const TensorInfo*> tensors_;
};

struct SaveOptions {
  int64_t shard_bytes = int64_t(5) << 30;    // of tensors in one file; a model that fits is one file without an index
  std::map<std::string, std::string> files;  // further files by name, e.g. read_tokenizer_files(); may replace generation_config.json
  bool stale_mtp = false;                    // config.json gets the mark that has_stale_mtp() looks for
  std::optional<Fp8Weights> fp8;             // matrices become FP8 as DeepSeek-V3 publishes them; all else stays in config.dtype
  const HfFolder* fp8_codes = nullptr;       // with `fp8`: matrices that are in FP8 there are copied bit for bit, not quantised again
};

// Are this folder's MTP modules older than its model ("minke_stale_mtp" in config.json)? RL freezes them; they then draft less well.
bool has_stale_mtp(const std::string& folder);

// Writes a whole model folder: into PATH.tmp-PID, flushed to disk, then put in place of PATH in one rename. If anything fails before
// that, PATH is as it was. An existing PATH must be empty or a model folder (has config.json); files and folders in it that this
// function does not write stay, weights and index of the former model do not. What a killed process left behind is cleared away.
// Weights are stored in config.dtype (router biases in F32) unless `options.fp8` says otherwise. A matrix that becomes FP8 is asked of
// `source` twice.
void write_hf_folder(const std::string& path, const ModelConfig& config, const ParameterSource& source, const SaveOptions& options = {});

// Puts back into PATH what a killed write_hf_folder() had not yet moved over (a run's checkpoints), and clears away its leftovers.
void repair_hf_folder(const std::string& path);

// The tokenizer's files of a folder: tokenizer.json, tokenizer_config.json, chat_template.jinja ... as far as they exist; and its
// generation_config.json.
std::map<std::string, std::string> read_tokenizer_files(const std::string& folder);

}  // namespace minke
