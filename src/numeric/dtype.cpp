#include "numeric/dtype.h"

#include "base/error.h"

namespace minke {
namespace {

void copy_f32(const void* from, float* to, int64_t n) { std::memcpy(to, from, size_t(n) * 4); }
void copy_to_f32(const float* from, void* to, int64_t n) { std::memcpy(to, from, size_t(n) * 4); }

void bf16_decode(const void* from, float* to, int64_t n) {
  const bf16* x = static_cast<const bf16*>(from);
  for (int64_t i = 0; i < n; ++i) to[i] = bf16_to_f32(x[i]);
}

void bf16_encode(const float* from, void* to, int64_t n) {
  bf16* y = static_cast<bf16*>(to);
  for (int64_t i = 0; i < n; ++i) y[i] = bf16_from_f32(from[i]);
}

constexpr DTypeInfo kTable[] = {
    {DType::kF32, "f32", "F32", "float32", 4, copy_f32, copy_to_f32},
    {DType::kBF16, "bf16", "BF16", "bfloat16", 2, bf16_decode, bf16_encode},
};

std::optional<DType> find(const char* DTypeInfo::*field, std::string_view name) {
  for (const DTypeInfo& row : kTable)
    if (name == row.*field) return row.dtype;
  return std::nullopt;
}

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kTable[size_t(dtype)]; }
std::optional<DType> dtype_by_name(std::string_view name) { return find(&DTypeInfo::name, name); }
DType dtype_named(std::string_view name) {
  if (const std::optional<DType> d = dtype_by_name(name)) return *d;
  fail("unknown number format \"{}\"; expected f32 or bf16", name);
}
std::optional<DType> dtype_by_safetensors(std::string_view name) { return find(&DTypeInfo::safetensors, name); }
std::optional<DType> dtype_by_torch(std::string_view name) { return find(&DTypeInfo::torch, name); }

void convert(DType from_dtype, const void* from, DType to_dtype, void* to, int64_t n) {
  if (from_dtype == to_dtype) {
    std::memcpy(to, from, size_t(n) * dtype_bytes(from_dtype));
  } else if (to_dtype == DType::kF32) {
    dtype_info(from_dtype).to_f32(from, static_cast<float*>(to), n);
  } else {
    MINKE_CHECK(from_dtype == DType::kF32);
    dtype_info(to_dtype).from_f32(static_cast<const float*>(from), to, n);
  }
}

}  // namespace minke
