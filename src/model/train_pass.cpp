// One training pass: forward, losses, backward. And the rows of multi-token prediction, which mtp_logits shares.
#include <algorithm>
#include <numeric>

#include "base/ledger.h"
#include "kernels/embedding/embedding.h"
#include "model/transformer.h"

namespace minke {
namespace {

// The first n - 1 rows of every segment: what the next MTP depth can still predict from.
Rows shorten(const Rows& rows) {
  Rows out;
  for (const RowSegment& r : rows.segments)
    if (r.n > 1) out.add(r.n - 1, r.first);
  return out;
}

// Calls body(first row in wide, first row in narrow, rows kept) for every segment that shorten() kept.
template <class Body>
void for_each_kept(const Rows& wide, const Rows& narrow, Body body) {
  size_t i = 0;
  for (const RowSegment& r : wide.segments)
    if (r.n > 1) body(r.begin, narrow.segments[i++].begin, r.n - 1);
}

View gather(const Rows& wide, const Rows& narrow, View from, Arena& arena) {
  View out = take(arena, from.dtype, narrow.count(), from.cols);
  for_each_kept(wide, narrow, [&](int64_t w, int64_t k, int64_t n) { copy(from.slice(w, n), out.slice(k, n)); });
  return out;
}

void scatter_add(const Rows& wide, const Rows& narrow, View from, View to) {
  const KernelScope kernel("mtp scatter", 0, 12 * double(from.rows * from.cols));
  if (kernel.dry()) return;
  for_each_kept(wide, narrow, [&](int64_t w, int64_t k, int64_t n) {
    for (int64_t t = 0; t < n; ++t) {
      const float* x = static_cast<const float*>(from.row(k + t));
      float* y = static_cast<float*>(to.row(w + t));
      for (int64_t j = 0; j < from.cols; ++j) y[j] += x[j];
    }
  });
}

double weighted_sum(const std::vector<float>& nll, const std::vector<float>& weights) {
  double sum = 0;
  for (size_t i = 0; i < nll.size(); ++i) sum += double(nll[i]) * double(weights[i]);
  return sum;
}

}  // namespace

void Transformer::clear_expert_loads() {
  for (auto& loads : expert_loads_) std::fill(loads.begin(), loads.end(), 0);
}

std::vector<View> Transformer::mtp_logits(const std::vector<int32_t>& ids, const ForwardSaved& s, const Rows& rows, Arena& arena) {
  std::vector<View> out;
  const bool post = config_.mtp_hidden == MtpHidden::kPostNorm;
  std::vector<MtpSaved> saved(mtp_.size());
  Rows wide = rows;
  View from = post ? s.x : s.h;
  for (size_t k = 0; k < mtp_.size(); ++k) {
    const Rows narrow = shorten(wide);
    if (narrow.count() == 0) break;
    mtp_forward(mtp_[k], rope_, narrow, compute(), table_, ids.data() + k + 1, gather(wide, narrow, from, arena), saved[k], arena, false);
    out.push_back(take(arena, DType::kF32, narrow.count(), config_.vocab_size));
    logits(saved[k].out, out.back());
    from = post ? saved[k].out : saved[k].h;
    wide = narrow;
  }
  return out;
}

// The state of one pass over a batch's sequences. Depth 0 is the main model, depth k the k-th MTP module.
class TrainPass {
 public:
  TrainPass(Transformer& model, const TrainBatch& batch, const LossOptions& options, const TokenLoss& token_loss)
      : m_(model),
        arena_(model.arena_),
        batch_(batch),
        options_(options),
        token_loss_(token_loss),
        post_(model.config_.mtp_hidden == MtpHidden::kPostNorm) {}

  StepLosses run(double weight_of_step, int64_t sequences_of_step) {
    balance_ = {options_.balance_alpha, sequences_of_step, int64_t(batch_.lengths.size())};
    weight_of_step_ = weight_of_step;
    lay_out_rows();
    forward_main();
    if (options_.mtp_lambda > 0)
      for (size_t k = 1; k <= m_.mtp_.size() && forward_mtp(k); ++k) continue;
    if (dry_run()) Ledger::current()->keeps_below(arena_.take(1));
    backward();
    return losses_;
  }

