#include "numeric/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace minke {
namespace {

TEST(Bf16, RoundsToNearestEvenExhaustively) {
  // Every bf16 value survives, and the midpoint to its neighbour goes to the even one.
  for (uint32_t code = 0; code < 0x7F80; ++code) {
    const float x = bf16_to_f32({uint16_t(code)});
    EXPECT_EQ(bf16_from_f32(x).bits, code < 0x80 ? 0 : code);
    if (code < 0x80) continue;
    const uint32_t mid = (code << 16) | 0x8000u;
    float m;
    std::memcpy(&m, &mid, 4);
    EXPECT_EQ(bf16_from_f32(m).bits, (code & 1) ? code + 1 : code);
    EXPECT_EQ(bf16_from_f32(std::nextafter(m, std::numeric_limits<float>::infinity())).bits, code + 1);
  }
  EXPECT_TRUE(std::isnan(bf16_to_f32(bf16_from_f32(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_EQ(bf16_from_f32(std::numeric_limits<float>::infinity()).bits, 0x7F80);
}

TEST(DType, TableRowsFindThemselves) {
  for (DType d : {DType::kF32, DType::kBF16}) {
    EXPECT_EQ(dtype_by_name(dtype_info(d).name), d);
    EXPECT_EQ(dtype_by_safetensors(dtype_info(d).safetensors), d);
    EXPECT_EQ(dtype_by_torch(dtype_info(d).torch), d);
  }
  EXPECT_FALSE(dtype_by_name("fp8").has_value());
  EXPECT_THROW(dtype_named("fp8"), std::runtime_error);
}

}  // namespace
}  // namespace minke
