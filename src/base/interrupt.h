#pragma once
// Ctrl-C asks; long loops look at interrupted() between steps, save, and return. A second Ctrl-C ends the process at once.
#include <exception>

namespace minke {

void catch_interrupts();   // SIGINT and SIGTERM set the flag from now on
bool interrupted();
void clear_interrupt();    // for a prompt that goes on after a stopped answer

// Ends a subcommand whose work was stopped after saving; exit code 130.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

}  // namespace minke
