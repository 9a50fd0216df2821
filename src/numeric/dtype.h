#pragma once
// Number formats as rows of a table: what stores and converts them. docs/tour.md names who else knows them.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "numeric/bf16.h"

namespace minke {

enum class DType : uint8_t { kF32 = 0, kBF16 = 1 };

struct DTypeInfo {
  DType dtype;
  const char* name;            // in configs and on the command line: "f32"
  const char* safetensors;     // in safetensors headers: "F32"
  const char* torch;           // in config.json: "float32"
  size_t bytes;                // of one element
  void (*to_f32)(const void* from, float* to, int64_t n);
  void (*from_f32)(const float* from, void* to, int64_t n);
};

const DTypeInfo& dtype_info(DType dtype);
std::optional<DType> dtype_by_name(std::string_view name);          // "f32", "bf16"
DType dtype_named(std::string_view name);                           // the same; Error on another name
std::optional<DType> dtype_by_safetensors(std::string_view name);   // "F32", "BF16"
std::optional<DType> dtype_by_torch(std::string_view name);         // "float32", "bfloat16"

inline size_t dtype_bytes(DType dtype) { return dtype_info(dtype).bytes; }
// Copies n elements from one format to another; the regions do not overlap.
void convert(DType from_dtype, const void* from, DType to_dtype, void* to, int64_t n);

}  // namespace minke
