#pragma once
// The subcommands, one file each. add_x() declares its options and sets a callback; the callback's errors are caught in run_cli.
namespace CLI {
class App;
}

namespace minke {

void add_bench(CLI::App& app);
void add_chat(CLI::App& app);
void add_data(CLI::App& app);
void add_dial(CLI::App& app);
void add_generate(CLI::App& app);
void add_eval(CLI::App& app);
void add_grade(CLI::App& app);
void add_sample(CLI::App& app);
void add_info(CLI::App& app);
void add_logits(CLI::App& app);
void add_train(CLI::App& app);
void add_sft(CLI::App& app);
void add_rl(CLI::App& app);
void add_learn(CLI::App& app);
void add_inspect(CLI::App& app);
void add_convert(CLI::App& app);
void add_curves(CLI::App& app);
void add_report(CLI::App& app);
void add_tokenizer(CLI::App& app);

// Parses and runs a command line. Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted.
int run_cli(int argc, char** argv);

}  // namespace minke
