#pragma once
// Whole models to and from Hugging Face folders.
#include <memory>
#include <string>

#include "model/transformer.h"

namespace minke {

// dtype: "auto" computes as the folder is stored (bf16 or f32; FP8 as its dequantised weights in its torch_dtype), "bf16", "f32" convert, and
// any recipe's name (layers/recipe.h) asks for that recipe.
std::unique_ptr<Transformer> load_model(const std::string& folder, const std::string& dtype, WeightUse use);

// Fills a training model's masters from a folder of the same config.
void read_masters(const std::string& folder, Transformer& model);

// Writes the masters of a training model in its compute dtype, or in FP8 (V3.1's scales) if its recipe is "fp8": what its forward uses, with the tokenizer's files beside it.
// stale_mtp: marked as such (checkpoint/hf_folder.h).
void save_model(const std::string& folder, const Transformer& model, const std::string& tokenizer_folder, bool stale_mtp = false);

}  // namespace minke
