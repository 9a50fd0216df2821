#include "dial/profile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"
#include "dial/effort.h"

namespace minke {

EffortProfile EffortProfile::for_positions(int64_t positions) {
  // Half of what an answer's smallest reserve leaves: the other half is for questions and earlier turns.
  EffortProfile p;
  p.full_budget = std::clamp<int64_t>((positions - answer_reserve(0)) / 2 / 16 * 16, 16, 32768);
  return p;
}

EffortProfile EffortProfile::load(const std::string& folder, int64_t positions) {
  const std::string path = folder + "/" + kEffortFile;
  return file_exists(path) ? from_json(read_file(path), path, positions) : for_positions(positions);
}

EffortProfile EffortProfile::from_json(std::string_view text, const std::string& path, int64_t positions) {
  const nlohmann::ordered_json j = parse_json(text, path);
  if (!j.is_object()) fail("{}: expected an object", path);
  Fields f(j, path + ": ");
  EffortProfile p = for_positions(positions);
  p.full_budget = f.integer("full_budget", 1, int64_t(1) << 24, p.full_budget);
  p.tag = f.boolean("tag", false);
  p.confident = f.number("confident", 0, 1, 0);
  p.quorum = f.number("quorum", 0, 1, 0);
  if (std::optional<Fields> a = f.object("auto")) p.automatic = parse_auto(*a);
  f.reject_unknown();
  return p;
}

EffortProfile EffortProfile::uncalibrated() const {
  EffortProfile p;
  p.full_budget = full_budget;
  p.tag = tag;
  return p;
}

std::string EffortProfile::json() const {
  nlohmann::ordered_json j = {{"full_budget", full_budget}, {"tag", tag}};
  if (confident > 0) j["confident"] = confident;
  if (quorum > 0) j["quorum"] = quorum;
  if (automatic) j["auto"] = auto_json(*automatic);
  return j.dump(2) + "\n";
}

}  // namespace minke
