#include "reason/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/error.h"

namespace minke {
namespace {

constexpr uint64_t kMixStream = 0x6d6978;

// Half of the chains are searches; what a small model can learn comes most.
const std::vector<ChainWeight>& usual_chains() {
  static const std::vector<ChainWeight> chains = {{"countdown-a1", 0.08}, {"countdown-a2", 0.15}, {"countdown-a3", 0.17}, {"countdown-a4", 0.06},
                                                  {"countdown-a5", 0.04}, {"digits-b1", 0.12},    {"products-b2", 0.1},   {"expressions-b3", 0.16},
                                                  {"equations-b4", 0.07}, {"units-b6", 0.05}};
  return chains;
}

// The families answered at once: named, so that a new row of the table leaves the mix, and what was trained on it, as it is.
constexpr const char* kInstructed[] = {"countdown-a1", "countdown-a2",   "countdown-a3", "countdown-a4",  "countdown-a5", "digits-b1",
                                       "products-b2",  "expressions-b3", "equations-b4", "registers-b5", "units-b6"};

// Low levels more often than high ones: the square of a uniform number.
int draw_level(Rng& rng, const Family& family) {
  const double u = rng.uniform();
  return family.min_level + int(u * u * (family.max_level - family.min_level + 1));
}

const ChainWeight& draw_chain(Rng& rng, const std::vector<ChainWeight>& chains) {
  double total = 0;
  for (const ChainWeight& c : chains) total += c.weight;
  double at = rng.uniform() * total;
  for (const ChainWeight& c : chains) {
    at -= c.weight;
    if (at < 0) return c;
  }
  return chains[0];
}

MixDocument draw_document(const MixWeights& weights, MixForm form, Split split, uint64_t seed, uint64_t number) {
  const RandomBlock own = random_block(seed, kMixStream, number);  // the document's own stream: numbers use all 64 bits
  Rng rng(seed, uint64_t(own.v[0]) << 32 | own.v[1]);
  const auto problem = [&](const Family& family, const ChainWeight* levels) {
    const uint64_t index = rng.bits32();
    const int level = levels && levels->low ? int(rng.range(levels->low, levels->high)) : draw_level(rng, family);
    return draw_problem(family, level, split, seed ^ kMixStream, index);
  };
  const auto chain = [&](const std::vector<ChainWeight>& chains) {
    const ChainWeight& c = draw_chain(rng, chains);
    return problem(find_family(c.family), &c);
  };
  MixDocument document{form, {}, {}};
  switch (form) {
    case MixForm::kFacts: {
      const KeyFilter keep = [split](std::string_view key) { return split_of(key) == split; };
      document.text = fact_lines(rng, int(rng.range(6, 20)), keep, document.keys);
      break;
    }
    case MixForm::kChains:
    case MixForm::kPrograms: {
      Problem p = form == MixForm::kPrograms ? problem(find_family("registers-b5"), nullptr) : chain(weights.chains.empty() ? usual_chains() : weights.chains);
      document.text = std::move(p.text);
      document.keys.push_back(std::move(p.canonical_key));
      break;
    }
    case MixForm::kInstructions: {
      const Problem p =
          weights.chains.empty() ? problem(find_family(kInstructed[rng.below(std::size(kInstructed))]), nullptr) : chain(weights.chains);
      document.text = instruction_text(p);
      document.keys.push_back(p.canonical_key);
      break;
    }
  }
  return document;
}

}  // namespace

const char* mix_form_name(MixForm form) {
  static constexpr const char* kNames[kMixForms] = {"facts", "chains", "programs", "instructions"};
  return kNames[int(form)];
}

int64_t count_pieces(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto sign = [&](char c) { return c > ' ' && c < 127 && !letter(c) && !digit(c); };
  int64_t pieces = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], before = i > 0 ? text[i - 1] : ' ', after = i + 1 < text.size() ? text[i + 1] : ' ';
    pieces += digit(c) || c == '\n' || (c == ' ' && digit(after)) || (letter(c) && !letter(before)) || (sign(c) && !sign(before));
  }
  return pieces;
}

ChainWeight parse_chain_weight(std::string_view text) {
  std::istringstream in{std::string(text)};
  ChainWeight c;
  std::string levels, more;
  if (!(in >> c.family >> c.weight) || !(c.weight > 0) || (in >> levels && in >> more))
    usage_fail("'{}': expected a task, its weight above 0 and perhaps its levels, like \"expressions-b3 0.4 2-5\"", text);
  const Family& family = find_family(c.family);
  if (levels.empty()) return c;
  char dash = 0, end = 0;
  const int read = std::sscanf(levels.c_str(), "%d%c%d%c", &c.low, &dash, &c.high, &end);
  if (read == 1) c.high = c.low;
  if ((read != 1 && (read != 3 || dash != '-')) || c.low < family.min_level || c.high > family.max_level || c.low > c.high)
    usage_fail("'{}': levels '{}'; expected {} to {} of {}", text, levels, family.min_level, family.max_level, family.name);
  return c;
}

std::vector<std::string> drawn_families(const MixWeights& weights) {
  const auto some = [&](MixForm form) { return weights.share[int(form)] > 0; };
  const bool chosen = !weights.chains.empty();
  std::vector<std::string> names;
  if (some(MixForm::kPrograms)) names.push_back("registers-b5");
  if (some(MixForm::kChains) || (some(MixForm::kInstructions) && chosen))
    for (const ChainWeight& c : chosen ? weights.chains : usual_chains()) names.push_back(c.family);
  if (some(MixForm::kInstructions) && !chosen) names.insert(names.end(), std::begin(kInstructed), std::end(kInstructed));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string instruction_text(const Problem& problem) {
  return fmt::format("<｜User｜>{}<｜Assistant｜>{}", problem.prompt, problem.gold);
}

std::vector<MixDocument> mix_block(const MixWeights& weights, Split split, uint64_t seed, uint64_t block, int64_t bytes) {
  double total = 0;
  for (const double share : weights.share) {
    if (!(share >= 0)) fail("the problem mix has a share of {}; expected numbers from 0", share);
    total += share;
  }
  if (!(total > 0)) fail("the problem mix has no share above 0");
  std::vector<MixDocument> documents;
  double owed[kMixForms] = {};  // pieces due to each form, minus pieces written
  int64_t written = 0;
  for (uint64_t i = 0; written < bytes; ++i) {
    int form = -1;
    for (int f = 0; f < kMixForms; ++f)
      if (weights.share[f] > 0 && (form < 0 || owed[f] > owed[form])) form = f;
    documents.push_back(draw_document(weights, MixForm(form), split, seed, block << 20 | i));
    written += int64_t(documents.back().text.size());
    const double pieces = double(count_pieces(documents.back().text));
    owed[form] -= pieces;
    for (int f = 0; f < kMixForms; ++f) owed[f] += pieces * weights.share[f] / total;
  }
  // The turns follow the lengths; a shuffle hides that from whoever reads the block in order.
  Rng rng(seed, kMixStream + 1, block << 24);
  for (size_t i = documents.size(); i > 1; --i) std::swap(documents[i - 1], documents[rng.below(i)]);
  return documents;
}

}  // namespace minke
