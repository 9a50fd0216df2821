#pragma once
// Errors at the border: what went wrong, where, what was expected, and a hint. Caught in the CLI's main.
#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace minke {

// Bad input from outside (files, config, arguments, the machine). Printed as one line; exit code 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// A wrong command line; exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// fail("{}: header is {} bytes, expected at least 8; is the file truncated?", path, n)
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[noreturn]] void usage_fail(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& values);

}  // namespace minke

// Our own mistakes, checked in the middle of the house. The comparing forms print both values.
#define MINKE_CHECK(condition)                                             \
  do {                                                                     \
    if (!(condition)) ::minke::check_failed(__FILE__, __LINE__, #condition, ""); \
  } while (0)
#define MINKE_CHECK_OP_(a, op, b)                                                                                  \
  do {                                                                                                             \
    const auto check_a_ = (a);                                                                                     \
    const auto check_b_ = (b);                                                                                     \
    if (!(check_a_ op check_b_))                                                                                   \
      ::minke::check_failed(__FILE__, __LINE__, #a " " #op " " #b, fmt::format("{} against {}", check_a_, check_b_)); \
  } while (0)
#define MINKE_CHECK_EQ(a, b) MINKE_CHECK_OP_(a, ==, b)
#define MINKE_CHECK_LE(a, b) MINKE_CHECK_OP_(a, <=, b)
#define MINKE_CHECK_LT(a, b) MINKE_CHECK_OP_(a, <, b)
#define MINKE_CHECK_GE(a, b) MINKE_CHECK_OP_(a, >=, b)
