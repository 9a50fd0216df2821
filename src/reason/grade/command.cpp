#include "reason/grade/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"

extern char** environ;

namespace minke {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxLine = 1 << 20;   // an answer's line
constexpr size_t kKeptStderr = 2000;   // its end, for messages

// write() to a pipe whose reader is gone, without a deadly SIGPIPE and without touching the process's handlers: blocked in this
// thread, and taken from the queue if it came.
ssize_t write_quietly(int fd, const char* data, size_t bytes) {
  sigset_t pipe_only, before, pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t n = write(fd, data, bytes);
  const int error = errno;
  if (n < 0 && error == EPIPE && !was_pending) {
    const timespec now{0, 0};
    while (sigtimedwait(&pipe_only, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

std::string excerpt(std::string_view text) {
  constexpr size_t kMax = 200;
  std::string out;
  for (const char c : text.substr(0, kMax)) out += c == '\n' ? ' ' : c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return text.size() > kMax ? out + "..." : out;
}

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0) fail("grader command: cannot make a pipe: {}", std::strerror(errno));
    read_end = fd[0], write_end = fd[1];
  }
  ~Pipe() { close_read(), close_write(); }
  void close_read() {
    if (read_end >= 0) close(read_end);
    read_end = -1;
  }
  void close_write() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
};

}  // namespace

class CommandGrader::Process {
 public:
  Process(std::string command, double timeout_s) : command_(std::move(command)), timeout_s_(timeout_s) {
    if (command_.empty()) usage_fail("grader command: empty");
    if (!(timeout_s > 0)) usage_fail("grader command: the time limit must be above 0 seconds, found {}", timeout_s);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_.read_end, 0);
    posix_spawn_file_actions_adddup2(&actions, out_.write_end, 1);
    posix_spawn_file_actions_adddup2(&actions, err_.write_end, 2);
    posix_spawnattr_t attributes;  // a group of its own, so that its children die with it; and the signals as a new program expects them
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int s : {SIGPIPE, SIGINT, SIGTERM, SIGXFSZ}) sigaddset(&defaults, s);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char shell[] = "sh", c[] = "-c";
    char* argv[] = {shell, c, command_.data(), nullptr};
    const int error = posix_spawn(&child_, "/bin/sh", &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) fail("grader command `{}`: cannot start: {}", command_, std::strerror(error));
    in_.close_read();
    out_.close_write();
    err_.close_write();
    for (const int fd : {in_.write_end, out_.read_end, err_.read_end}) fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  ~Process() {
    if (child_ <= 0) return;
    in_.close_write();
    for (int i = 0; i < 50 && child_ > 0; ++i) {  // half a second to end by itself
      if (waitpid(child_, nullptr, WNOHANG) == child_) child_ = -1;
      else poll(nullptr, 0, 10);
    }
    end();
  }

