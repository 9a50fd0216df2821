#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"
#include "cli/commands.h"
#include "cli/model_path.h"

namespace minke {
namespace {

struct LogitsOptions {
  std::string model, out, dtype = "auto";
  std::string ids;
  bool mtp = false;
};

// "1,2,3", nothing else.
std::vector<int32_t> parse_ids(const std::string& text, int64_t vocab) {
  std::vector<int32_t> ids;
  for (size_t at = 0; at <= text.size();) {
    const std::string item = text.substr(at, text.find(',', at) - at);
    if (item.empty() || item.size() > 9 || item.find_first_not_of("0123456789") != std::string::npos)
      usage_fail("--ids: expected whole numbers with commas between them, like 1,2,3; found \"{}\"", item.substr(0, 40));
    ids.push_back(std::stoi(item));
    if (ids.back() >= vocab) usage_fail("--ids: {} is outside the model's vocabulary of {}", item, vocab);
    at += item.size() + 1;
  }
  return ids;
}

void run_logits(const LogitsOptions& o) {
  const std::unique_ptr<Transformer> model = load_model(o.model, o.dtype, WeightUse::kInference);
  const std::vector<int32_t> ids = parse_ids(o.ids, model->config().vocab_size);
  if (o.mtp && model->mtp_depth() == 0) usage_fail("--mtp: {} has no MTP module", o.model);
  Rows rows;
  rows.add(int64_t(ids.size()), 0);
  Arena arena;
  ForwardSaved saved;
  model->forward(rows, ids.data(), saved, arena, {}, false);
  std::map<std::string, View> views;
  View& main = views["logits"] = take(arena, DType::kF32, rows.count(), model->config().vocab_size);
  model->logits(saved.x, main);
  if (o.mtp) {
    const std::vector<View> depths = model->mtp_logits(ids, saved, rows, arena);
    for (size_t k = 0; k < depths.size(); ++k) views[fmt::format("mtp_logits.{}", k + 1)] = depths[k];
  }
  std::vector<TensorInfo> tensors;
  for (const auto& [name, view] : views) {
    TensorInfo t;
    t.name = name;
    t.dtype = "F32";
    t.shape = {view.rows, view.cols};
    tensors.push_back(t);
  }
  write_safetensors(o.out, tensors, [&](const TensorInfo& t, const PutBytes& put) {
    const View& v = views.at(t.name);
    put(v.data, size_t(v.rows * v.cols) * 4);
  });
}

}  // namespace

void add_logits(CLI::App& app) {
  auto* c = app.add_subcommand("logits", "write a model's logits for given token ids");
  auto o = std::make_shared<LogitsOptions>();
  c->add_option("model", o->model, "model folder; no tokenizer is needed in it")->required();
  c->add_option("--ids", o->ids, "token ids as they are, no BOS is added: 1,2,3")->required();
  c->add_option("--out", o->out, "safetensors file: F32 tensor logits [tokens, vocab]")->required();
  c->add_option("--dtype", o->dtype, kDtypeHelp)->check(CLI::IsMember(dtype_names()))->capture_default_str();
  c->add_flag("--mtp", o->mtp, "also mtp_logits.K [tokens-K, vocab], K from 1");
  c->footer("Example:\n  minke logits out/tiny-base --ids 0,17,4 --out logits.safetensors --dtype f32");
  c->callback([o] { run_logits(*o); });
}

}  // namespace minke
