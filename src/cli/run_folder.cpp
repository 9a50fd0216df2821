#include "cli/run_folder.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace minke {

AnyRun read_run(const std::string& folder) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) {
    fail("{}: expected a run's folder (what minke train, sft, rl or learn was given as --out), found {}", folder, file_exists(folder) ? "a file" : "nothing");
  }
  const std::string metrics = (fs::path(folder).lexically_normal() / "metrics.jsonl").string();
  if (!file_exists(metrics)) fail("{}: no such file; minke train, sft, rl and learn write it, a line a step. Is {} a run's folder?", metrics, folder);
  const MappedFile file(metrics);
  return parse_any_run(file.text(), metrics);
}

}  // namespace minke
