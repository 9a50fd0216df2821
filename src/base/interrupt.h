#pragma once
// Ctrl-C asks; long loops look at interrupted() between steps, save, and return. A second Ctrl-C ends the process at once.
namespace minke {

void catch_interrupts();   // SIGINT and SIGTERM set the flag from now on
bool interrupted();
void clear_interrupt();    // for a prompt that goes on after a stopped answer

}  // namespace minke
