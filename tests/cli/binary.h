#pragma once
// The real binary as a child process: what it prints, how it ends, signals at chosen moments. And a folder for a test's files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace minke {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;    // exit code; -1: ended by a signal
  int signal = 0;
  std::string out, err;
};

struct Launch {
  std::map<std::string, std::string> environment;  // added
  std::string input;                               // stdin
  std::optional<rlim_t> file_size;                 // RLIMIT_FSIZE: writes beyond it fail, as on a full disk
  int signal = 0;                                  // sent once when `when` holds; polled every millisecond
  std::function<bool()> when;
  std::string folder = {};                         // to run in; "": the test's own, the repository's root
  std::string binary = MINKE_BINARY;
};

inline std::string read_if_there(const std::string& path) { return file_exists(path) ? read_file(path) : ""; }

// The lines of a file that are JSON: one that is being written may end in half a line.
inline std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> out;
  std::istringstream in(read_if_there(path));
  for (std::string line; std::getline(in, line);)
    if (nlohmann::json j = nlohmann::json::parse(line, nullptr, false); !j.is_discarded()) out.push_back(std::move(j));
  return out;
}

// A temporary folder, and the binary run beside it.
class BinaryTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("minke-cli-" + std::to_string(getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((dir_ / name).parent_path());
    write_file_atomic(at(name), text);
  }

  Outcome minke(const std::vector<std::string>& arguments, const Launch& how = {}) const {
    write("stdin", how.input);
    const pid_t child = fork();
    if (child == 0) {
      const int in = open(at("stdin").c_str(), O_RDONLY), out = open(at("stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644),
                err = open(at("stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      dup2(in, 0), dup2(out, 1), dup2(err, 2);
      if (!how.folder.empty() && chdir(how.folder.c_str()) != 0) _exit(126);
      for (const auto& [name, value] : how.environment) setenv(name.c_str(), value.c_str(), 1);
      if (how.file_size) {
        const rlimit limit{*how.file_size, *how.file_size};
        setrlimit(RLIMIT_FSIZE, &limit);
        ::signal(SIGXFSZ, SIG_IGN);
      }
      std::vector<char*> argv = {const_cast<char*>("minke")};
      for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      execv(how.binary.c_str(), argv.data());
      _exit(127);
    }
    int status = 0;
    bool sent = false;
    while (waitpid(child, &status, how.signal ? WNOHANG : 0) == 0) {
      if (!sent && how.when()) {
        kill(child, how.signal);
        sent = true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Outcome o;
    if (WIFEXITED(status)) o.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) o.signal = WTERMSIG(status);
    o.out = read_file(at("stdout"));
    o.err = read_file(at("stderr"));
    return o;
  }

  fs::path dir_;
};

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "no \"" << from << "\" to replace";
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

}  // namespace minke
