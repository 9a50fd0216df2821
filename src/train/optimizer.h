#pragma once
// AdamW over the one list of parameters: f32 masters, moments in f32 or bf16, global gradient clipping.
#include <functional>

#include "base/buffer.h"
#include "model/weights.h"
#include "train/options.h"

namespace minke {

class Optimizer {
 public:
  // Parameters that `frozen` (may be empty) names get no update and no decay.
  Optimizer(const Weights& weights, DType moment_dtype, const std::function<bool(const ParameterSpec&)>& frozen = {});

  // Norm of all gradients, NaN or infinite if any is.
  double gradient_norm() const;
  // One update with gradients times grad_scale; weight decay on matrices only; norms and biases do not decay.
  void update(const TrainOptions& o, double lr, double grad_scale, int64_t step);

  DType moment_dtype() const { return moment_dtype_; }
  void* m() const { return m_.data(); }
  void* v() const { return v_.data(); }

 private:
  // Neighbouring parameters of one rule, updated in one call.
  struct Run {
    int64_t begin = 0, n = 0;
    bool decays = false;
  };
  const Weights& weights_;
  DType moment_dtype_;
  std::vector<Run> runs_;
  Buffer m_, v_;
};

}  // namespace minke
