#include "train/step.h"

#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "base/ledger.h"
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

// The sum of the weights of all targets: every token but a sequence's first.
double total_weight(const TrainBatch& batch) {
  if (batch.weights.empty()) return double(batch.rows());
  double sum = 0;
  size_t at = 0;
  for (const int64_t n : batch.lengths) {
    for (size_t t = 1; t <= size_t(n); ++t) sum += double(batch.weights[at + t]);
    at += size_t(n) + 1;
  }
  return sum;
}

}  // namespace

TrainStep::TrainStep(Transformer& model, const TrainOptions& o, bool mask_segments)
    : model_(model), options_(o), mask_segments_(mask_segments),
      optimizer_(model.weights(), o.moment_dtype(), [&o](const ParameterSpec& spec) { return o.mtp_only && !spec.mtp; }) {
  if (o.mtp_only && model.config().num_nextn_predict_layers == 0) fail("[train] trainable = \"mtp\": the model has no MTP module");
}

void TrainStep::clear_frozen() {
  if (!options_.mtp_only) return;
  const Weights& w = model_.weights();
  const KernelScope kernel("clear frozen gradients", 0, 4 * double(w.flat_size()));
  if (kernel.dry()) return;
  for (size_t i = 0; i < w.specs().size(); ++i)
    if (!w.specs()[i].mtp) std::fill_n(w.gradients() + w.offset(i), w.specs()[i].elements(), 0.0f);
}

StepLosses TrainStep::gradients(const TrainBatch& batch, double mtp_lambda) {
  const int64_t micro = options_.micro_batch_sequences > 0 ? options_.micro_batch_sequences * options_.sequence_length : batch.rows();
  LossOptions loss;
  loss.mtp_lambda = float(mtp_lambda);
  loss.balance_alpha = float(options_.balance_alpha);
  loss.mask_segments = mask_segments_;
  float* g = model_.weights().gradients();
  {
    const KernelScope kernel("zero gradients", 0, 4 * double(model_.weights().flat_size()));
    if (!kernel.dry()) parallel_ranges(model_.weights().flat_size(), 1 << 18, [&](int64_t a, int64_t b) { std::memset(g + a, 0, size_t(b - a) * 4); });
  }
  model_.clear_expert_loads();
  const double weight = total_weight(batch);
  const size_t sequences = batch.lengths.size();
  StepLosses total;
  for (size_t first = 0, token = 0; first < sequences;) {
    size_t last = first, tokens = 0;
    int64_t rows = 0;
    do {
      rows += batch.lengths[last];
      tokens += size_t(batch.lengths[last++]) + 1;
    } while (last < sequences && rows + batch.lengths[last] <= micro);
    TrainBatch part{batch.tokens.subspan(token, tokens), {batch.lengths.begin() + int64_t(first), batch.lengths.begin() + int64_t(last)}, {}, {}};
    if (!batch.weights.empty()) part.weights = batch.weights.subspan(token, tokens);
    if (!batch.segment_starts.empty()) part.segment_starts = batch.segment_starts.subspan(first, last - first);
    const StepLosses losses = model_.train(part, loss, weight, int64_t(sequences));
    total.main += losses.main;
    total.balance += losses.balance;
    total.mtp.resize(std::max(total.mtp.size(), losses.mtp.size()));
    for (size_t k = 0; k < losses.mtp.size(); ++k) total.mtp[k] += losses.mtp[k];
    first = last;
    token += tokens;
  }
  return total;
}

StepReport TrainStep::run(const TrainBatch& batch, const StepValues& values, Progress& progress) {
  StepReport r;
  r.values = values;
  r.losses = gradients(batch, values.mtp_lambda);
  clear_frozen();
  r.grad_norm = optimizer_.gradient_norm();
  for (const auto& loads : model_.expert_loads()) r.max_vio.push_back(max_violation(loads));
  r.why = why_not_finite(r.losses, r.grad_norm, model_.weights());
  r.skipped = !r.why.empty();
  ++progress.step;
  progress.tokens += batch.rows();
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
