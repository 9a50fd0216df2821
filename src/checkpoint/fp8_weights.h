#pragma once
// FP8 in a model folder, as DeepSeek-V3 is published (README_WEIGHTS.md): config.json's quantization_config, and beside each quantised
// matrix NAME.weight (F8_E4M3) its scales NAME.weight_scale_inv (F32, one a block; despite the name codes are multiplied by them).
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"
#include "model/parameters.h"
#include "numeric/fp8_block.h"

namespace minke {

inline constexpr std::string_view kFp8Dtype = "F8_E4M3", kFp8ScaleSuffix = "_scale_inv";

struct Fp8Weights {
  Fp8Block block = kFp8WeightBlock;        // weight_block_size
  Fp8Scale scale = Fp8Scale::kF32;         // kPowerOfTwo: "scale_fmt": "ue8m0", as V3.1
  Fp8Cut cut(const std::vector<int64_t>& shape) const { return {shape[0], shape[1], block}; }
};

// Of a config.json at `path`: nothing if it has no quantization_config, Error if that is not what this reads.
std::optional<Fp8Weights> read_quantization(const std::string& path);
nlohmann::ordered_json quantization_json(const Fp8Weights& fp8);

// The parameter's two tensors: scales, then codes.
TensorInfo fp8_scale_tensor(const ParameterSpec& spec, const Fp8Weights& fp8);
TensorInfo fp8_code_tensor(const ParameterSpec& spec);
// The bytes of either, made from the parameter's values.
void put_fp8(const TensorInfo& tensor, const ParameterSpec& spec, const ParameterValues& values, const Fp8Weights& fp8, const PutBytes& put);

}  // namespace minke
