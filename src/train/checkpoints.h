#pragma once
// The checkpoints of a run: OUT/checkpoints/step-00000120/, each a model folder that loads anywhere, with training_state.safetensors
// beside the weights. A checkpoint appears whole, in one rename; the last N stay.
#include <optional>
#include <string>

#include "checkpoint/training_state.h"
#include "model/transformer.h"

namespace minke {

void save_checkpoint(const std::string& out, int64_t step, const Transformer& model, const std::string& tokenizer_folder, const Moments& moments,
                     const StateFields& fields, int64_t keep);

struct Restored {
  std::string path;
  StateFields fields;
};
// Fills the model and moments from the newest checkpoint that is whole. A damaged one is named on stderr and passed over; if all are
// damaged, Error. None: nullopt.
std::optional<Restored> restore_latest(const std::string& out, Transformer& model, const Moments& moments);

}  // namespace minke
