#pragma once
// The recorded models of tests/data/oracle (its README says how they were made).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"

namespace minke {

inline const std::vector<std::string>& oracle_models() {
  static const std::vector<std::string> names = {"v3",         "v3-no-q-lora", "v3-odd",  "v3-half-split", "v3-no-shared",  "v3-dense",
                                                 "v3-mtp2",    "v3-pre-norm",  "v2-lite", "v2",            "v2-normalised", "tiny-v3"};
  return names;
}

inline std::string oracle_folder(const std::string& name) { return std::string(MINKE_SOURCE_DIR) + "/tests/data/oracle/" + name; }

template <class T>
std::vector<T> oracle_values(const SafetensorsFile& file, const std::string& name) {
  const TensorInfo* t = file.find(name);
  if (!t) fail("{}: no tensor {}", file.path(), name);
  MINKE_CHECK_EQ(t->dtype, std::string(sizeof(T) == 4 && std::is_integral_v<T> ? "I32" : "F32"));
  std::vector<T> out(static_cast<size_t>(t->elements()));
  std::memcpy(out.data(), file.data(*t), t->bytes());
  return out;
}

inline std::vector<Isa> isas_here() {
  std::vector<Isa> out;
  for (int i = 0; i < kIsaCount; ++i)
    if (isa_supported(Isa(i))) out.push_back(Isa(i));
  return out;
}

inline double largest_difference(const float* a, const float* b, size_t n) {
  double worst = 0;
  for (size_t i = 0; i < n; ++i) {
    const double d = std::abs(double(a[i]) - double(b[i]));
    if (!(d <= worst)) worst = d;  // a NaN stays
  }
  return worst;
}

}  // namespace minke
