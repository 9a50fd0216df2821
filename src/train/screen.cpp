#include "train/screen.h"

#include <unistd.h>

#include <cstdio>

namespace minke {

std::string human(double n) {
  if (n >= 1e9) return fmt::format("{:.2f}B", n / 1e9);
  if (n >= 1e6) return fmt::format("{:.1f}M", n / 1e6);
  if (n >= 1e4) return fmt::format("{:.1f}k", n / 1e3);
  return fmt::format("{:.0f}", n);
}

std::string clock_time(double seconds) { return fmt::format("{}:{:02}", int(seconds) / 60, int(seconds) % 60); }

std::string describe(const HeldOut& h) {
  std::string text;
  if (h.prose) text += fmt::format("{:.3f} bits per byte on held-out prose", *h.prose);
  if (h.problems) text += fmt::format("{}{:.3f} on held-out problems", text.empty() ? "" : ", ", *h.problems);
  if (h.answers) text += fmt::format("{:.3f} nats per token on held-out answers", *h.answers);
  return text.empty() ? "nothing held out was measured" : text;
}

void Screen::message(const std::string& text) {
  if (line_open_) std::fprintf(stderr, "\r\033[K");
  line_open_ = false;
  std::fprintf(json_ ? stderr : stdout, "%s\n", text.c_str());
  std::fflush(stdout);
}

void Screen::step(const StepLine& l, const HeldOut* measured) {
  if (measured) last_held_out_ = *measured;
  double worst = 0;
  for (const double v : l.report.max_vio) worst = std::max(worst, v);
  std::string held_out;
  if (last_held_out_.prose) held_out += fmt::format(" prose {:.3f}", *last_held_out_.prose);
  if (last_held_out_.problems) held_out += fmt::format(" problems {:.3f}", *last_held_out_.problems);
  if (!held_out.empty()) held_out = "  bits/byte" + held_out;
  if (last_held_out_.answers) held_out = fmt::format("  held out {:.3f}", *last_held_out_.answers);
  const std::string text =
      fmt::format("step {}/{}  loss {:.3f}{}  {} tok/s {:.0f}% of peak  busiest expert {:.1f}x  {} left", l.step, l.last_step, l.report.losses.main,
                  held_out, human(l.tok_s), 100 * l.peak_share, 1 + worst, clock_time(l.seconds_left));
  progress(l.step, text, measured != nullptr);
}

void Screen::progress(int64_t step, const std::string& text, bool keep) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO);
  constexpr int64_t kFirst = 3, kEvery = 50;  // steps shown where lines cannot be rewritten
  constexpr auto kRefresh = std::chrono::milliseconds(200);
  if (!keep && (terminal ? Clock::now() - shown_at_ < kRefresh : step > kFirst && step % kEvery != 0)) return;
  shown_at_ = Clock::now();
  std::fprintf(stderr, terminal ? "\r\033[K%s%s" : "%s%s", text.c_str(), terminal && !keep ? "" : "\n");
  line_open_ = terminal && !keep;
}

}  // namespace minke
