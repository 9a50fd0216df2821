#pragma once
// Word problems worked out a second time: a phrase tells the wording, the numbers are taken as they stand in the text.
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace minke::check {

using Numbers = std::vector<int64_t>;

struct Wording {
  const char* phrase;  // in no other wording
  int64_t (*answer)(const Numbers&);
};

inline constexpr Wording kWordings[] = {
    {"more from", [](const Numbers& n) { return n[0] + n[1]; }},
    {"in both boxes", [](const Numbers& n) { return n[0] + n[1]; }},
    {"gave", [](const Numbers& n) { return n[0] - n[1]; }},
    {"remain in the evening", [](const Numbers& n) { return n[0] - n[1]; }},
    {"bags with", [](const Numbers& n) { return n[0] * n[1]; }},
    {"children brings", [](const Numbers& n) { return n[0] * n[1]; }},
    {"equally among", [](const Numbers& n) { return n[0] / n[1]; }},
    {"years younger", [](const Numbers& n) { return n[0] - n[1]; }},
    {"further", [](const Numbers& n) { return n[0] + n[1]; }},
    {"owns only", [](const Numbers& n) { return n[0] - n[1]; }},
    {"already had", [](const Numbers& n) { return n[0] * n[1] + n[2]; }},
    {"and lost", [](const Numbers& n) { return n[0] + n[1] - n[2]; }},
    {"A baker", [](const Numbers& n) { return n[0] * n[1] - n[2]; }},
    {"share them equally", [](const Numbers& n) { return (n[0] + n[1]) / 2; }},
    {"A ticket costs", [](const Numbers& n) { return n[2] * (n[0] + n[1]); }},
    {"do both have together", [](const Numbers& n) { return n[0] + n[1] * n[0]; }},
    {"A bus starts", [](const Numbers& n) { return n[0] - n[1] - n[2]; }},
    {"out of a jar", [](const Numbers& n) { return (n[1] - n[0]) / n[2]; }},
    {"chairs at the side", [](const Numbers& n) { return n[0] * n[1] + n[2]; }},
    {"in a crate", [](const Numbers& n) { return n[0] - n[1] - n[2]; }},
    {"coins does", [](const Numbers& n) { return n[0] * n[1] + n[2] * n[3]; }},
    {"and a bag for", [](const Numbers& n) { return n[0] - n[1] * n[2] - n[3]; }},
    {"A storm fells", [](const Numbers& n) { return n[0] * n[1] * n[2] - n[3]; }},
    {"on Monday", [](const Numbers& n) { return (n[2] - n[0] - n[1]) / n[3]; }},
    {"times as many as", [](const Numbers& n) { return (n[0] + n[1]) * n[2] - n[0]; }},
    {"on Friday", [](const Numbers& n) { return n[0] * (n[1] + n[2]) - n[3]; }},
    {"Two classes", [](const Numbers& n) { return (n[0] + n[1] + n[2]) / n[3]; }},
    {"remain of the sale", [](const Numbers& n) { return n[0] * n[1] - n[2] * n[3]; }},
    {"For a party", [](const Numbers& n) { return n[0] * n[1] + n[2] * n[3]; }},
    {"for the tram", [](const Numbers& n) { return n[0] - n[1] * n[2] - n[3]; }},
    {"come back", [](const Numbers& n) { return n[4] - n[0] * n[1] - n[2] * n[3]; }},
    {"are ill", [](const Numbers& n) { return n[0] * n[1] + n[2] * n[3] - n[4]; }},
    {"coins a week", [](const Numbers& n) { return (n[0] * n[1] + n[2] - n[3]) / n[4]; }},
    {"trips every seat", [](const Numbers& n) { return (n[0] * n[1] + n[2] * n[3]) * n[4]; }},
    {"fewer than", [](const Numbers& n) { return 3 * n[0] + 2 * n[1] - n[2]; }},
    {"loose ones", [](const Numbers& n) { return (n[0] * n[1] + n[2] - n[3]) / n[4]; }},
    {"A tank holds", [](const Numbers& n) { return n[0] + n[1] * (n[2] - n[3]) - n[4]; }},
    {"cartons of", [](const Numbers& n) { return (n[0] * n[1] + n[2] * n[3]) / n[4]; }},
    {"The cinema", [](const Numbers& n) { return n[0] * n[1] + n[2] * n[3] - n[4]; }},
    {"the change", [](const Numbers& n) { return n[0] - n[1] * n[2] - n[3] * n[4]; }},
};

// The wording's place in the list; -1 where none fits, -2 where several do.
inline int wording_of(const std::string& prompt) {
  int found = -1;
  for (int i = 0; i < int(std::size(kWordings)); ++i) {
    if (prompt.find(kWordings[i].phrase) == std::string::npos) continue;
    if (found >= 0) return -2;
    found = i;
  }
  return found;
}

}  // namespace minke::check
