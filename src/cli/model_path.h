#pragma once
// Which model a command works with when none is named.
#include <string>
#include <vector>

namespace minke {

inline constexpr const char* kModelHelp = "model folder; left out, models/default: here, beside the binary or one folder above it";

// What --dtype takes where a model is asked: the recipes in which a row's answer is its own (layers/recipe.h).
inline constexpr const char* kDtypeHelp = "auto (as stored; FP8 folders as their dequantised weights), bf16, f32, or fp8: E4M3 operands";
std::vector<std::string> dtype_names();

// `given`, or where it is empty the first folder with a config.json of models/default, EXE/models/default and EXE/../models/default; EXE is the
// folder of this binary. UsageError that lists where it looked.
std::string model_path(const std::string& given);

// This binary; "" where the system does not tell. Needs no /proc.
std::string executable_path();

}  // namespace minke
