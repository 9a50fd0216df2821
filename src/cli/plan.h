#pragma once
namespace CLI {
class App;
}

namespace minke {

void add_plan(CLI::App& app);  // minke plan, as commands.h declares the others

}  // namespace minke
