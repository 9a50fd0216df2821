#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/buffer.h"
#include "base/error.h"
#include "checkpoint/hf_folder.h"
#include "cli/commands.h"

namespace minke {

namespace {

constexpr const char* kFp8 = "fp8";

// What the matrices become: FP8 if asked for, or if they are and nothing else is asked for.
std::optional<Fp8Weights> fp8_of(const HfFolder& model, const std::string& dtype, const std::string& scales) {
  if (dtype != kFp8 && !(dtype.empty() && model.fp8())) {
    if (!scales.empty()) usage_fail("convert: --scales goes with --dtype fp8");
    return std::nullopt;
  }
  Fp8Weights fp8 = model.fp8().value_or(Fp8Weights{});
  if (!scales.empty()) fp8 = {kFp8WeightBlock, scales == "f32" ? Fp8Scale::kF32 : Fp8Scale::kPowerOfTwo};
  return fp8;
}

void convert_folder(const std::string& from, const std::string& to, const std::string& dtype, const std::string& scales, bool drop_mtp) {
  std::error_code ignored;
  if (std::filesystem::equivalent(from, to, ignored)) usage_fail("convert: {} is both source and target; name a new folder", to);
  const HfFolder model(from);
  ModelConfig config = model.config();
  if (drop_mtp) config.num_nextn_predict_layers = 0;
  const std::optional<Fp8Weights> fp8 = fp8_of(model, dtype, scales);
  if (fp8) config.dtype = DType::kBF16;
  else if (!dtype.empty()) config.dtype = dtype_named(dtype);
  model.check(config);
  SaveOptions options;
  options.fp8 = fp8;
  if (scales.empty()) options.fp8_codes = &model;
  options.files = read_tokenizer_files(from);
  options.stale_mtp = !drop_mtp && has_stale_mtp(from);
  Buffer values;  // of one parameter
  write_hf_folder(
      to, config,
      [&](const ParameterSpec& p) {
        const DType stored = fp8 && published_in_fp8(p) ? DType::kF32 : p.stored_dtype(config.dtype);
        values.resize(size_t(p.elements()) * dtype_bytes(stored));
        model.read(p.name, p.shape, stored, values.data());
        return ParameterValues{stored, values.data()};
      },
      options);
  const HfFolder written(to);
  std::printf("%s: %zu tensors, %llu bytes, %s%s\n", to.c_str(), written.tensors().size(), static_cast<unsigned long long>(written.total_bytes()),
              fp8 ? kFp8 : dtype_info(config.dtype).name, drop_mtp ? ", without MTP modules" : "");
  if (options.stale_mtp)
    std::printf("%s: its MTP modules are older than the model (RL froze them): drafts will be refused more often; --drop-mtp leaves them out\n", to.c_str());
}

}  // namespace

void add_convert(CLI::App& app) {
  auto* command = app.add_subcommand("convert", "write a model folder anew in another number format or without its MTP modules");
  struct Options {
    std::string from, to, dtype, scales;
    bool drop_mtp = false;
  };
  auto o = std::make_shared<Options>();
  command->add_option("model", o->from, "the model folder to read")->required();
  command->add_option("out", o->to, "the folder to write; an existing model there is replaced")->required();
  command->add_option("--dtype", o->dtype, "how to store weights (default: as the source's config.json says); fp8: matrices in E4M3, a scale for each 128 x 128, as DeepSeek-V3 is published")
      ->check(CLI::IsMember({"bf16", "f32", kFp8}));
  command->add_option("--scales", o->scales, "of fp8: f32, or powers of two as in V3.1 (default: as the source's, else f32)")->check(CLI::IsMember({"f32", "pow2"}));
  command->add_flag("--drop-mtp", o->drop_mtp, "leave out the MTP modules, which transformers does not load");
  command->footer("Examples:\n  minke convert out/tiny-base out/tiny-f32 --dtype f32\n  minke convert out/tiny-base out/tiny-hf --drop-mtp\n  minke convert out/tiny-base out/tiny-fp8 --dtype fp8");
  command->callback([o] { convert_folder(o->from, o->to, o->dtype, o->scales, o->drop_mtp); });
}

}  // namespace minke
