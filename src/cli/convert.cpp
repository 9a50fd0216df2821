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

void convert_folder(const std::string& from, const std::string& to, const std::string& dtype, bool drop_mtp) {
  std::error_code ignored;
  if (std::filesystem::equivalent(from, to, ignored)) usage_fail("convert: {} is both source and target; name a new folder", to);
  const HfFolder model(from);
  ModelConfig config = model.config();
  if (drop_mtp) config.num_nextn_predict_layers = 0;
  if (!dtype.empty()) config.dtype = dtype_named(dtype);
  model.check(config);
  SaveOptions options;
  options.files = read_tokenizer_files(from);
  options.stale_mtp = !drop_mtp && has_stale_mtp(from);
  Buffer values;  // of one parameter
  write_hf_folder(
      to, config,
      [&](const ParameterSpec& p) {
        const DType stored = p.stored_dtype(config.dtype);
        values.resize(size_t(p.elements()) * dtype_bytes(stored));
        model.read(p.name, p.shape, stored, values.data());
        return ParameterValues{stored, values.data()};
      },
      options);
  const ParameterCounts n = count_parameters(config);
  std::printf("%s: %lld tensors, %lld bytes, %s%s\n", to.c_str(), static_cast<long long>(n.stored_tensors),
              static_cast<long long>(n.stored_bytes), dtype_info(config.dtype).name, drop_mtp ? ", without MTP modules" : "");
  if (options.stale_mtp)
    std::printf("%s: its MTP modules are older than the model (RL froze them): drafts will be refused more often; --drop-mtp leaves them out\n", to.c_str());
}

}  // namespace

void add_convert(CLI::App& app) {
  auto* command = app.add_subcommand("convert", "write a model folder anew in another number format or without its MTP modules");
  struct Options {
    std::string from, to, dtype;
    bool drop_mtp = false;
  };
  auto o = std::make_shared<Options>();
  command->add_option("model", o->from, "the model folder to read")->required();
  command->add_option("out", o->to, "the folder to write; an existing model there is replaced")->required();
  command->add_option("--dtype", o->dtype, "how to store weights (default: as the source's config.json says)")
      ->check(CLI::IsMember({"bf16", "f32"}));
  command->add_flag("--drop-mtp", o->drop_mtp, "leave out the MTP modules, which transformers does not load");
  command->footer("Examples:\n  minke convert out/tiny-base out/tiny-f32 --dtype f32\n  minke convert out/tiny-base out/tiny-hf --drop-mtp");
  command->callback([o] { convert_folder(o->from, o->to, o->dtype, o->drop_mtp); });
}

}  // namespace minke
