#include "cli/model_path.h"

#include <sys/auxv.h>

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "layers/recipe.h"

namespace minke {

namespace fs = std::filesystem;

std::vector<std::string> dtype_names() {
  std::vector<std::string> names = {"auto"};
  for (const Recipe& r : recipes())
    if (r.row_alone) names.emplace_back(r.name);
  return names;
}

std::string executable_path() {
  std::error_code failed;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", failed); !failed) return self.string();
  // Without /proc: what the kernel was asked to run. It is relative to the folder of the start, where we still are.
  const char* started = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  const fs::path self = started ? fs::absolute(started, failed) : fs::path();
  return failed ? "" : self.lexically_normal().string();
}

std::string model_path(const std::string& given) {
  if (!given.empty()) return given;
  std::vector<fs::path> places = {"models/default"};
  if (const fs::path exe = executable_path(); !exe.empty()) {
    places.push_back(exe.parent_path() / "models/default");
    places.push_back(exe.parent_path().parent_path() / "models/default");
  }
  std::string looked;
  for (const fs::path& p : places) {
    if (file_exists((p / "config.json").string())) return p.string();
    looked += fmt::format("{}{}", looked.empty() ? "" : ", ", p.string());
  }
  usage_fail("no model named, and no default model: looked for {}; name a model folder", looked);
}

}  // namespace minke
