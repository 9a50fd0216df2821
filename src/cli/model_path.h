#pragma once
// Which model a command works with when none is named.
#include <string>

namespace minke {

inline constexpr const char* kModelHelp = "model folder; left out, models/default: here, beside the binary or one folder above it";

// `given`, or where it is empty the first folder with a config.json of models/default, EXE/models/default and EXE/../models/default; EXE is the
// folder of this binary. UsageError that lists where it looked.
std::string model_path(const std::string& given);

// This binary; "" where the system does not tell. Needs no /proc.
std::string executable_path();

}  // namespace minke
