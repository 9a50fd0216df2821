#include "layers/recipe.h"

#include "base/error.h"

namespace minke {
namespace {

// Scales are powers of two.
constexpr Recipe kTable[] = {
    {"f32", DType::kF32},
    {"bf16", DType::kBF16},
    {"fp8", DType::kBF16, Fp8Scope::kTiles},
    {"fp8_hybrid", DType::kBF16, Fp8Scope::kTensor, Fp8Grid::kE4M3, Fp8Grid::kE5M2, false},
};

}  // namespace

std::span<const Recipe> recipes() { return kTable; }

const Recipe& recipe_named(std::string_view name) {
  std::string names;
  for (const Recipe& r : kTable) {
    if (name == r.name) return r;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", r.name);
  }
  fail("unknown precision \"{}\"; expected one of {}", name, names);
}

const Recipe& recipe_of(DType compute) { return recipe_named(dtype_info(compute).name); }

}  // namespace minke
