#pragma once
// What an answer cost, and why it ended.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace minke {

class Fields;

// Why an answer ended where it did. Of one sample: own, cap, length; of several: confident, verified, agreed, ceiling.
enum class EffortExit : uint8_t {
  kOwn,        // the model ended its thought and its answer
  kCap,        // </think> was forced at the cap
  kConfident,  // the first answer was sure enough
  kVerified,   // a checker is content
  kAgreed,     // the samples agree
  kCeiling,    // no more samples are allowed, or none is worth its price
  kLength,     // the answer was cut at its limit
  kCancelled,  // by the one who asked
};
inline constexpr int kEffortExits = 8;
const char* effort_exit_name(EffortExit exit);  // "own", "cap", ...

// The JSON object "effort" of generate, chat and eval.
struct EffortSpent {
  std::string asked, applied;         // applied: what took place; a number of tokens where positions were short
  int64_t cap = 0;                    // most tokens of thinking of the sample given
  int64_t thinking = 0;               // its tokens of thinking
  int64_t discarded = 0;              // all tokens of the other samples
  int64_t samples = 0;
  EffortExit exit = EffortExit::kOwn;
};
nlohmann::ordered_json effort_json(const EffortSpent& spent);  // {"asked", "applied", "cap", "thinking", "discarded", "samples", "exit"}
EffortSpent parse_effort_spent(Fields& object);               // Error names the key

}  // namespace minke
