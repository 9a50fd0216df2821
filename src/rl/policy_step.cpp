#include "rl/policy_step.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "train/balance.h"

namespace minke {
namespace {

// One pass as train() reads it, and where each of its tokens came from.
struct PassTokens {
  std::vector<int32_t> tokens;
  std::vector<int64_t> lengths;
  std::vector<uint16_t> experts;                 // to replay, or empty
  std::vector<float> weights;                    // [tokens] 1 for counted completion tokens: the MTP modules' targets
  std::vector<const PolicySample*> sample;       // [tokens]
  std::vector<double> weight;                    // [tokens] w_i
  std::vector<int64_t> place;                    // [tokens] in the completion; -1 in the prompt
};

PassTokens lay_out(std::span<const PolicySample* const> samples, std::span<const double> sample_weight) {
  PassTokens p;
  for (size_t i = 0; i < samples.size(); ++i) {
    const PolicySample& s = *samples[i];
    p.lengths.push_back(int64_t(s.ids.size()) - 1);
    p.tokens.insert(p.tokens.end(), s.ids.begin(), s.ids.end());
    p.experts.insert(p.experts.end(), s.experts.begin(), s.experts.end());
    for (int64_t t = 0; t < int64_t(s.ids.size()); ++t) {
      const int64_t place = t - s.prompt;
      p.sample.push_back(&s);
      p.weight.push_back(sample_weight[i]);
      p.place.push_back(std::max<int64_t>(place, -1));
      p.weights.push_back(place >= 0 && !s.forced[size_t(place)] ? 1.0f : 0.0f);
    }
  }
  return p;
}

}  // namespace

int64_t PolicySample::counted() const { return left_out ? 0 : int64_t(std::count(forced.begin(), forced.end(), uint8_t(0))); }

std::vector<size_t> pack_passes(std::span<const PolicySample* const> samples, int64_t rows) {
  std::vector<size_t> ends;
  int64_t held = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const int64_t own = int64_t(samples[i]->ids.size()) - 1;
    if (held > 0 && held + own > rows) {
      ends.push_back(i);
      held = 0;
    }
    held += own;
  }
  if (!samples.empty()) ends.push_back(samples.size());
  return ends;
}

std::vector<std::vector<float>> completion_logp(Transformer& model, std::span<const PolicySample* const> samples, double temperature,
                                                int64_t rows_per_pass) {
  std::vector<std::vector<float>> out;
  Arena arena;
  size_t begin = 0;
  for (const size_t end : pack_passes(samples, rows_per_pass)) {
    Rows rows;
    std::vector<int32_t> ids, targets;
    for (size_t i = begin; i < end; ++i) {
      const std::vector<int32_t>& w = samples[i]->ids;
      rows.add(int64_t(w.size()) - 1, 0);
      ids.insert(ids.end(), w.begin(), w.end() - 1);
      targets.insert(targets.end(), w.begin() + 1, w.end());
    }
    ArenaScope scope(arena);
    ForwardSaved saved;
    model.forward(rows, ids.data(), saved, arena, {}, false);
    std::vector<float> scale(targets.size(), 0.0f), nll(targets.size());
    head_loss(model.head(), saved.x, {targets.data(), scale.data(), float(temperature), {}}, nll.data(), View{}, arena);
    for (size_t i = begin; i < end; ++i) {
      const RowSegment& r = rows.segments[i - begin];
      std::vector<float>& logp = out.emplace_back();
      for (int64_t t = samples[i]->prompt - 1; t < r.n; ++t) logp.push_back(-nll[size_t(r.begin + t)]);
    }
    begin = end;
  }
  return out;
}

PolicyStep::PolicyStep(Transformer& model, const PolicyStepOptions& o)
    : model_(model),
      options_(o),
      optimizer_(model.weights(), o.adamw.moment_dtype(), [&o](const ParameterSpec& spec) { return o.frozen(spec); }) {}

