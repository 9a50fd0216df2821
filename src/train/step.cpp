#include "train/step.h"

#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "base/rng.h"
#include "base/threads.h"
#include "train/balance.h"

namespace minke {
namespace {

std::string name_of_bad_gradient(const Weights& w) {
  for (size_t i = 0; i < w.specs().size(); ++i) {
    const float* g = w.gradients() + w.offset(i);
    for (int64_t j = 0; j < w.specs()[i].elements(); ++j)
      if (!std::isfinite(g[j])) return w.specs()[i].name;
  }
  return "the sum of squares of all gradients";
}

std::string why_not_finite(const StepLosses& l, double grad_norm, const Weights& w) {
  if (!std::isfinite(l.main)) return "the loss is not finite";
  for (size_t k = 0; k < l.mtp.size(); ++k)
    if (!std::isfinite(l.mtp[k])) return fmt::format("the loss of MTP module {} is not finite", k + 1);
  if (!std::isfinite(l.balance)) return "the balance loss is not finite";
  if (!std::isfinite(grad_norm)) return fmt::format("the gradient of {} is not finite", name_of_bad_gradient(w));
  return "";
}

}  // namespace

TrainStep::TrainStep(Transformer& model, const TrainOptions& o, bool mask_segments)
    : model_(model), options_(o), mask_segments_(mask_segments), optimizer_(model.weights(), o.moment_dtype()) {}

StepLosses TrainStep::gradients(const int32_t* tokens, const std::vector<std::vector<int64_t>>& segment_starts, double mtp_lambda) {
  const int64_t B = options_.batch_sequences, L = options_.sequence_length;
  const int64_t micro = options_.micro_batch_sequences > 0 ? options_.micro_batch_sequences : B;
  LossOptions loss;
  loss.mtp_lambda = float(mtp_lambda);
  loss.balance_alpha = float(options_.balance_alpha);
  loss.mask_segments = mask_segments_;
  float* g = model_.weights().gradients();
  parallel_ranges(model_.weights().flat_size(), 1 << 18, [&](int64_t a, int64_t b) { std::memset(g + a, 0, size_t(b - a) * 4); });
  model_.clear_expert_loads();
  StepLosses total;
  for (int64_t first = 0; first < B; first += micro) {
    const int64_t n = std::min(micro, B - first);
    const TrainBatch batch{{tokens + first * (L + 1), size_t(n * (L + 1))},
                           std::vector<int64_t>(size_t(n), L),
                           {},
                           std::span(segment_starts).subspan(size_t(first), size_t(n))};
    const StepLosses part = model_.train(batch, loss, double(B * L), B);
    total.main += part.main;
    total.balance += part.balance;
    total.mtp.resize(part.mtp.size());
    for (size_t k = 0; k < part.mtp.size(); ++k) total.mtp[k] += part.mtp[k];
  }
  return total;
}

StepReport TrainStep::run(const int32_t* tokens, const std::vector<std::vector<int64_t>>& segment_starts, const StepValues& values,
                          Progress& progress) {
  StepReport r;
  r.values = values;
  r.losses = gradients(tokens, segment_starts, values.mtp_lambda);
  r.grad_norm = optimizer_.gradient_norm();
  for (const auto& loads : model_.expert_loads()) r.max_vio.push_back(max_violation(loads));
  r.why = why_not_finite(r.losses, r.grad_norm, model_.weights());
  r.skipped = !r.why.empty();
  ++progress.step;
  progress.tokens += options_.batch_sequences * options_.sequence_length;
  if (r.skipped) {
    ++progress.skipped;
    ++progress.skipped_in_a_row;
    return r;
  }
  progress.skipped_in_a_row = 0;
  const double clip = options_.clip > 0 && r.grad_norm > options_.clip ? options_.clip / (r.grad_norm + 1e-6) : 1.0;
  optimizer_.update(options_, values.lr, clip, ++progress.updates);
  update_router_biases(model_, values.gamma);
  model_.weights().refresh();
  return r;
}

void initialise(Transformer& model, uint64_t seed) {
  Weights& w = model.weights();
  const double std = model.config().initializer_range;
  parallel_for(int64_t(w.specs().size()), [&](int64_t index) {
    const ParameterSpec& spec = w.specs()[size_t(index)];
    float* values = w.masters() + w.offset(size_t(index));
    if (spec.kind == ParameterKind::kNorm || spec.kind == ParameterKind::kRouterBias) {
      std::fill_n(values, spec.elements(), spec.kind == ParameterKind::kNorm ? 1.0f : 0.0f);
      return;
    }
    Rng rng(seed, xxh3_64(spec.name));
    for (int64_t i = 0; i < spec.elements(); ++i) values[i] = float(std) * rng.normal();
  });
  w.refresh();
}

}  // namespace minke
