#pragma once
// The rows' functions; a file each, Countdown's five in one.
#include "reason/tasks/task.h"

namespace minke {

bool draw_countdown_a1(Rng&, int level, const KeyFilter&, Problem&);
bool draw_countdown_a2(Rng&, int level, const KeyFilter&, Problem&);
bool draw_countdown_a3(Rng&, int level, const KeyFilter&, Problem&);
bool draw_countdown_a4(Rng&, int level, const KeyFilter&, Problem&);
bool draw_countdown_a5(Rng&, int level, const KeyFilter&, Problem&);
bool draw_digits(Rng&, int level, const KeyFilter&, Problem&);
bool draw_products(Rng&, int level, const KeyFilter&, Problem&);
bool draw_expressions(Rng&, int level, const KeyFilter&, Problem&);
bool draw_equations(Rng&, int level, const KeyFilter&, Problem&);
bool draw_registers(Rng&, int level, const KeyFilter&, Problem&);
bool draw_units(Rng&, int level, const KeyFilter&, Problem&);
bool draw_signs(Rng&, int level, const KeyFilter&, Problem&);
bool draw_puzzle(Rng&, int level, const KeyFilter&, Problem&);
bool draw_words(Rng&, int level, const KeyFilter&, Problem&);

// Keys of two operands, shared with the arithmetic facts of the pretraining mix.
std::string digits_key(int64_t a, char op, int64_t b);  // op + or -
std::string products_key(int64_t a, int64_t b);

}  // namespace minke
