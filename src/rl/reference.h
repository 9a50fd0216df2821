#pragma once
// The reference policy of the KL term: a frozen copy of the policy, replaced by the current one now and then (DeepSeek-R1: every 400
// steps), so that a long run may travel far while each stretch stays near its own anchor.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rl/policy_step.h"

namespace minke {

class Reference {
 public:
  // Copies `policy`, a training model.
  explicit Reference(const Transformer& policy);

  void replace(const Transformer& policy);
  // Sets ref_logp of the samples.
  void score(std::span<PolicySample> samples, double temperature, int64_t rows_per_pass);

  // FOLDER/reference.safetensors, beside a checkpoint's training state: every parameter, F32, with a checksum.
  void save(const std::string& folder) const;
  // Error if it is absent, damaged or of another model.
  void load(const std::string& folder);

 private:
  void refresh();

  std::vector<ParameterSpec> specs_;
  std::vector<int64_t> offsets_;
  std::vector<float> masters_;            // as the policy's flat layout
  std::unique_ptr<Transformer> model_;    // packed for the forward only
};

}  // namespace minke
