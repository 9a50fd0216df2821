#include "kernels/math/row_format.h"

#include "kernels/math/vexp.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

// Every sign, exponent and upper mantissa with the low halves that decide rounding: subnormals, ties, overflow to infinity, NaNs.
TEST(Bf16Encoder, IsBf16FromF32Everywhere) {
  std::vector<float> x;
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low : {0u, 1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) x.push_back(float_of_bits(high << 16 | low));
  std::vector<uint16_t> want;
  for (float value : x) want.push_back(bf16_from_f32(value).bits);
  for (Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    std::vector<bf16> y(x.size());
    bf16_encoder()(x.data(), y.data(), int64_t(x.size()));
    for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i].bits, want[i]) << isa_name(isa) << ": code " << std::hex << float_bits(x[i]);
  }
  force_isa(best_isa());
}

TEST(Bf16Encoder, WritesItsRowAndNoMore) {
  for (Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    for (int64_t n = 0; n < 100; ++n) {
      const Values x = Values::random(DType::kF32, n, uint64_t(n));
      std::vector<bf16> y(size_t(n) + 2, bf16{0x1234});
      bf16_encoder()(x.f32(), y.data() + 1, n);
      EXPECT_EQ(y.front().bits, 0x1234);
      EXPECT_EQ(y.back().bits, 0x1234);
      for (int64_t i = 0; i < n; ++i) ASSERT_EQ(y[i + 1].bits, bf16_from_f32(x.f32()[i]).bits);
    }
  }
  force_isa(best_isa());
}

}  // namespace
}  // namespace minke::rows
