#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <limits>

#include "base/buffer.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/gemm/gemm_models.h"
#include "kernels/gemm/gemm_ref.h"

namespace minke {
namespace {

using namespace gemm_test;

const DType kDTypes[] = {DType::kF32, DType::kBF16};

// Runs `body` under every variant this machine has.
void for_each_variant(const std::function<void(const GemmVariant&)>& body) {
  set_thread_count(1);
  for (const GemmVariant& variant : gemm_variants()) {
    if (!isa_supported(variant.isa)) {
      std::printf("skipped: this machine has no %s\n", variant.name);
      continue;
    }
    SCOPED_TRACE(variant.name);
    force_isa(variant.isa);
    ASSERT_EQ(gemm_variant().isa, variant.isa);
    body(variant);
  }
  force_isa(best_isa());
}

std::vector<float> random_values(int64_t n, uint64_t stream, DType dtype) {
  Rng rng(7, stream);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& x : values) x = dtype == DType::kBF16 ? bf16_round(rng.normal()) : rng.normal();
  return values;
}

// B[k,n] stored one of three ways.
struct Orientation {
  const char* name;
  int64_t stride_k, stride_n;
};
std::vector<Orientation> orientations(int64_t k, int64_t n) {
  return {{"k contiguous", 1, k + 1}, {"n contiguous", n + 2, 1}, {"neither", 2 * n + 1, 2}};
}

std::vector<float> laid_out(const std::vector<float>& b, int64_t k, int64_t n, const Orientation& o) {
  std::vector<float> source(size_t(k * o.stride_k + n * o.stride_n + 1), 1e30f);
  for (int64_t p = 0; p < k; ++p)
    for (int64_t j = 0; j < n; ++j) source[size_t(p * o.stride_k + j * o.stride_n)] = b[size_t(p * n + j)];
  return source;
}

Buffer packed(DType dtype, int64_t k, int64_t n, const std::vector<float>& b) {
  Buffer out(size_t(packed_b_bytes(dtype, k, n)) + 64);
  pack_b(dtype, k, n, b.data(), DType::kF32, n, 1, out.data());
  return out;
}

// Every bit as the model says, in all three stores, with strides, nothing outside of C touched, nothing outside of A read.
void check_shape(const GemmVariant& variant, DType dtype, int64_t m, int64_t n, int64_t k, const Orientation& o, DType source_dtype) {
  const int64_t lda = k + 3, ldc = n + 5;
  const std::vector<float> a = random_values(std::max<int64_t>(0, (m - 1) * lda + k), 1, dtype), b = random_values(k * n, 2, dtype);
  Guarded a_memory(a.size() * dtype_bytes(dtype));
  put(a, dtype, a_memory.as<void>());
  const std::vector<float> source = laid_out(b, k, n, o);
  std::vector<char> stored(source.size() * dtype_bytes(source_dtype));
  put(source, source_dtype, stored.data());
  Buffer packed_b(size_t(packed_b_bytes(dtype, k, n)) + 64);
  pack_b(dtype, k, n, stored.data(), source_dtype, o.stride_k, o.stride_n, packed_b.data());

  std::vector<float> column(static_cast<size_t>(k)), expected(static_cast<size_t>(m * n));
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t p = 0; p < k; ++p) column[size_t(p)] = b[size_t(p * n + j)];
    for (int64_t i = 0; i < m; ++i) expected[size_t(i * n + j)] = model(variant, dtype, a.data() + i * lda, column.data(), k);
  }
  const int64_t c_size = m > 0 ? (m - 1) * ldc + n : 0;
  for (int mode = 0; mode < 3; ++mode) {
    const DType c_dtype = mode == 2 ? DType::kBF16 : DType::kF32;
    Guarded c(size_t(c_size) * dtype_bytes(c_dtype));
    const std::vector<float> old(size_t(c_size), 0.375f);
    put(old, c_dtype, c.as<void>());
    gemm({dtype, n, k, c_dtype, mode == 1 ? Store::kAdd : Store::kSet}, {m, a_memory.as<void>(), lda, packed_b.data(), c.as<void>(), ldc});
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < (i + 1 < m ? ldc : n); ++j) {
        const size_t at = size_t(i * ldc + j);
        const float found = c_dtype == DType::kF32 ? c.as<float>()[at] : bf16_to_f32(c.as<bf16>()[at]);
        float want = 0.375f;
        if (j < n) want = mode == 0 ? expected[size_t(i * n + j)] : mode == 1 ? want + expected[size_t(i * n + j)] : bf16_round(expected[size_t(i * n + j)]);
        ASSERT_EQ(found, want) << dtype_info(dtype).name << " m " << m << " n " << n << " k " << k << " row " << i << " column " << j << " mode " << mode
                               << " B " << o.name;
      }
  }
}