  double reward(const GradeRequest& r) {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty()) throw Error(broken_);
    try {
      return ask(r);
    } catch (const Error& e) {
      broken_ = e.what();
      end();
      throw;
    }
  }

 private:
  double ask(const GradeRequest& r) {
    const auto replace = nlohmann::json::error_handler_t::replace;  // a sampled text need not be UTF-8
    const nlohmann::ordered_json question = {{"prompt", r.prompt}, {"gold", r.gold}, {"answer", r.answer}, {"completion", r.completion}};
    const std::string line = exchange(question.dump(-1, ' ', false, replace) + "\n");
    const nlohmann::json reply = nlohmann::json::parse(line, nullptr, false);
    if (!reply.is_object()) broken(fmt::format("its line is not a JSON object: {}", excerpt(line)));
    if (const auto reward = reply.find("reward"); reward != reply.end()) {
      const double value = reward->is_number() ? reward->get<double>() : NAN;
      if (!(value >= 0 && value <= 1)) broken(fmt::format("expected a \"reward\" in 0..1, found: {}", excerpt(line)));
      return value;
    }
    if (const auto equal = reply.find("equal"); equal != reply.end() && equal->is_boolean()) return equal->get<bool>() ? 1 : 0;
    broken(fmt::format("expected {{\"reward\": 0..1}} or {{\"equal\": true|false}}, found: {}", excerpt(line)));
  }

  // Writes the question and reads until a line is whole, both by poll(): a command that answers before it has read everything, or
  // that writes much to stderr, cannot block us.
  std::string exchange(const std::string& question) {
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout_s_));
    size_t sent = 0;
    read_some(out_.read_end, received_);
    if (!received_.empty()) broken(fmt::format("it wrote before it was asked: {}", excerpt(received_)));
    while (true) {
      const size_t end_of_line = received_.find('\n');
      if (end_of_line != received_.npos && sent == question.size()) {
        std::string line = received_.substr(0, end_of_line);
        received_.erase(0, end_of_line + 1);
        if (!received_.empty()) broken(fmt::format("more than one line for one question: {}", excerpt(line + " " + received_)));
        return line;
      }
      if (received_.size() > kMaxLine) broken(fmt::format("a line longer than {} bytes: {}", kMaxLine, excerpt(received_)));
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left < 0) broken(fmt::format("no answer within {} s{}", timeout_s_, received_.empty() ? "" : "; it printed: " + excerpt(received_)));
      pollfd watched[3] = {{out_.read_end, POLLIN, 0}, {err_.read_end, POLLIN, 0}, {sent < question.size() ? in_.write_end : -1, POLLOUT, 0}};
      if (poll(watched, 3, int(std::min<int64_t>(left + 1, 60'000))) < 0 && errno != EINTR) broken(std::string("poll: ") + std::strerror(errno));
      if (watched[1].revents) drain_stderr();
      if (watched[2].revents) {
        const ssize_t n = write_quietly(in_.write_end, question.data() + sent, question.size() - sent);
        if (n > 0) sent += size_t(n);
        else if (n < 0 && errno == EPIPE && !(watched[0].revents & POLLIN)) ended();
        else if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE) broken(std::string("cannot write to it: ") + std::strerror(errno));
      }
      if (watched[0].revents && !read_some(out_.read_end, received_)) ended();
    }
  }

  // False at the end of the stream.
  static bool read_some(int fd, std::string& into) {
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n > 0) into.append(buffer, size_t(n));
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void drain_stderr() {
    if (err_.read_end < 0) return;
    if (!read_some(err_.read_end, stderr_)) err_.close_read();  // poll() ignores -1
    if (stderr_.size() > kKeptStderr) stderr_.erase(0, stderr_.size() - kKeptStderr);
  }

  [[noreturn]] void ended() {
    std::string how = "it closed its input or output before it answered";
    int status = 0;
    for (int i = 0; i < 20 && child_ > 0; ++i) {
      if (waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        how = WIFEXITED(status) ? fmt::format("it ended with exit code {} before it answered", WEXITSTATUS(status))
                                : fmt::format("it was ended by signal {} before it answered", WTERMSIG(status));
      } else {
        poll(nullptr, 0, 5);
      }
    }
    if (!received_.empty()) how += "; it printed: " + excerpt(received_);
    broken(how);
  }

  [[noreturn]] void broken(const std::string& what) {
    for (int i = 0; i < 16 && err_.read_end >= 0; ++i) {
      const size_t before = stderr_.size();
      drain_stderr();
      if (stderr_.size() == before) break;
    }
    fail("grader command `{}`: {}{}", command_, what, stderr_.empty() ? "" : "; stderr: " + excerpt(stderr_));
  }

  // The command and whatever it started.
  void end() {
    if (child_ > 0) {
      kill(-child_, SIGKILL);
      while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    child_ = -1;
  }

  std::string command_;
  const double timeout_s_;
  Pipe in_, out_, err_;
  pid_t child_ = -1;
  std::mutex mutex_;
  std::string received_, stderr_, broken_;
};

CommandGrader::CommandGrader(std::string command, double timeout_s) : process_(std::make_unique<Process>(std::move(command), timeout_s)) {}
CommandGrader::~CommandGrader() = default;
double CommandGrader::reward(const GradeRequest& request) { return process_->reward(request); }

}  // namespace minke
