#pragma once
// The checkpoints of a run: OUT/checkpoints/step-00000120/, each a model folder that loads anywhere, with training_state.safetensors
// beside the weights. A checkpoint appears whole, in one rename; the last N stay.
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/training_state.h"
#include "model/transformer.h"
#include "train/step.h"

namespace minke {

// What the state of every kind of run holds: its progress, the time spent, and the variant and vendor whose bits it has.
StateFields run_fields(const Progress& progress, double seconds);
Progress read_progress(const StateFields& fields, const std::string& path, double* seconds);
// A warning where this machine's variant or vendor is another: the run goes on, but not to the same bits. Empty: the same.
std::string machine_change(const StateFields& fields, const std::string& path);

// `also` (may be empty) writes further files into the folder before it appears.
void save_checkpoint(const std::string& out, int64_t step, const Transformer& model, const std::string& tokenizer_folder, const Moments& moments,
                     const StateFields& fields, int64_t keep, const std::function<void(const std::string& folder)>& also = {},
                     bool stale_mtp = false);

struct Restored {
  std::string path;
  StateFields fields;
};
// Fills the model and moments from the newest checkpoint that is whole. A damaged one is named on stderr and passed over; if all are
// damaged, Error. None: nullopt. `also` (may be empty) reads the further files; its Error too means damaged.
std::optional<Restored> restore_latest(const std::string& out, Transformer& model, const Moments& moments,
                                       const std::function<void(const std::string& folder)>& also = {});

}  // namespace minke