TEST(Gemm, EveryBitFollowsTheStatedOrder) {
  for_each_variant([](const GemmVariant& variant) {
    const int64_t sizes[] = {0, 1, 2, 3, 5, 7, 63, 64, 65};
    size_t turn = 0;
    for (DType dtype : kDTypes) {
      for (int64_t m : sizes)
        for (int64_t n : sizes)
          for (int64_t k : sizes) {
            check_shape(variant, dtype, m, n, k, orientations(k, n)[turn % 3], turn / 3 % 2 ? DType::kF32 : dtype);
            ++turn;
          }
      const int64_t large[][3] = {{130, 200, 700}, {29, 129, 513}, {400, 64, 33}, {12, 17, 2051}, {1, 500, 96}};
      for (auto [m, n, k] : large)
        for (const Orientation& o : orientations(k, n)) check_shape(variant, dtype, m, n, k, o, dtype);
    }
  });
}

TEST(Gemm, StaysNearTheDefinitionInDouble) {
  for_each_variant([](const GemmVariant&) {
    for (DType dtype : kDTypes) {
      const int64_t m = 33, n = 70, k = 1000;
      const std::vector<float> a = random_values(m * k, 3, dtype), b = random_values(k * n, 4, dtype);
      std::vector<char> a_stored(a.size() * dtype_bytes(dtype));
      put(a, dtype, a_stored.data());
      std::vector<float> c(size_t(m * n));
      std::vector<double> exact(c.size()), magnitude(c.size());
      gemm({dtype, n, k}, {m, a_stored.data(), k, packed(dtype, k, n, b).data(), c.data(), n});
      gemm_ref(m, n, k, a.data(), k, b.data(), n, 1, exact.data(), n, false);
      std::vector<float> a_abs = a, b_abs = b;
      for (float& x : a_abs) x = std::fabs(x);
      for (float& x : b_abs) x = std::fabs(x);
      gemm_ref(m, n, k, a_abs.data(), k, b_abs.data(), n, 1, magnitude.data(), n, false);
      // k roundings of sums no larger than the sum of magnitudes.
      for (size_t i = 0; i < c.size(); ++i) ASSERT_LE(std::fabs(double(c[i]) - exact[i]), double(k) * 0x1p-24 * magnitude[i] * 1.001);
    }
  });
}

TEST(Gemm, ARowsResultDependsOnTheRowAlone) {
  for_each_variant([](const GemmVariant&) {
    for (DType dtype : kDTypes) {
      const int64_t m = 203, n = 450, k = 261;
      const size_t bytes = dtype_bytes(dtype);
      const std::vector<float> a = random_values(m * k, 5, dtype), b = random_values(k * n, 6, dtype);
      std::vector<char> stored(a.size() * bytes);
      put(a, dtype, stored.data());
      const Buffer pb = packed(dtype, k, n, b);
      const GemmShape shape{dtype, n, k};
      std::vector<float> together(size_t(m * n)), other(together.size());
      gemm(shape, {m, stored.data(), k, pb.data(), together.data(), n});
      // Alone, at an alignment that changes with the row.
      for (int64_t i = 0; i < m; ++i) {
        Guarded row(size_t(k) * bytes + size_t(i % 7) * bytes);
        std::memcpy(row.as<char>(), stored.data() + size_t(i * k) * bytes, size_t(k) * bytes);
        gemm_serial(shape, {1, row.as<char>(), k, pb.data(), other.data() + i * n, n});
      }
      EXPECT_EQ(std::memcmp(together.data(), other.data(), other.size() * 4), 0);
      // In batches of any size.
      for (int64_t batch = 2; batch <= 14; ++batch) {
        std::fill(other.begin(), other.end(), -1.0f);
        for (int64_t i = 0; i < m; i += batch)
          gemm(shape, {std::min(batch, m - i), stored.data() + size_t(i * k) * bytes, k, pb.data(), other.data() + i * n, n});
        EXPECT_EQ(std::memcmp(together.data(), other.data(), other.size() * 4), 0) << "batch " << batch;
      }
      // On any number of threads, as one problem and as a group of uneven ones.
      for (int threads : {1, 2, 3}) {
        set_thread_count(threads);
        std::fill(other.begin(), other.end(), -1.0f);
        gemm(shape, {m, stored.data(), k, pb.data(), other.data(), n});
        EXPECT_EQ(std::memcmp(together.data(), other.data(), other.size() * 4), 0) << threads << " threads";
        std::fill(other.begin(), other.end(), -1.0f);
        std::vector<GemmProblem> group;
        const int64_t cuts[] = {0, 0, 1, 4, 104, 104, 110, 203};
        for (size_t g = 0; g + 1 < std::size(cuts); ++g)
          group.push_back({cuts[g + 1] - cuts[g], stored.data() + size_t(cuts[g] * k) * bytes, k, pb.data(), other.data() + cuts[g] * n, n});
        gemm(shape, group);
        EXPECT_EQ(std::memcmp(together.data(), other.data(), other.size() * 4), 0) << "group, " << threads << " threads";
      }
      set_thread_count(1);
    }
  });
}

