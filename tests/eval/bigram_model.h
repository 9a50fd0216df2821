#pragma once
// A transformer whose next token depends on the last one alone, with probabilities that a test chooses: what a trained model would
// say, known in advance. Blocks add nothing (their output matrices are zero), so the last state is the last token's embedding, one
// direction a token; the head's row of a follower has log w along the direction of what it follows.
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "base/file.h"
#include "data/tokenizer/tokenizer.h"
#include "model/transformer.h"

namespace minke {

class BigramModel {
 public:
  explicit BigramModel(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // After `from`, `to` comes with a probability in proportion to `weight`.
  BigramModel& follow(int32_t from, int32_t to, double weight = 1) {
    weights_[{from, to}] = weight;
    directions_.try_emplace(from, directions_.size());
    return *this;
  }
  // The tokens of `text` one after another, the first after `from`. Returns the last one.
  int32_t path(int32_t from, const std::string& text, double weight = 1) {
    for (const int32_t id : tokenizer_.encode(text)) {
      follow(from, id, weight);
      from = id;
      weight = 1;
    }
    return from;
  }
  int32_t token(const std::string& text) const {
    const std::vector<int32_t> ids = tokenizer_.encode(text, true);
    return ids.size() == 1 ? ids[0] : throw std::runtime_error("not one token: " + text);
  }

  // drafts: the MTP module hands the embedding of the token ahead to the head, and so knows what the model knows; else it knows nothing.
  std::unique_ptr<Transformer> build(WeightUse use, bool drafts = false) const {
    const ModelConfig config = ModelConfig::from_toml(read_file("configs/nano.toml"), "nano.toml");
    const size_t d = size_t(config.hidden_size);
    if (directions_.size() > d) throw std::runtime_error("more tokens than directions");
    std::vector<float> embedding(size_t(config.vocab_size) * d), head(embedding.size()), zeros(embedding.size()), ones(1024, 1.0f);
    for (const auto& [id, direction] : directions_) embedding[size_t(id) * d + direction] = 1;
    for (const auto& [pair, weight] : weights_)  // model.norm makes the one into sqrt(d); 30 leaves nothing to tokens that do not follow
      head[size_t(pair.second) * d + directions_.at(pair.first)] = float((30 + std::log(weight)) / std::sqrt(double(d)));
    std::vector<float> eh_proj(2 * d * d);
    for (size_t i = 0; drafts && i < d; ++i) eh_proj[i * 2 * d + i] = 1;
    auto model = std::make_unique<Transformer>(config, DType::kF32, use);
    model->weights().fill([&](const ParameterSpec& spec) -> ParameterValues {
      if (spec.name.ends_with("eh_proj.weight")) return {DType::kF32, eh_proj.data()};
      const bool table = spec.kind == ParameterKind::kEmbedding, last = spec.kind == ParameterKind::kHead;
      return {DType::kF32, table ? embedding.data() : last ? head.data() : spec.kind == ParameterKind::kNorm ? ones.data() : zeros.data()};
    });
    return model;
  }

 private:
  const Tokenizer& tokenizer_;
  std::map<std::pair<int32_t, int32_t>, double> weights_;
  std::map<int32_t, size_t> directions_;
};

// Thinks a run of sevens (each goes on with probability 1/2), then answers 4 with probability 0.6, 5 with 0.3, `?` with 0.1.
inline BigramModel guessing_model(const Tokenizer& tokenizer) {
  BigramModel m(tokenizer);
  const int32_t end = m.token("</think>"), seven = m.token("7"), eos = tokenizer.eos_id();
  m.follow(m.token("\n"), seven).follow(seven, seven).follow(seven, end);
  const int32_t open = m.path(end, "\\boxed{");
  for (const auto& [answer, weight] : {std::pair{"4", 0.6}, {"5", 0.3}, {"?", 0.1}}) {
    m.follow(open, m.token(answer), weight);
    m.follow(m.token(answer), m.token("}"));
  }
  m.follow(m.token("}"), eos);
  return m;
}

}  // namespace minke
