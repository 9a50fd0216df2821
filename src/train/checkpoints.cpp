#include "train/checkpoints.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoint/model_folder.h"

namespace minke {
namespace {

namespace fs = std::filesystem;

// Checkpoint folders, newest first; leftovers of killed writers are not among them.
std::vector<fs::path> checkpoint_folders(const std::string& out) {
  std::vector<fs::path> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(out) / "checkpoints", none)) {
    const std::string name = entry.path().filename().string();
    if (name.size() == 13 && name.rfind("step-", 0) == 0 && name.find_first_not_of("0123456789", 5) == std::string::npos) found.push_back(entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

void remove_leftovers(const std::string& out) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(out) / "checkpoints", none))
    if (entry.path().filename().string().find(".tmp-") != std::string::npos || entry.path().extension() == ".writing")
      fs::remove_all(entry.path(), none);
}

}  // namespace

StateFields run_fields(const Progress& p, double seconds) {
  return {{{"step", p.step},
           {"updates", p.updates},
           {"tokens", p.tokens},
           {"skipped", p.skipped},
           {"skipped_in_a_row", p.skipped_in_a_row},
           {"milliseconds", int64_t(seconds * 1e3)}},
          {{"isa", isa_name(chosen_isa())}, {"vendor", cpu_vendor()}}};
}

Progress read_progress(const StateFields& f, const std::string& path, double* seconds) {
  *seconds = double(f.integer("milliseconds", path)) * 1e-3;
  return {f.integer("step", path), f.integer("updates", path), f.integer("tokens", path), f.integer("skipped", path), f.integer("skipped_in_a_row", path)};
}

std::string machine_change(const StateFields& f, const std::string& path) {
  const std::string &was = f.text("isa", path), &vendor = f.text("vendor", path);
  if (was == isa_name(chosen_isa()) && vendor == cpu_vendor()) return "";
  return fmt::format("warning  this run began with {} on {}; going on with {} on {}: the result will differ in its last bits", was, vendor,
                     isa_name(chosen_isa()), cpu_vendor());
}

void save_checkpoint(const std::string& out, int64_t step, const Transformer& model, const std::string& tokenizer_folder, const Moments& moments,
                     const StateFields& fields, int64_t keep, const std::function<void(const std::string&)>& also,
                     bool stale_mtp) {
  const fs::path folder = fs::path(out) / "checkpoints" / fmt::format("step-{:08d}", step);
  const fs::path writing = folder.string() + ".writing";
  std::error_code error;
  fs::remove_all(writing, error);
  make_folders(folder.parent_path().string());
  save_model(writing.string(), model, tokenizer_folder, stale_mtp);
  save_training_state((writing / "training_state.safetensors").string(), model.weights(), moments, fields);
  if (also) also(writing.string());
  fsync_folder(writing.string());
  fs::remove_all(folder, error);  // the same step again, after a resume from an earlier one
  fs::rename(writing, folder, error);
  if (error) fail("{}: cannot put the checkpoint in place: {}", folder.string(), error.message());
  fsync_folder(folder.parent_path().string());
  const std::vector<fs::path> all = checkpoint_folders(out);
  for (size_t i = size_t(keep); i < all.size(); ++i) fs::remove_all(all[i], error);
}

std::optional<Restored> restore_latest(const std::string& out, Transformer& model, const Moments& moments,
                                       const std::function<void(const std::string&)>& also) {
  remove_leftovers(out);
  std::string last_error;
  for (const fs::path& folder : checkpoint_folders(out)) {
    const std::string path = (folder / "training_state.safetensors").string();
    try {
      if (also) also(folder.string());
      Restored r{folder.string(), load_training_state(path, model.weights(), moments)};
      model.weights().refresh();
      return r;
    } catch (const Error& e) {
      last_error = e.what();
      std::fprintf(stderr, "minke: passing over a checkpoint: %s\n", e.what());
    }
  }
  if (!last_error.empty())
    fail("{}/checkpoints: no checkpoint can be used (last: {}); start over with --fresh, or give another --out", out, last_error);
  return std::nullopt;
}

}  // namespace minke
