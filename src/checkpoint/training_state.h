#pragma once
// What a run needs to go on exactly where it was: one safetensors file beside the model (docs/checkpoint.md).
//   master.NAME  F32   every parameter, the routers' biases too
//   m.NAME v.NAME      AdamW's moments, F32 or BF16, of trained parameters
//   metadata           "minke_state": the version; "fields": JSON of integers and texts (progress, data position, variant, vendor);
//                      "xxh3": of the fields and all tensor data, in the order of names
#include <functional>
#include <map>
#include <string>

#include "model/weights.h"

namespace minke {

inline constexpr int kTrainingStateVersion = 1;

// Small values of a state; names are chosen by the trainer.
struct StateFields {
  std::map<std::string, int64_t> integers;
  std::map<std::string, std::string> texts;
  int64_t integer(const std::string& name, const std::string& path) const;  // Error naming the file if absent
  const std::string& text(const std::string& name, const std::string& path) const;
};

// Where AdamW's moments of one flat layout lie.
struct Moments {
  DType dtype = DType::kF32;
  void *m = nullptr, *v = nullptr;
};

void save_training_state(const std::string& path, const Weights& weights, const Moments& moments, const StateFields& fields);
// Checks the checksum, every name and shape before anything is changed; then fills masters and moments (not the packed forms).
StateFields load_training_state(const std::string& path, Weights& weights, const Moments& moments);

}  // namespace minke
