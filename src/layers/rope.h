#pragma once
// The table of rotations and YaRN's changes to it. DeepSeek-V2 report section 2.1.3, V3 report section 4.3.
//   f_i = theta^(-2i/d)     YaRN: f'_i = f_i (1 - ramp_i) + f_i / factor ramp_i
//   cos and sin are multiplied by m(factor, mscale) / m(factor, mscale_all_dim), m(s, a) = 0.1 a ln s + 1
//   the softmax scale by m(factor, mscale_all_dim)^2
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/rope/rope.h"
#include "layers/rows.h"
#include "tensor/view.h"

namespace minke {

struct Yarn {
  double factor = 1;
  int64_t original_max_position_embeddings = 0;
  double beta_fast = 32, beta_slow = 1;
  double mscale = 1, mscale_all_dim = 0;
};

struct RopeSpec {
  int64_t dim = 0;
  double theta = 10000;
  RopeLayout layout = RopeLayout::kInterleaved;
  std::optional<Yarn> yarn;
};

std::vector<double> rope_frequencies(const RopeSpec& spec);        // [dim / 2]
double softmax_scale(const RopeSpec& spec, int64_t qk_head_dim);   // qk_head_dim^-0.5 and YaRN's factor

class Rope {
 public:
  explicit Rope(const RopeSpec& spec);
  // Makes the table cover positions below n. Not while a forward pass runs.
  void reserve(int64_t n);
  // The last `dim` elements of each head of x: heads of ld_head elements, the rotated part at `offset`.
  void rotate(View x, int64_t heads, int64_t ld_head, int64_t offset, const Rows& rows, bool inverse = false) const;
  int64_t dim() const { return spec_.dim; }

 private:
  RopeSpec spec_;
  std::vector<double> frequencies_;
  double magnitude_ = 1;
  std::vector<float> table_;  // [positions, dim]: cos, sin of each pair
};

}  // namespace minke
