#include "cli/commands.h"

int main(int argc, char** argv) { return minke::run_cli(argc, argv); }
