#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include <CLI/CLI.hpp>

#include "base/cpu.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/plan.h"

namespace minke {

int run_cli(int argc, char** argv) {
  CLI::App app("minke: trains and runs DeepSeek-V3-architecture models on the machine you have");
  app.require_subcommand(1);
  app.set_version_flag("--version", "minke " MINKE_VERSION);
  app.set_help_all_flag("--help-all", "help of every subcommand");
  add_bench(app);
  add_data(app);
  add_info(app);
  add_plan(app);
  add_inspect(app);
  add_convert(app);
  add_curves(app);
  add_report(app);
  add_tokenizer(app);
  add_train(app);
  add_sft(app);
  add_rl(app);
  add_learn(app);
  add_generate(app);
  add_chat(app);
  add_eval(app);
  add_dial(app);
  add_sample(app);
  add_logits(app);
  add_grade(app);
  try {
    set_float_state();
    std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit is an error like any other
    const auto known = app.get_subcommands([&](const CLI::App* c) { return argc > 1 && c->get_name() == argv[1]; });
    if (argc > 1 && argv[1][0] != '-' && known.empty()) usage_fail("no such command: {}; minke --help lists them", argv[1]);
    app.parse(argc, argv);
    return interrupted() ? 130 : 0;
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::string reason = e.what();
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    std::fprintf(stderr, "minke: %s; see minke%s%s --help\n", reason.c_str(), chosen.empty() ? "" : " ", chosen.empty() ? "" : chosen[0]->get_name().c_str());
    return 2;
  } catch (const Interrupted&) {
    return 130;
  } catch (const UsageError& e) {
    std::fprintf(stderr, "minke: %s\n", e.what());
    return 2;
  } catch (const Error& e) {
    std::fprintf(stderr, "minke: %s\n", e.what());
    return 1;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "minke: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "minke: %s\n", e.what());
    return 1;
  }
}

}  // namespace minke
