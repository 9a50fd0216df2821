#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/hf_folder.h"
#include "cli/commands.h"

namespace minke {

namespace {

struct Row {
  std::string name, dtype;
  std::vector<int64_t> shape;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string out;
  for (const int64_t d : shape) out += (out.empty() ? "" : " x ") + std::to_string(d);
  return out;
}

std::string scaled(double x, const char* unit) {
  const char* prefixes[] = {"", "K", "M", "G", "T", "P"};
  int i = 0;
  while (x >= 999.5 && i < 5) x /= 1000, ++i;
  std::string suffix = std::string(prefixes[i]) + unit;
  return fmt::format("{:.{}f}{}{}", x, i == 0 ? 0 : 2, suffix.empty() ? "" : " ", suffix);
}

void inspect(const std::string& path, bool json, bool all) {
  const bool folder = std::filesystem::is_directory(path);
  std::vector<Row> rows;
  ModelConfig config;
  uint64_t bytes = 0;
  if (folder) {
    const HfFolder model(path);
    model.check();
    config = model.config();
    bytes = model.total_bytes();
    for (const TensorInfo* t : model.tensors()) rows.push_back({t->name, t->dtype, t->shape});
  } else {
    config = ModelConfig::load(path);
    for (const ParameterSpec& p : parameter_list(config))
      rows.push_back({p.name, dtype_info(p.stored_dtype(config.dtype)).safetensors, p.shape});
  }
  const ParameterCounts n = count_parameters(config);
  if (!folder) bytes = uint64_t(n.stored_bytes);

  if (json) {
    nlohmann::ordered_json out = {{"model_type", config.model_type == ModelFamily::kDeepseekV3 ? "deepseek_v3" : "deepseek_v2"},
                                  {"total_params", n.total_params},
                                  {"active_params", n.active_params},
                                  {"mtp_params", n.mtp_params},
                                  {"bytes", bytes},
                                  {"kv_bytes_per_token", n.kv_bytes_per_token}};
    nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
    for (const Row& row : rows) tensors.push_back({{"name", row.name}, {"dtype", row.dtype}, {"shape", row.shape}});
    out["tensors"] = std::move(tensors);
    // Names come from a file and need not be UTF-8 in every detail.
    std::printf("%s\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return;
  }
  const auto line = [](const char* key, const std::string& value) { std::printf("%-20s %s\n", key, value.c_str()); };
  line("total_params", fmt::format("{} ({})", n.total_params, scaled(double(n.total_params), "")));
  line("active_params", fmt::format("{} ({}; head counted, input table not)", n.active_params, scaled(double(n.active_params), "")));
  line("mtp_params", fmt::format("{} ({})", n.mtp_params, scaled(double(n.mtp_params), "")));
  line("bytes", fmt::format("{} ({} {})", bytes, scaled(double(bytes), "B"), folder ? "in the folder's tensors" : "as stored"));
  line("kv_bytes_per_token", fmt::format("{} (latent cache, BF16)", n.kv_bytes_per_token));
  line("layers", fmt::format("{} of width {}, {} MTP", config.num_hidden_layers, config.hidden_size, config.num_nextn_predict_layers));
  if (config.n_routed_experts > 0)
    line("experts", fmt::format("{} routed, {} a token, {} shared; dense below layer {}", config.n_routed_experts, config.num_experts_per_tok,
                                config.n_shared_experts, config.first_k_dense_replace));
  line("tensors", std::to_string(rows.size()));
  const size_t shown = all ? rows.size() : std::min<size_t>(rows.size(), 12);
  for (size_t i = 0; i < shown; ++i) std::printf("  %-64s %-8s %s\n", rows[i].name.c_str(), rows[i].dtype.c_str(), shape_text(rows[i].shape).c_str());
  if (shown < rows.size()) std::printf("  ... %zu more (--tensors lists all)\n", rows.size() - shown);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto* command = app.add_subcommand("inspect", "what a model folder or a config holds: parameters, bytes, tensors");
  struct Options {
    std::string path;
    bool json = false, all = false;
  };
  auto o = std::make_shared<Options>();
  command->add_option("model", o->path, "a model folder, a config.json or a .toml")->required();
  command->add_flag("--json", o->json, "one JSON object");
  command->add_flag("--tensors", o->all, "list every tensor");
  command->footer("Examples:\n  minke inspect out/tiny-base\n  minke inspect configs/v3.toml --json");
  command->callback([o] { inspect(o->path, o->json, o->all); });
}

}  // namespace minke
