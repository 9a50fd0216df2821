#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace minke {

uint64_t xxh3_64(const void* data, size_t bytes);
inline uint64_t xxh3_64(std::string_view text) { return xxh3_64(text.data(), text.size()); }

}  // namespace minke