 private:
  struct Depth {
    Rows rows;
    std::vector<int64_t> place;      // [rows] where in batch_.tokens each row's own token is
    std::vector<int32_t> ids;        // [rows] the tokens embedded: the row's own, or k places after it
    MtpSaved saved;                  // k >= 1
    View d_out;                      // gradient of the normed output
  };

  // Without a mask a sequence is one segment and attention crosses documents, as in V3's pre-training.
  void lay_out_rows() {
    Depth& main = depths_.emplace_back();
    int64_t first = 0;
    for (size_t b = 0; b < batch_.lengths.size(); ++b) {
      const int64_t length = batch_.lengths[b];
      std::vector<int64_t> bounds = {0};
      if (options_.mask_segments && !batch_.segment_starts.empty())
        for (const int64_t start : batch_.segment_starts[b])
          if (start > 0 && start < length) bounds.push_back(start);
      bounds.push_back(length);
      for (size_t i = 0; i + 1 < bounds.size(); ++i) main.rows.add(bounds[i + 1] - bounds[i], 0);
      for (int64_t t = 0; t < length; ++t) main.place.push_back(first + t);
      first += length + 1;
    }
    for (const int64_t p : main.place) main.ids.push_back(batch_.tokens[size_t(p)]);
  }

  // Loss of a depth's normed output, `share` of the step's; its gradient into depth.d_out. Row at place p predicts the token at
  // p + k + 1. Rows whose target weighs nothing do not pass the head, unless a token_loss wants their log-probability.
  double loss(Depth& depth, size_t k, View out, double share) {
    const bool own_loss = k == 0 && token_loss_;
    const size_t all = depth.place.size();
    std::vector<int64_t> rows, places;
    std::vector<int32_t> targets;
    std::vector<float> weights;
    for (size_t i = 0; i < all; ++i) {
      const size_t place = size_t(depth.place[i]) + k + 1;
      const double weight = batch_.weights.empty() ? 1.0 : double(batch_.weights[place]);
      if (weight == 0 && !own_loss) continue;
      rows.push_back(int64_t(i));
      places.push_back(int64_t(place));
      targets.push_back(batch_.tokens[place]);
      weights.push_back(float(share * weight / weight_of_step_));
    }
    const size_t n = rows.size();
    std::vector<float> nll(n), scale = weights;  // the head may rewrite the scale
    HeadTargets t{targets.data(), scale.data(), options_.temperature, {}};
    if (own_loss)
      t.reweigh = [&](int64_t begin, int64_t count, const float* chunk_nll, float* chunk_scale) {
        std::vector<float> logp(static_cast<size_t>(count));
        for (int64_t i = 0; i < count; ++i) logp[size_t(i)] = -chunk_nll[i];
        token_loss_(count, places.data() + begin, logp.data(), chunk_scale);
        for (int64_t i = 0; i < count; ++i) chunk_scale[i] = -chunk_scale[i];  // nll = -logp
      };
    depth.d_out = take(arena_, DType::kF32, int64_t(all), out.cols);
    if (n == all) {
      head_loss(m_.head_, out, t, nll.data(), depth.d_out, arena_);
    } else {
      ArenaScope scope(arena_);
      View x = take(arena_, out.dtype, int64_t(n), out.cols), dx = take(arena_, DType::kF32, int64_t(n), out.cols);
      for (size_t i = 0; i < n; ++i) copy(out.slice(rows[i], 1), x.slice(int64_t(i), 1));
      head_loss(m_.head_, x, t, nll.data(), dx, arena_);
      fill_zero(depth.d_out);
      for (size_t i = 0; i < n; ++i) copy(dx.slice(int64_t(i), 1), depth.d_out.slice(rows[i], 1));
    }
    return weighted_sum(nll, weights) / share;
  }

  void forward_main() {
    Depth& main = depths_[0];
    m_.forward(main.rows, main.ids.data(), saved_, arena_, {}, true, batch_.experts);
    for (size_t l = 0; l < m_.blocks_.size(); ++l) {
      count_loads(m_.blocks_[l], saved_.blocks[l]);
      losses_.replay_differs += saved_.blocks[l].moe.replay_differs;
    }
    losses_.main = loss(main, 0, saved_.x, 1.0);
  }

