#pragma once
// Rotary embedding of one head as its equation, over any scalar: pair i of the head at position p turns by the angle whose cosine
// and sine are cos_sin[p, 2i], cos_sin[p, 2i+1].
#include <cstdint>

#include "kernels/rope/rope.h"

namespace minke {

template <class T>
void rope_rotate_ref(RopeLayout layout, int64_t d, T* x, const float* cos_sin_of_position, bool inverse) {
  for (int64_t i = 0; i < d / 2; ++i) {
    T& a = layout == RopeLayout::kInterleaved ? x[2 * i] : x[i];
    T& b = layout == RopeLayout::kInterleaved ? x[2 * i + 1] : x[i + d / 2];
    const T c = cos_sin_of_position[2 * i], s = inverse ? -cos_sin_of_position[2 * i + 1] : cos_sin_of_position[2 * i + 1];
    const T turned_a = a * c - b * s, turned_b = a * s + b * c;
    a = turned_a;
    b = turned_b;
  }
}

}  // namespace minke
