#pragma once
// A run's folder as an argument: where its metrics lie, and what to call it.
#include <string>

#include "report/any_run.h"

namespace minke {

// Error where `folder` is none, or holds no metrics.jsonl.
AnyRun read_run(const std::string& folder);

}  // namespace minke
