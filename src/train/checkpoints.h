#pragma once
// The checkpoints of a run: OUT/checkpoints/step-00000120/, each a model folder that loads anywhere, with training_state.safetensors
// beside the weights. A checkpoint appears whole, in one rename; the last N stay.
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/training_state.h"
#include "model/transformer.h"

namespace minke {

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
