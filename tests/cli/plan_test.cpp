// minke plan memory: the names that scripts read.
#include <nlohmann/json.hpp>

#include "cli/binary.h"

namespace minke {
namespace {

using Plan = BinaryTest;

TEST_F(Plan, MemoryByKind) {
  const Outcome o = minke({"plan", "memory", "configs/tiny.toml", "--json"});
  ASSERT_EQ(o.code, 0) << o.err;
  const auto j = nlohmann::json::parse(o.out);
  int64_t sum = 0;
  for (const auto& [kind, bytes] : j["by_kind"].items()) sum += bytes.get<int64_t>();
  EXPECT_EQ(sum, j["peak_bytes"].get<int64_t>());
  for (const char* kind : {"masters", "gradients", "moments", "packed_weights", "activations", "workspace", "evaluation", "loader"})
    EXPECT_GT(j["by_kind"][kind].get<int64_t>(), 0) << kind;
  const Outcome text = minke({"plan", "memory", "configs/tiny.toml"});
  EXPECT_NE(text.out.find("activations"), std::string::npos) << text.out;
  EXPECT_NE(minke({"plan", "memory", at("none.toml")}).err.find("none.toml"), std::string::npos);
}

}  // namespace
}  // namespace minke
