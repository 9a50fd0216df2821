#pragma once
// minke chat at a terminal: questions of one or more lines, commands, and what each answer cost.
#include "cli/chat_session.h"

namespace minke {

// Until /bye or Ctrl-D. Errors of a question are shown; the conversation goes on.
void chat_at_terminal(ChatSession& session);

}  // namespace minke
