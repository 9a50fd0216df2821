#pragma once
// A subcommand run in this process, with a folder of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/commands.h"

namespace minke {

namespace fs = std::filesystem;

class InProcess : public ::testing::Test {
 protected:
  InProcess(std::string command, const std::vector<std::string>& folders)
      : command_(std::move(command)), dir_(fs::temp_directory_path() / ("minke-" + command_ + "-" + std::to_string(getpid()))) {
    fs::remove_all(dir_);
    for (const std::string& folder : folders) fs::create_directories(dir_ / folder);
  }
  ~InProcess() override { fs::remove_all(dir_); }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  int run(std::vector<std::string> args) {
    args.insert(args.begin(), {"minke", command_});
    std::vector<char*> argv;
    for (std::string& a : args) argv.push_back(a.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_cli(int(argv.size()), argv.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string command_;
  fs::path dir_;
  std::string out_, err_;
};

}  // namespace minke
