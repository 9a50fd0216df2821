#pragma once
// One spelling for what LaTeX and Unicode spell in many ways: delimiters, sizes and small spaces go, dfrac is frac, a times sign is *,
// text wrappers have one name, outer braces and the final full stop go. Nothing here changes a value; cleaning twice is cleaning once.
#include <string>
#include <string_view>

namespace minke::grading {

std::string clean(std::string_view answer);

}  // namespace minke::grading
