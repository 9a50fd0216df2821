#include "checkpoint/fp8_weights.h"

#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/file.h"

namespace minke {

std::optional<Fp8Weights> read_quantization(const std::string& path) {
  const nlohmann::ordered_json json = parse_json(read_file(path), path);
  std::optional<Fields> q = Fields(json, path + ": ").object("quantization_config");
  if (!q) return std::nullopt;
  if (q->text("quant_method") != "fp8") q->fail_at("quant_method", "\"fp8\"; other quantisations are not read, a BF16 copy of the model is");
  if (q->text("fmt", "e4m3") != "e4m3") q->fail_at("fmt", "\"e4m3\"");
  if (q->text("activation_scheme", "dynamic") != "dynamic") q->fail_at("activation_scheme", "\"dynamic\": scales of activations come from the activations");
  const std::vector<int64_t> block = q->integers("weight_block_size", 1, 1 << 20);
  if (block.size() != 2) q->fail_at("weight_block_size", "rows and columns of a block, as in [128, 128]");
  Fp8Weights out;
  out.block = {block[0], block[1]};
  // Scales are read as the floats they are; the format decides how they are made anew. Some of V3.1's are no powers of two.
  if (q->text("scale_fmt", "float") == "ue8m0") out.scale = Fp8Scale::kPowerOfTwo;
  return out;
}

nlohmann::ordered_json quantization_json(const Fp8Weights& fp8) {
  nlohmann::ordered_json j;
  j["quant_method"] = "fp8";
  j["fmt"] = "e4m3";
  j["activation_scheme"] = "dynamic";
  j["weight_block_size"] = {fp8.block.rows, fp8.block.cols};
  if (fp8.scale == Fp8Scale::kPowerOfTwo) j["scale_fmt"] = "ue8m0";
  return j;
}

TensorInfo fp8_scale_tensor(const ParameterSpec& spec, const Fp8Weights& fp8) {
  const Fp8Cut cut = fp8.cut(spec.shape);
  TensorInfo t;
  t.name = spec.name + std::string(kFp8ScaleSuffix);
  t.dtype = "F32";
  t.shape = {cut.scale_rows(), cut.scale_cols()};
  return t;
}

TensorInfo fp8_code_tensor(const ParameterSpec& spec) {
  TensorInfo t;
  t.name = spec.name;
  t.dtype = kFp8Dtype;
  t.shape = spec.shape;
  return t;
}

void put_fp8(const TensorInfo& tensor, const ParameterSpec& spec, const ParameterValues& values, const Fp8Weights& fp8, const PutBytes& put) {
  const Fp8Cut cut = fp8.cut(spec.shape);
  std::vector<float> scales(size_t(cut.scale_rows() * cut.scale_cols()));
  fp8_scales(cut, values.dtype, values.data, cut.cols, fp8.scale, scales.data());
  if (tensor.name != spec.name) {
    put(scales.data(), scales.size() * 4);
    return;
  }
  std::vector<uint8_t> codes(size_t(spec.elements()));
  fp8_quantise(cut, values.dtype, values.data, cut.cols, scales.data(), codes.data());
  put(codes.data(), codes.size());
}

}  // namespace minke
