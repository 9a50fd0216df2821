// minke chat at a terminal: a pseudo-terminal plays the user.
#include <poll.h>
#include <pty.h>

#include "cli/sft_run.h"

namespace minke {
namespace {

// The binary with a terminal of its own, 40 columns wide.
class Terminal {
 public:
  explicit Terminal(const std::vector<std::string>& arguments) {
    winsize size{24, 40, 0, 0};
    child_ = forkpty(&master_, nullptr, nullptr, &size);
    if (child_ == 0) {
      setenv("TERM", "xterm", 1);
      std::vector<char*> argv = {const_cast<char*>("minke")};
      for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      execv(MINKE_BINARY, argv.data());
      _exit(127);
    }
  }
  ~Terminal() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    close(master_);
  }

  void type(const std::string& keys) const { EXPECT_EQ(write(master_, keys.data(), keys.size()), ssize_t(keys.size())); }

  // What the screen got, up to and with `text`; all there was if it never came.
  std::string until(const std::string& text) {
    for (;;) {
      if (const size_t at = seen_.find(text); at != std::string::npos) {
        const std::string out = seen_.substr(0, at + text.size());
        seen_.erase(0, at + text.size());
        return out;
      }
      pollfd in{master_, POLLIN, 0};
      char bytes[4096];
      const ssize_t n = poll(&in, 1, 20000) > 0 ? read(master_, bytes, sizeof bytes) : 0;
      if (n <= 0) {
        ADD_FAILURE() << "no \"" << text << "\" in:\n" << seen_;
        return std::exchange(seen_, "");
      }
      seen_.append(bytes, size_t(n));
    }
  }

  int exit_code() {
    int status = 0, tenths = 0;
    while (waitpid(child_, &status, WNOHANG) == 0)
      if (usleep(100'000); ++tenths == 200) {
        ADD_FAILURE() << "it goes on after 20 seconds";
        kill(child_, SIGKILL);
        waitpid(child_, &status, 0);
        break;
      }
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  bool editing() const {  // keys reach the program one by one
    termios t{};
    tcgetattr(master_, &t);
    return !(t.c_lflag & ICANON);
  }

 private:
  int master_ = -1;
  pid_t child_ = 0;
  std::string seen_;
};

constexpr const char* kPrompt = "\033[?2004h";  // pastes are marked from now on: a line is read
bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(SftTest, TerminalAnswersAndObeys) {
  ASSERT_EQ(sft("out").code, 0);
  Terminal t({"chat", at("out"), "-t", "0"});
  EXPECT_TRUE(holds(t.until(kPrompt), "/help lists the commands"));
  EXPECT_TRUE(t.editing());

  // Typed with a slip: the cursor goes back and mends it.
  std::string slip = question(2);
  slip.erase(slip.size() - 2, 1);
  t.type(slip + "\033[D2\r");
  std::string shown = t.until(kPrompt);
  EXPECT_TRUE(holds(shown, "\033[2m" + replaced(thought(2), "\n", "\r\n") + "\033[0m" + answer(2) + "\r\n")) << shown;  // the thought dim
  EXPECT_TRUE(holds(shown, "thinking ")) << shown;
  EXPECT_TRUE(holds(shown, " s, $0.0")) << shown;

  t.type("/effort nonsense\r");
  EXPECT_TRUE(holds(t.until(kPrompt), "expected"));
  t.type("/effort off\r");
  EXPECT_TRUE(holds(t.until(kPrompt), "effort off: no thinking"));
  t.type("/clear\r");
  t.until("forgotten");
  t.type("\033[A\033[A\033[A\033[A\r");  // the question, three commands ago
  shown = t.until("answer ");
  EXPECT_TRUE(holds(shown, "\033[?2004l" + answer(2) + "\r\n")) << shown;
  EXPECT_FALSE(holds(shown, "box 2 holds")) << shown;
  t.until(kPrompt);
  t.type("/regen\r");
  EXPECT_TRUE(holds(t.until("tokens, "), answer(2)));
  t.type("/stats\r");
  EXPECT_TRUE(holds(t.until("not given"), "3 answers in"));
  t.type("/nothing\r");
  t.until("no such command: /nothing");
  t.type("/help\r");
  t.until("/bye ");
  t.type("/bye\r");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST_F(SftTest, TerminalTakesManyLines) {
  Terminal t({"chat", at("base"), "-t", "0", "--no-think", "-n", "4"});
  t.until(kPrompt);
  // An error shows the question as the session got it: too long for the model's 256 positions.
  const auto count = [&] {
    const std::string shown = t.until("/clear makes room");
    t.until(kPrompt);
    return holds(shown, "the prompt leaves 0 of the model's positions");
  };
  std::string many;
  for (int i = 0; i < 200; ++i) many += "word ";
  t.type("\"\"\"" + many + "\rand then\r" + many + "\"\"\"\r");
  EXPECT_TRUE(count());
  t.type(many + "\\\r" + many + "\r");
  EXPECT_TRUE(count());
  t.type("\033[200~" + many + "\r" + many + "\033[201~\r");  // pasted: one question
  EXPECT_TRUE(count());
  t.type(question(3) + "\r");
  t.until("answer 4 tokens, ");
  t.until(kPrompt);  // before it Ctrl-D is the terminal's, not the editor's
  t.type("\004");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST_F(SftTest, TerminalStopsAnAnswer) {
  // A thought of hours: a random model with many positions.
  write("base/config.json", replaced(read_file(at("base/config.json")), "\"max_position_embeddings\": 256", "\"max_position_embeddings\": 2000000"));
  Terminal t({"chat", at("base"), "--effort", "1000000"});
  t.until(kPrompt);
  t.type("Hi\r");
  t.until("\033[2m");
  EXPECT_FALSE(t.editing());
  t.type("\003");
  EXPECT_TRUE(holds(t.until(": stopped"), "thinking "));
  t.until(kPrompt);
  t.type("half a question\003");  // dropped
  t.until(kPrompt);
  t.type("\003");
  t.until("/bye or Ctrl-D ends");
  t.until(kPrompt);
  t.type("\004");
  EXPECT_EQ(t.exit_code(), 0);
}

}  // namespace
}  // namespace minke