TEST(Gemm, BlocksAndRowsGiveTheSameBits) {
  for_each_variant([](const GemmVariant& variant) {
    for (DType dtype : kDTypes) check_blocks_and_rows(variant, dtype);
  });
}

TEST(Gemm, PacksAlikeOnAnyNumberOfThreads) {
  for_each_variant([](const GemmVariant&) {
    const int64_t k = 300, n = 1000;
    const std::vector<float> b = random_values(k * n, 8, DType::kF32);
    for (DType dtype : kDTypes) {
      const Buffer one = packed(dtype, k, n, b);
      set_thread_count(3);
      const Buffer three = packed(dtype, k, n, b);
      set_thread_count(1);
      EXPECT_EQ(std::memcmp(one.data(), three.data(), size_t(packed_b_bytes(dtype, k, n))), 0);
    }
  });
}

TEST(Gemm, PackedElementsLieWhereTheLayoutSays) {
  for_each_variant([](const GemmVariant&) {
    for (DType dtype : kDTypes)
      for (const auto& [k, n] : {std::pair<int64_t, int64_t>(5, 7), {64, 64}, {33, 130}}) {
        const std::vector<float> b = random_values(k * n, 8, dtype);
        const Buffer p = packed(dtype, k, n, b);
        const PackedLayout layout = packed_layout(dtype);
        for (int64_t i = 0; i < k; ++i)
          for (int64_t j = 0; j < n; ++j) {
            const int64_t at = layout.index(k, i, j);
            const float value = layout.stored == DType::kF32 ? p.as<float>()[at] : bf16_to_f32(p.as<bf16>()[at]);
            ASSERT_EQ(value, b[size_t(i * n + j)]) << i << ", " << j << " of " << k << " x " << n;
          }
      }
  });
}

TEST(Gemm, SpecialValuesSurvive) {
  for_each_variant([](const GemmVariant&) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const float values[] = {0.0f, inf, -inf, nan, 3.0e38f, -1.0f, 1.0039062f, 1.01171875f, 2.0e-38f};
    for (DType dtype : kDTypes) {
      const int64_t n = int64_t(std::size(values));
      const Buffer b = packed(dtype, 1, n, std::vector<float>(values, values + n));
      const float one_f32 = 1;
      const bf16 one_bf16 = bf16_from_f32(1);
      const void* one = dtype == DType::kF32 ? static_cast<const void*>(&one_f32) : &one_bf16;
      float c[std::size(values)];
      bf16 narrow[std::size(values)];
      gemm_serial({dtype, n, 1}, {1, one, 1, b.data(), c, n});
      gemm_serial({dtype, n, 1, DType::kBF16}, {1, one, 1, b.data(), narrow, n});
      for (int64_t j = 0; j < n; ++j) {
        const float want = dtype == DType::kF32 ? values[j] : bf16_round(values[j]);
        if (std::isnan(want)) {
          EXPECT_TRUE(std::isnan(c[j]) && std::isnan(bf16_to_f32(narrow[j])));
        } else {
          EXPECT_EQ(c[j], want);
          EXPECT_EQ(narrow[j].bits, bf16_from_f32(want).bits) << want;
        }
      }
    }
  });
}

