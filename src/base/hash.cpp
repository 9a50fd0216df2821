#include "base/hash.h"

#include <xxhash.h>

namespace minke {

uint64_t xxh3_64(const void* data, size_t bytes) { return XXH3_64bits(data, bytes); }

}  // namespace minke
