#include "train/metrics.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no NaN: a value that is not finite is null.
Json number(double x) { return std::isfinite(x) ? Json(x) : Json(); }

}  // namespace

Metrics::Metrics(const std::string& path, int64_t step) : path_(path) {
  std::string kept;
  if (step > 0 && file_exists(path)) {
    std::istringstream lines(read_file(path));
    for (std::string line; std::getline(lines, line);) {
      const Json j = Json::parse(line, nullptr, false);
      if (j.is_discarded() || !j.contains("step") || j["step"].get<int64_t>() > step) break;
      kept += line + "\n";
    }
  }
  write_file_atomic(path, kept);
  file_ = std::fopen(path.c_str(), "a");
  if (!file_) fail("{}: cannot open for appending: {}", path, std::strerror(errno));
}

Metrics::~Metrics() { std::fclose(file_); }

void Metrics::write(const MetricsLine& l) {
  Json mtp = Json::array(), vio = Json::array();
  for (const double x : l.report.losses.mtp) mtp.push_back(number(x));
  for (const double x : l.report.max_vio) vio.push_back(number(x));
  Json j = {{"step", l.progress.step}, {"tokens", l.progress.tokens}, {"loss", number(l.report.losses.main)}, {"mtp_loss", mtp}};
  if (l.examples > 0) {
    j["examples"] = l.examples;
    j["answer_tokens"] = l.answer_tokens;
    if (l.held_out && l.held_out->answers) j["sft_loss"] = number(*l.held_out->answers);
  } else if (l.held_out) {
    j["bpb"] = Json::object();
    if (l.held_out->prose) j["bpb"]["prose"] = number(*l.held_out->prose);
    if (l.held_out->problems) j["bpb"]["problems"] = number(*l.held_out->problems);
  }
  j["balance_loss"] = number(l.report.losses.balance);
  j["lr"] = l.report.values.lr;
  j["gamma"] = l.report.values.gamma;
  j["grad_norm"] = number(l.report.grad_norm);
  j["max_vio"] = vio;
  j["tok_s"] = l.tok_s;
  j["peak_share"] = l.peak_share;
  j["rss_bytes"] = l.rss_bytes;
  j["skipped"] = l.progress.skipped;
  j["seconds"] = l.seconds;
  j["threads"] = thread_count();
  if (l.prediction) {
    j["predicted_seconds"] = l.prediction->seconds;
    j["predicted_peak_bytes"] = l.prediction->peak_bytes;
    j["peak_bytes"] = l.peak_bytes;
  }
  write_line(j.dump());
}

void Metrics::write_line(const std::string& json) {
  const std::string line = json + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0)
    fail("{}: cannot write: {}", path_, std::strerror(errno));
}

}  // namespace minke
