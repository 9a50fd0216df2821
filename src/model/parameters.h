#pragma once
// The one list of parameters: loading, saving, initialising, the optimizer and counting walk it. Names and shapes are the published
// checkpoint's (DeepSeek-V3 README_WEIGHTS; PyTorch Linear weights are [out, in]).
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/config.h"

namespace minke {

enum class ParameterKind : uint8_t {
  kEmbedding,   // [vocab, hidden]
  kHead,        // [vocab, hidden]
  kNorm,        // [n]; starts at 1
  kLinear,      // [out, in], attention, dense and shared MLPs, eh_proj
  kExpert,      // [out, in], a routed expert's matrix
  kRouter,      // [experts, hidden]
  kRouterBias,  // [experts]; starts at 0, moved by the balancing rule and not by gradients; always stored as F32
};

struct ParameterSpec {
  std::string name;
  std::vector<int64_t> shape;
  ParameterKind kind = ParameterKind::kLinear;
  int64_t layer = -1;    // -1: outside the layers
  int64_t expert = -1;   // -1: not a routed expert
  bool mtp = false;      // belongs to an MTP module
  std::string copy_of;   // not empty: stored again under this name as the published checkpoint does, but no parameter of its own

  int64_t elements() const;
  bool trained() const { return copy_of.empty() && kind != ParameterKind::kRouterBias; }      // gets a gradient
  bool decays() const { return trained() && kind != ParameterKind::kNorm; }                   // AdamW's weight decay
  DType stored_dtype(DType model) const { return kind == ParameterKind::kRouterBias ? DType::kF32 : model; }
};

// Which parameters a published FP8 model quantises: every matrix but embedding, head, routers and eh_proj.
bool published_in_fp8(const ParameterSpec& spec);

// In the model's order: embedding, layers, final norm, head, MTP modules. Copies included, each after the parameter it copies.
std::vector<ParameterSpec> parameter_list(const ModelConfig& config);

// The values of one parameter, in f32 or bf16, and where to get them. They stay readable until the second next call.
struct ParameterValues {
  DType dtype = DType::kF32;
  const void* data = nullptr;
};
using ParameterSource = std::function<ParameterValues(const ParameterSpec&)>;

struct ParameterCounts {
  int64_t total_params = 0;        // without MTP modules
  int64_t mtp_params = 0;          // of the MTP modules, copies not counted
  int64_t active_params = 0;       // that one token multiplies with, main model: head counted, input table not, experts as chosen
  int64_t kv_bytes_per_token = 0;  // latent cache in BF16: (kv_lora_rank + qk_rope_head_dim) x 2 bytes x layers, without MTP
  int64_t stored_bytes = 0;        // of all tensors in a saved folder, copies included
  int64_t stored_tensors = 0;
};
ParameterCounts count_parameters(const ModelConfig& config);

}  // namespace minke