UpdateReport PolicyStep::gradients(std::span<const PolicySample> samples) {
  const GrpoOptions& grpo = options_.grpo;
  Weights& w = model_.weights();
  parallel_ranges(w.flat_size(), 1 << 18, [&](int64_t a, int64_t b) { std::memset(w.gradients() + a, 0, size_t(b - a) * 4); });
  model_.clear_expert_loads();

  std::vector<int64_t> counted;
  for (const PolicySample& s : samples) {
    MINKE_CHECK(s.prompt >= 1 && s.completion() >= 0 && int64_t(s.old_logp.size()) == s.completion() && int64_t(s.forced.size()) == s.completion());
    const int64_t choices = (int64_t(s.ids.size()) - 1) * model_.choices_per_row(), recorded = int64_t(s.experts.size());
    if (s.experts.empty() != samples[0].experts.empty() || (recorded > 0 && recorded != choices))
      fail("experts to replay: expected {} for a sample of {} tokens, found {}; all samples of an update have them or none", choices, s.ids.size(), recorded);
    counted.push_back(s.counted());
  }
  const std::vector<double> all_weights = sample_weights(grpo, counted);
  std::vector<const PolicySample*> trained;
  std::vector<double> weights;
  int64_t trained_tokens = 0;
  for (size_t i = 0; i < samples.size(); ++i)
    if (counted[i] > 0 && (samples[i].advantage != 0 || grpo.wants_reference())) {
      trained.push_back(&samples[i]);
      weights.push_back(all_weights[i]);
      trained_tokens += counted[i];
    }

  UpdateReport report;
  report.trained_samples = int64_t(trained.size());
  LossOptions loss;
  loss.mtp_lambda = float(options_.mtp_lambda);
  loss.temperature = float(options_.temperature);
  size_t begin = 0;
  for (const size_t end : pack_passes(trained, options_.rows_per_pass)) {
    const PassTokens pass = lay_out(std::span(trained).subspan(begin, end - begin), std::span(weights).subspan(begin, end - begin));
    const TokenLoss token_loss = [&](int64_t n, const int64_t* targets, const float* logp, float* dlogp) {
      for (int64_t i = 0; i < n; ++i) {
        const size_t at = size_t(targets[i]);
        dlogp[i] = 0;
        if (pass.place[at] < 0) continue;
        const PolicySample& s = *pass.sample[at];
        const size_t t = size_t(pass.place[at]);
        const double now = double(logp[i]), old = double(s.old_logp[t]);
        const double difference = std::abs(now - old);
        if (!(difference <= report.logp_diff_max)) report.logp_diff_max = difference;  // a NaN stays
        report.logp_diff_sum += difference;
        ++report.logp_diffs;
        if (s.forced[t]) continue;
        const TokenTerm term = token_term(grpo, now, old, s.ref_logp.empty() ? 0.0 : double(s.ref_logp[t]), s.advantage);
        dlogp[i] = float(pass.weight[at] * term.d_logp);
        report.policy.add(term, pass.weight[at], now);
      }
    };
    const StepLosses part = model_.train({pass.tokens, pass.lengths, pass.weights, {}, pass.experts}, loss, double(std::max<int64_t>(trained_tokens, 1)),
                                         int64_t(trained.size()), token_loss);
    report.rows += int64_t(pass.tokens.size()) - int64_t(pass.lengths.size());
    report.replayed += int64_t(pass.experts.size());
    report.replay_differs += part.replay_differs;
    report.mtp_loss.resize(part.mtp.size());
    for (size_t k = 0; k < part.mtp.size(); ++k) report.mtp_loss[k] += part.mtp[k];
    begin = end;
  }
  return report;
}

UpdateReport PolicyStep::run(std::span<const PolicySample> samples, double lr, Progress& progress) {
  UpdateReport r = gradients(samples);
  if (r.trained_samples == 0) {  // no group had variance: nothing to learn, and AdamW's memory must not move the weights
    r.skipped = true;
    return r;
  }
  r.grad_norm = optimizer_.gradient_norm();
  if (!std::isfinite(r.policy.loss)) r.why = "the loss is not finite";
  if (r.why.empty() && !std::isfinite(r.grad_norm)) r.why = "the norm of the gradients is not finite";
  if (!r.why.empty()) {
    r.skipped = true;
    ++progress.skipped;
    ++progress.skipped_in_a_row;
    return r;
  }
  progress.skipped_in_a_row = 0;
  const TrainOptions& a = options_.adamw;
  const double clip = a.clip > 0 && r.grad_norm > a.clip ? a.clip / (r.grad_norm + 1e-6) : 1.0;
  optimizer_.update(a, lr, clip, ++progress.updates);
  update_router_biases(model_, options_.gamma);
  model_.weights().refresh();
  return r;
}

}  // namespace minke
