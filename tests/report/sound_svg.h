#pragma once
// What every picture must be: XML that a browser reads, everything on the canvas.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

namespace minke {

inline size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// What any XML reader asks: every tag is closed by its own name, attributes are quoted, one root; and of every number
// that places something: it is finite, and lies on the canvas.
inline void expect_sound(const std::string& svg) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z]+)((?: [a-zA-Z0-9:-]+=\"[^\"<]*\")*)(/?)>");
  size_t at = 0;
  for (std::sregex_iterator it(svg.begin(), svg.end(), tag), end; it != end; ++it) {
    const std::string between = svg.substr(at, size_t(it->position()) - at);
    ASSERT_EQ(between.find_first_of('<'), std::string::npos) << "not a tag: " << between;
    ASSERT_TRUE(!open.empty() || between.find_first_not_of("\n") == std::string::npos)
        << "text outside the root: " << between;
    at = size_t(it->position() + it->length());
    if ((*it)[1].length()) {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), (*it)[2]);
      open.pop_back();
    } else if (!(*it)[4].length()) {
      open.push_back((*it)[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(svg.substr(at), "\n");

  std::smatch size;
  ASSERT_TRUE(std::regex_search(svg, size, std::regex("viewBox=\"0 0 ([0-9]+) ([0-9]+)\"")));
  const double width = std::stod(size[1]), height = std::stod(size[2]);
  const std::regex place(" (x|y|x1|y1|x2|y2|cx|cy|r|d)=\"([^\"]*)\"");
  for (std::sregex_iterator it(svg.begin(), svg.end(), place), end; it != end; ++it) {
    const std::string values = (*it)[2];
    ASSERT_TRUE(std::regex_match(values, std::regex("[MLZ0-9. ]+"))) << values.substr(0, 80);
    const std::regex number("[0-9]+(\\.[0-9]+)?");
    for (std::sregex_iterator n(values.begin(), values.end(), number); n != end; ++n) {
      EXPECT_LE(std::stod(n->str()), (*it)[1] == "x" || (*it)[1] == "cx" ? width : std::max(width, height));
    }
  }
}

}  // namespace minke
