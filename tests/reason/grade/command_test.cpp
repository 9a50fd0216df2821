// A user's own grader: the line protocol, and every way in which a command can fail.
#include "reason/grade/command.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/file.h"

namespace minke {
namespace {

const GradeRequest kRequest{"1 + 1 = ?", "2", "2", "<think>\n</think>\\boxed{2}"};

// Answers `reply` to each line.
std::string replies(const std::string& reply) { return "while read line; do echo '" + reply + "'; done"; }

std::string error_of(const std::string& command, double timeout_s = 5) {
  CommandGrader grader(command, timeout_s);
  std::string first;
  try {
    grader.reward(kRequest);
  } catch (const Error& e) {
    first = e.what();
  }
  // It stays broken: no second question can turn into a reward.
  if (!first.empty()) {
    EXPECT_THROW(grader.reward(kRequest), Error);
  }
  return first;
}

TEST(CommandGrader, Replies) {
  EXPECT_EQ(CommandGrader(replies(R"({"reward": 0.25})")).reward(kRequest), 0.25);
  EXPECT_EQ(CommandGrader(replies(R"({"reward": 1, "note": "x"})")).reward(kRequest), 1);
  EXPECT_EQ(CommandGrader(replies(R"({"equal": true})")).reward(kRequest), 1);
  EXPECT_EQ(CommandGrader(replies(R"({"equal": false})")).reward(kRequest), 0);
}

TEST(CommandGrader, StartedOnceAndAsksInOrder) {
  // The reward counts the lines that one process has read; it says 1 only if the question came with all its fields.
  CommandGrader grader(R"(n=0; while read -r line; do n=$((n+1)); case "$line" in *'"prompt":"p\"\n'$n'"'*'"gold":'*'"answer":'*'"completion":'*) echo '{"equal": true}';; *) echo '{"equal": false}';; esac; done)");
  for (int n = 1; n <= 50; ++n) EXPECT_EQ(grader.reward({"p\"\n" + std::to_string(n), "g", "a", "c"}), 1) << n;
}

TEST(CommandGrader, LongCompletionsAndInvalidUtf8) {
  CommandGrader grader(R"(while read -r line; do if [ ${#line} -gt 300000 ]; then echo '{"reward": 1}'; else echo '{"reward": 0}'; fi; done)", 60);
  EXPECT_EQ(grader.reward({"p", "g", "a", std::string(300'000, 'x') + "\xff\xfe"}), 1);
}

TEST(CommandGrader, ManyThreads) {
  CommandGrader grader(replies(R"({"reward": 0.5})"));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) good += grader.reward(kRequest) == 0.5;
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(good, 100);
}

TEST(CommandGrader, FailuresNameTheCommandAndWhatItPrinted) {
  const struct {
    std::string command;
    const char* says;
  } rows[] = {
      {"exit 3", "exit code 3"},
      {"echo broken >&2; exit 1", "stderr: broken"},
      {"read line; echo traceback >&2; exit 1", "stderr: traceback"},
      {"read line; printf 'half'; exit 0", "it printed: half"},
      {"read line; kill -9 $$", "signal 9"},
      {"no-such-grader-command", "exit code 127"},
      {replies("ok"), "not a JSON object: ok"},
      {replies("1"), "not a JSON object: 1"},
      {replies(""), "not a JSON object"},
      {replies(R"({"reward": 2})"), R"(expected a "reward" in 0..1, found: {"reward": 2})"},
      {replies(R"({"reward": -0.1})"), "expected a \"reward\""},
      {replies(R"({"reward": "1"})"), "expected a \"reward\""},
      {replies(R"({"reward": null})"), "expected a \"reward\""},
      {replies(R"({"equal": 1})"), "expected {\"reward\": 0..1}"},
      {replies(R"({"score": 1})"), "expected {\"reward\": 0..1}"},
      {"echo hello; " + replies(R"({"reward": 1})"), "hello"},
      {"read line; printf '{\"reward\": 1}\\n{\"reward\": 1}\\n'; sleep 60", "more than one line"},
      {"exec >&-; sleep 60", "closed its input or output"},
      {"sleep 60", "no answer within 1 s"},
      {"read line; yes | tr -d '\\n' | head -c 3000000; sleep 60", "longer than"},
  };
  for (const auto& row : rows) {
    const std::string error = error_of(row.command, 1);
    EXPECT_NE(error.find(row.says), std::string::npos) << row.command << "\n  says: " << error;
    EXPECT_EQ(error.rfind("grader command `" + row.command + "`", 0), 0u) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  EXPECT_THROW(CommandGrader(""), UsageError);
  EXPECT_THROW(CommandGrader("cat", 0), UsageError);
}

TEST(CommandGrader, TimeoutKillsTheWholeGroup) {
  const std::string file = (std::filesystem::temp_directory_path() / ("minke-grader-" + std::to_string(getpid()))).string();
  const auto start = std::chrono::steady_clock::now();
  const std::string error = error_of("sleep 300 & echo $! > " + file + "; read line; sleep 300", 0.5);
  EXPECT_NE(error.find("no answer within 0.5 s"), std::string::npos) << error;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  const pid_t grandchild = std::stoi(read_file(file));
  std::filesystem::remove(file);
  bool gone = false;
  for (int n = 0; n < 200 && !gone; ++n) {
    gone = kill(grandchild, 0) != 0;
    if (!gone) {  // killed, and waiting for its new parent
      const std::string stat = "/proc/" + std::to_string(grandchild) + "/stat";
      gone = !file_exists(stat) || read_file(stat).find(") Z ") != std::string::npos;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

// No child is left unwaited for, and a dead reader's SIGPIPE reaches nobody, whatever the process has set for it.
TEST(CommandGrader, NoZombieNoSigpipe) {
  ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);
  for (int n = 0; n < 5; ++n) {
    CommandGrader grader("exec <&-; exit 0");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_THROW(grader.reward({"p", "g", "a", std::string(500'000, 'x')}), Error);
  }
  { CommandGrader unused(replies(R"({"reward": 1})")); }
  { CommandGrader stubborn("trap '' TERM; while true; do sleep 1; done"); }
  int status = 0;
  EXPECT_EQ(waitpid(-1, &status, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace minke