  // Report eq. 21-24: depth k embeds the token k places ahead and predicts the one after; the mean is over all T main targets.
  // False when no sequence is long enough.
  bool forward_mtp(size_t k) {
    Depth depth;
    const Depth& above = depths_.back();
    depth.rows = shorten(above.rows);
    if (depth.rows.count() == 0) return false;
    for_each_kept(above.rows, depth.rows, [&](int64_t w, int64_t, int64_t n) {
      for (int64_t t = 0; t < n; ++t) depth.place.push_back(above.place[size_t(w + t)]);
    });
    for (const int64_t p : depth.place) depth.ids.push_back(batch_.tokens[size_t(p) + k]);
    const View from = k == 1 ? (post_ ? saved_.x : saved_.h) : (post_ ? above.saved.out : above.saved.h);
    const View h_in = gather(above.rows, depth.rows, from, arena_);
    const MtpModule& module = m_.mtp_[k - 1];
    mtp_forward(module, m_.rope_, depth.rows, m_.compute(), m_.table_, depth.ids.data(), h_in, depth.saved, arena_, true);
    count_loads(module.block, depth.saved.block);
    losses_.mtp.push_back(loss(depth, k, depth.saved.out, double(options_.mtp_lambda) / double(m_.mtp_.size())));
    depths_.push_back(std::move(depth));
    return true;
  }

  // Deepest first. A module's input gradient goes to the normed output one depth up (post-norm) or to the stream before the norm.
  void backward() {
    const int64_t d = m_.config_.hidden_size;
    View d_stream;  // pre-norm: what the depth below adds to this depth's stream
    for (size_t k = depths_.size(); k-- > 1;) {
      Depth& depth = depths_[k];
      const MtpModule& module = m_.mtp_[k - 1];
      View dh = take(arena_, DType::kF32, depth.rows.count(), d), dh_in = take(arena_, DType::kF32, depth.rows.count(), d);
      norm_backward(module.shared_head_norm, depth.saved.h, depth.saved.out_rstd, depth.d_out, dh, false);
      if (d_stream.data) scatter_add(depth.rows, depths_[k + 1].rows, d_stream, dh);
      fill_zero(dh_in);
      losses_.balance += mtp_backward(module, m_.rope_, depth.rows, depth.ids.data(), depth.saved, balance_, dh, dh_in, m_.d_table_, arena_);
      if (post_)
        scatter_add(depths_[k - 1].rows, depth.rows, dh_in, depths_[k - 1].d_out);
      else
        d_stream = dh_in;
    }
    const Depth& main = depths_[0];
    View dh = take(arena_, DType::kF32, main.rows.count(), d);
    norm_backward(m_.norm_, saved_.h, saved_.rstd, main.d_out, dh, false);
    if (d_stream.data) scatter_add(main.rows, depths_[1].rows, d_stream, dh);
    for (size_t l = m_.blocks_.size(); l-- > 0;)
      losses_.balance += block_backward(m_.blocks_[l], m_.rope_, main.rows, saved_.blocks[l], balance_, dh, arena_);
    embedding_backward(main.rows.count(), d, main.ids.data(), dh.f32(), m_.d_table_);
  }

  void count_loads(const Block& block, const BlockSaved& s) {
    if (!block.is_moe) return;
    const std::vector<int64_t>& offsets = s.moe.plan.offsets;
    for (size_t e = 0; e + 1 < offsets.size(); ++e) m_.expert_loads_[moe_layer_][e] += offsets[e + 1] - offsets[e];
    ++moe_layer_;
  }

  Transformer& m_;
  Arena& arena_;
  const TrainBatch& batch_;
  const LossOptions& options_;
  const TokenLoss& token_loss_;
  bool post_;
  BalanceLoss balance_;
  double weight_of_step_ = 0;
  std::vector<Depth> depths_;
  ForwardSaved saved_;
  StepLosses losses_;
  size_t moe_layer_ = 0;
};

StepLosses Transformer::train(const TrainBatch& batch, const LossOptions& options, double weight_of_step, int64_t sequences_of_step,
                              const TokenLoss& token_loss) {
  MINKE_CHECK(weights_.training());
  MINKE_CHECK_EQ(int64_t(batch.tokens.size()), std::accumulate(batch.lengths.begin(), batch.lengths.end(), int64_t(batch.lengths.size())));
  MINKE_CHECK(batch.weights.empty() || batch.weights.size() == batch.tokens.size());
  ArenaScope scope(arena_);
  const MemoryScope kind(MemoryKind::kPass);
  return TrainPass(*this, batch, options, token_loss).run(weight_of_step, sequences_of_step);
}

}  // namespace minke
