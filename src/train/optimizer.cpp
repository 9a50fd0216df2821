#include "train/optimizer.h"

#include <cmath>

#include "base/memory.h"
#include "kernels/adamw/adamw.h"

namespace minke {

Optimizer::Optimizer(const Weights& weights, DType moment_dtype, const std::function<bool(const ParameterSpec&)>& frozen)
    : weights_(weights), moment_dtype_(moment_dtype) {
  const size_t bytes = size_t(weights.flat_size()) * dtype_bytes(moment_dtype);
  const MemoryScope kind(MemoryKind::kMoments);
  m_.resize(bytes);
  v_.resize(bytes);
  for (size_t i = 0; i < weights.specs().size(); ++i) {
    const ParameterSpec& spec = weights.specs()[i];
    if (!spec.trained() || (frozen && frozen(spec))) continue;
    const int64_t begin = weights.offset(i);
    if (!runs_.empty() && runs_.back().begin + runs_.back().n == begin && runs_.back().decays == spec.decays())
      runs_.back().n += spec.elements();
    else
      runs_.push_back({begin, spec.elements(), spec.decays()});
  }
}

double Optimizer::gradient_norm() const { return std::sqrt(sum_of_squares(weights_.flat_size(), weights_.gradients())); }

void Optimizer::update(const TrainOptions& o, double lr, double grad_scale, int64_t step) {
  AdamW a;
  a.lr = float(lr);
  a.beta1 = float(o.beta1);
  a.beta2 = float(o.beta2);
  a.eps = float(o.eps);
  a.step = step;
  a.grad_scale = float(grad_scale);
  const size_t size = dtype_bytes(moment_dtype_);
  for (const Run& run : runs_) {
    a.decay = run.decays ? float(o.weight_decay) : 0.0f;
    adamw_update(a, moment_dtype_, run.n, weights_.masters() + run.begin, weights_.gradients() + run.begin,
                 m_.as<char>() + size_t(run.begin) * size, v_.as<char>() + size_t(run.begin) * size);
  }
}

}  // namespace minke
