#pragma once
// What a model's folder says about its dial: minke_effort.json, written by training and by `minke dial calibrate`.
//   {"full_budget": 256, "tag": true, "confident": 0.98, "quorum": 0.625, "auto": {...}}
// Every key may be missing; docs/dial.md describes them.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dial/auto_table.h"

namespace minke {

inline constexpr const char* kEffortFile = "minke_effort.json";

struct EffortProfile {
  int64_t full_budget = 256;  // C, tokens: the longest useful thought
  bool tag = false;           // it was trained to read "effort: low" as a system message
  double confident = 0;       // max ends at a first answer at least this confident (ask.h: AskSample::confidence); 0: never
  double quorum = 0;          // at its ceiling max says `?` unless this share of its samples agree; max and auto where a checker is content with none; 0: never
  std::optional<AutoTable> automatic;  // "auto"; without it auto asks as max does
  double price = 0;           // of auto, in place of the table's own; not in the file

  // Without the file: C by the model's positions, no tag.
  static EffortProfile for_positions(int64_t positions);
  // folder/minke_effort.json; missing keys, or a missing file, as for_positions(). Error that names the file, the key and what was expected.
  static EffortProfile load(const std::string& folder, int64_t positions);
  static EffortProfile from_json(std::string_view text, const std::string& path, int64_t positions);
  std::string json() const;   // of the whole file, with a line end
  EffortProfile uncalibrated() const;  // without what was measured on the weights: for weights trained on from them
};

}  // namespace minke
