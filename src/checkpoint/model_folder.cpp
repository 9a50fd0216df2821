#include "checkpoint/model_folder.h"

#include <array>

#include "base/error.h"
#include "checkpoint/hf_folder.h"

namespace minke {
namespace {

// Values in the folder's own precision: bf16 stays bf16, everything else comes as f32. A form asks for at most two parameters before
// it is done with them, so two buffers in turn are enough.
ParameterSource source_of(const HfFolder& folder) {
  struct Buffers {
    std::array<Buffer, 2> slot;
    size_t next = 0;
  };
  auto buffers = std::make_shared<Buffers>();
  return [&folder, buffers](const ParameterSpec& spec) -> ParameterValues {
    const TensorInfo* t = folder.find(spec.name);
    const DType dtype = t && t->dtype == "BF16" ? DType::kBF16 : DType::kF32;
    Buffer& slot = buffers->slot[buffers->next];
    buffers->next ^= 1;
    slot.resize(size_t(spec.elements()) * dtype_bytes(dtype));
    folder.read(spec.name, spec.shape, dtype, slot.data());
    return {dtype, slot.data()};
  };
}

}  // namespace

std::unique_ptr<Transformer> load_model(const std::string& path, const std::string& dtype, WeightUse use) {
  const HfFolder folder(path);
  folder.check();
  const Recipe& recipe = dtype == "auto" ? recipe_of(folder.config().dtype) : recipe_named(dtype);
  auto model = std::make_unique<Transformer>(folder.config(), recipe, use);
  model->weights().fill(source_of(folder));
  return model;
}

void read_masters(const std::string& path, Transformer& model) {
  const HfFolder folder(path);
  folder.check(model.config());
  model.weights().fill(source_of(folder));
}

void save_model(const std::string& path, const Transformer& model, const std::string& tokenizer_folder, bool stale_mtp) {
  ModelConfig config = model.config();
  config.dtype = model.compute();
  const Weights& w = model.weights();
  SaveOptions options;
  options.stale_mtp = stale_mtp;
  if (model.recipe().scope == Fp8Scope::kTiles) options.fp8 = Fp8Weights{kFp8WeightBlock, Fp8Scale::kPowerOfTwo};
  if (!tokenizer_folder.empty()) options.files = read_tokenizer_files(tokenizer_folder);
  write_hf_folder(path, config, [&w](const ParameterSpec& spec) -> ParameterValues { return {DType::kF32, w.master(spec.name)}; }, options);
}

}  // namespace minke
