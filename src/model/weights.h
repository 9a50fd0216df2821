#pragma once
// The weights of a model in the forms that layers read. Every matrix is listed once, with the published parameters it is made of;
// filling, repacking after an optimizer step and gradients walk that list.
//
// Training: f32 masters and gradients lie in one flat buffer each, in the order of parameter_list(), so that parts of a fused matrix
// (gate and up) lie side by side. Layers compute with the masters rounded to the compute dtype, or in an FP8 recipe to FP8: exactly what
// a saved model stores.
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/buffer.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "model/config.h"
#include "model/parameters.h"

namespace minke {

enum class WeightUse : uint8_t {
  kInference,  // packed for the forward only
  kTraining,   // masters, gradients, packed both ways
};

class Weights {
 public:
  Weights(const ModelConfig& config, const Recipe& recipe, WeightUse use);

  const std::vector<ParameterSpec>& specs() const { return specs_; }  // trained or stored once; copies are left out
  DType compute() const { return compute_; }
  const Recipe& recipe() const { return recipe_; }
  bool training() const { return use_ == WeightUse::kTraining; }

  // Builders for the model; each registers what it is made of.
  Linear linear(const std::vector<std::string>& names, int64_t in, int64_t out);  // out is the sum over the parts
  Norm norm(const std::string& name, int64_t n, float eps);
  const float* router(const std::string& name, float** dw);   // [N, D] f32, values rounded to the compute dtype
  const float* router_bias(const std::string& name);          // [N] f32, not rounded
  const void* table(const std::string& name, float** dw);     // [V, D] rows in the compute dtype
  // kv_b_proj's halves per head: {w_uk[H], w_uv[H]} (layers/mla.h). In training null until use_absorbed().
  std::pair<const void* const*, const void* const*> absorbed(const std::string& name, int64_t heads, int64_t nope, int64_t v, int64_t rank);

  void fill(const ParameterSource& source);  // every form from the source; in training the masters too
  void refresh();                            // every form from the masters
  // The absorbed forms are wanted, for a latent cache: training, which does not read them, makes and refreshes them only from here on.
  void use_absorbed();

  // Training only.
  int64_t flat_size() const { return flat_size_; }
  float* masters() const { return masters_.as<float>(); }
  float* gradients() const { return gradients_.as<float>(); }
  int64_t offset(size_t index) const { return offsets_[index]; }
  float* master(const std::string& name) const;
  float* gradient(const std::string& name) const;
  size_t index(const std::string& name) const;

 private:
  struct Form {
    enum Kind { kPacked, kTable, kVector, kAbsorbed } kind;
    std::vector<size_t> parts;
    int64_t in = 0, out = 0;
    bool rounded = true;
    bool fp8 = false;      // the parts are rounded to FP8, each by itself
    void *forward = nullptr, *backward = nullptr;
    std::vector<void*> per_head_uk, per_head_uv;
    int64_t nope = 0, v = 0;
  };
  void* allocate(int64_t bytes);
  void allocate_absorbed(Form& form);
  void fill_form(const Form& form, const ParameterSource& source) const;
  const bf16* round_to_fp8(const Form& form, const std::vector<ParameterValues>& values, Arena& arena) const;
  ParameterValues master_values(const ParameterSpec& spec) const;
  float* gradient_of(const std::vector<std::string>& names) const;

  const Recipe& recipe_;  // a row of the table
  DType compute_;
  WeightUse use_;
  bool absorbed_in_use_;
  std::vector<ParameterSpec> specs_;
  std::unordered_map<std::string, size_t> by_name_;
  std::vector<int64_t> offsets_;
  int64_t flat_size_ = 0;
  Buffer masters_, gradients_;
  Arena small_;                   // nothing is given back
  std::vector<Buffer> blocks_;    // larger ones
  std::vector<std::unique_ptr<Form>> forms_;
};

}  // namespace minke