// dW by the model: chunks of 512 tokens, each from zero, added in turn.
std::vector<float> wgrad_model(const GemmVariant& variant, DType dtype, int64_t m, int64_t n, int64_t k, const std::vector<float>& dy, int64_t ld_dy,
                               const std::vector<float>& x, int64_t ld_x, std::vector<float> dw) {
  std::vector<float> dy_columns(size_t(m * n)), x_columns(size_t(m * k));
  for (int64_t t = 0; t < m; ++t) {
    for (int64_t i = 0; i < n; ++i) dy_columns[size_t(i * m + t)] = dy[size_t(t * ld_dy + i)];
    for (int64_t j = 0; j < k; ++j) x_columns[size_t(j * m + t)] = x[size_t(t * ld_x + j)];
  }
  for (int64_t t = 0; t < m; t += 512)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < k; ++j)
        dw[size_t(i * k + j)] += model(variant, dtype, dy_columns.data() + i * m + t, x_columns.data() + j * m + t, std::min<int64_t>(512, m - t));
  return dw;
}

TEST(GemmWgrad, EveryBitFollowsTheStatedOrder) {
  for_each_variant([](const GemmVariant& variant) {
    const int64_t shapes[][3] = {{0, 5, 6},   {1, 1, 1},    {1, 70, 65},  {2, 3, 64},    {3, 64, 3},     {5, 7, 130},    {7, 66, 63},
                                 {63, 12, 5}, {65, 128, 64}, {511, 6, 9}, {513, 20, 70}, {1030, 13, 17}, {40, 0, 3},     {40, 3, 0}};
    for (DType dtype : kDTypes)
      for (auto [m, n, k] : shapes) {
        const int64_t ld_dy = n + 3, ld_x = k + 1;
        const std::vector<float> dy = random_values(std::max<int64_t>(0, (m - 1) * ld_dy + n), 9, dtype);
        const std::vector<float> x = random_values(std::max<int64_t>(0, (m - 1) * ld_x + k), 10, dtype);
        Guarded dy_memory(dy.size() * dtype_bytes(dtype)), x_memory(x.size() * dtype_bytes(dtype)), dw(size_t(n * k) * 4);
        put(dy, dtype, dy_memory.as<void>());
        put(x, dtype, x_memory.as<void>());
        const std::vector<float> old = random_values(n * k, 11, DType::kF32);
        put(old, DType::kF32, dw.as<void>());
        const WgradProblem problem{m, dy_memory.as<void>(), ld_dy, x_memory.as<void>(), ld_x, dw.as<float>()};
        gemm_wgrad(dtype, n, k, std::span(&problem, 1));
        const std::vector<float> expected = wgrad_model(variant, dtype, m, n, k, dy, ld_dy, x, ld_x, old);
        for (size_t i = 0; i < expected.size(); ++i)
          ASSERT_EQ(dw.as<float>()[i], expected[i]) << dtype_info(dtype).name << " m " << m << " n " << n << " k " << k << " at " << i;
      }
  });
}

TEST(GemmWgrad, ThreadsAndGroupsDoNotChangeABit) {
  for_each_variant([](const GemmVariant&) {
    for (DType dtype : kDTypes) {
      const int64_t n = 200, k = 330, rows[] = {0, 1, 700, 33, 0, 2600, 6};
      std::vector<std::vector<float>> dy, x;
      std::vector<std::vector<char>> dy_stored, x_stored;
      for (size_t e = 0; e < std::size(rows); ++e) {
        dy.push_back(random_values(rows[e] * n, 20 + e, dtype));
        x.push_back(random_values(rows[e] * k, 40 + e, dtype));
        dy_stored.emplace_back(dy[e].size() * dtype_bytes(dtype));
        x_stored.emplace_back(x[e].size() * dtype_bytes(dtype));
        put(dy[e], dtype, dy_stored[e].data());
        put(x[e], dtype, x_stored[e].data());
      }
      std::vector<float> first;
      for (int threads : {1, 2, 3})
        for (bool grouped : {true, false}) {
          set_thread_count(threads);
          std::vector<float> dw(std::size(rows) * size_t(n * k), 0.5f);
          std::vector<WgradProblem> group;
          for (size_t e = 0; e < std::size(rows); ++e) group.push_back({rows[e], dy_stored[e].data(), n, x_stored[e].data(), k, dw.data() + e * size_t(n * k)});
          if (grouped)
            gemm_wgrad(dtype, n, k, group);
          else
            for (const WgradProblem& p : group) gemm_wgrad(dtype, n, k, std::span(&p, 1));
          if (first.empty()) first = dw;
          EXPECT_EQ(std::memcmp(first.data(), dw.data(), dw.size() * 4), 0) << threads << " threads, grouped " << grouped;
        }
      set_thread_count(1);
    }
  });
}

}  // namespace
}  // namespace minke
