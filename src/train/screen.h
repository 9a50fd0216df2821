#pragma once
// What a run shows: messages, and one line of progress that on a terminal is rewritten in place.
#include <chrono>
#include <string>

#include "base/error.h"
#include "train/metrics.h"

namespace minke {

std::string human(double n);               // 20500 -> "20.5k"
std::string clock_time(double seconds);    // 75 -> "1:15"
std::string describe(const HeldOut& h);    // "2.1 bits per byte on held-out prose, ..." or "0.9 nats per token on held-out answers"

struct StepLine {
  int64_t step, last_step;
  const StepReport& report;
  double tok_s, peak_share, seconds_left;
};

class Screen {
 public:
  // Messages go to stderr when stdout is for a machine.
  explicit Screen(bool json) : json_(json) {}
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    message(fmt::format(format, std::forward<Args>(args)...));
  }
  // `held_out` when it was measured at this step; it is then shown until the next one.
  void step(const StepLine& line, const HeldOut* held_out);
  // The same line with another kind of run's text. `keep` leaves it on the screen.
  void progress(int64_t step, const std::string& text, bool keep = false);

 private:
  void message(const std::string& text);
  bool json_;
  bool line_open_ = false;
  HeldOut last_held_out_;
  std::chrono::steady_clock::time_point shown_at_;
};

}  // namespace minke
