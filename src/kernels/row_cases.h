#pragma once
// The row operations at the shapes of a training step (4096 tokens, hidden 256, 16 experts top-2 of inner size 256, vocabulary
// 4096, 23M parameters), for `minke bench rows`.
#include <functional>
#include <string>

#include "numeric/dtype.h"

namespace minke {

// once() runs the operation on the pool, as often as one likes; bytes are those it must read or write once.
using RowVisitor =
    std::function<void(const std::string& name, const std::string& shape, DType dtype, double bytes, const std::function<void()>& once)>;
void visit_row_operations(const RowVisitor& visitor);

}  // namespace minke
