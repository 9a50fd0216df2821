// Word problems of 1 to 4 steps; level = steps. A template is a wording and a chain of operations over its numbers; its trace is
// one operation a line. The key is the computation alone, so a computation asked for in test is in training under no wording. A
// fifth of the templates is held out: their problems exist for test and calibration keys only, and say so in Problem::group.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "reason/tasks/canonical.h"
#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

constexpr int kMostSteps = 4, kTemplatesALevel = 10, kNumbers = 5;
constexpr int64_t kLimit = 999;  // of every value on the way

struct Range {
  int64_t low, high;
};

struct Step {  // a-e: the numbers; p q r s: what the steps before gave
  char left, op, right;
};

struct Template {
  bool held_out;
  Range numbers[kNumbers];
  Step steps[kMostSteps];
  const char* text;  // {a}-{e} numbers, {A} {B} {C} names, {x} {y} things
};

constexpr Template kTemplates[kMostSteps][kTemplatesALevel] = {
    {
        {false, {{3, 150}, {2, 150}}, {{'a', '+', 'b'}},
         "{A} has {a} {x} and gets {b} more from {B}. How many {x} does {A} have now?"},
        {false, {{3, 150}, {3, 150}}, {{'a', '+', 'b'}},
         "There are {a} {x} in one box and {b} {x} in another. How many {x} are there in both boxes?"},
        {false, {{5, 200}, {2, 199}}, {{'a', '-', 'b'}},
         "{A} had {a} {x} and gave {b} of them to {B}. How many {x} are left?"},
        {false, {{9, 200}, {2, 199}}, {{'a', '-', 'b'}},
         "A shop had {a} {x} in the morning and sold {b} of them during the day. How many {x} remain in the evening?"},
        {false, {{2, 20}, {2, 30}}, {{'a', '*', 'b'}},
         "{A} fills {a} bags with {b} {x} each. How many {x} is that?"},
        {false, {{3, 30}, {2, 20}}, {{'a', '*', 'b'}},
         "Each of {a} children brings {b} {x}. How many {x} do they bring together?"},
        {false, {{6, 200}, {2, 12}}, {{'a', '/', 'b'}},
         "{A} shares {a} {x} equally among {b} friends. How many {x} does each friend get?"},
        {false, {{20, 95}, {2, 60}}, {{'a', '-', 'b'}},
         "{A} is {a} years old and {B} is {b} years younger. How old is {B}?"},
        {true, {{3, 150}, {2, 150}}, {{'a', '+', 'b'}},
         "A shelf holds {a} {x}. {A} puts {b} further {x} on it. What is the number of {x} on the shelf?"},
        {true, {{5, 200}, {2, 199}}, {{'a', '-', 'b'}},
         "{B} wants {a} {x} but owns only {b}. How many are missing?"},
    },
    {
        {false, {{2, 12}, {2, 12}, {2, 60}}, {{'a', '*', 'b'}, {'p', '+', 'c'}},
         "{A} buys {a} packs of {b} {x} and already had {c}. How many {x} does {A} have altogether?"},
        {false, {{3, 90}, {2, 90}, {2, 90}}, {{'a', '+', 'b'}, {'p', '-', 'c'}},
         "{A} had {a} {x}, found {b} more and lost {c}. How many {x} does {A} have at the end?"},
        {false, {{2, 12}, {3, 20}, {2, 99}}, {{'a', '*', 'b'}, {'p', '-', 'c'}},
         "A baker makes {a} trays of {b} rolls and sells {c} rolls. How many rolls are left?"},
        {false, {{3, 90}, {2, 90}, {2, 2}}, {{'a', '+', 'b'}, {'p', '/', 'c'}},
         "{A} and {B} collect {a} and {b} {x} and share them equally. How many {x} does each of the two get?"},
        {false, {{2, 20}, {2, 20}, {2, 12}}, {{'a', '+', 'b'}, {'p', '*', 'c'}},
         "A ticket costs {a} coins and a drink {b} coins. How many coins do {c} people pay if each takes one of both?"},
        {false, {{2, 60}, {2, 9}}, {{'a', '*', 'b'}, {'p', '+', 'a'}},
         "{A} has {a} {x} and {B} has {b} times as many. How many {x} do both have together?"},
        {false, {{20, 99}, {2, 50}, {2, 50}}, {{'a', '-', 'b'}, {'p', '-', 'c'}},
         "A bus starts with {a} passengers. At the first stop {b} get off, at the second {c} get off. How "
         "many are still on the bus?"},
        {false, {{2, 60}, {10, 160}, {2, 9}}, {{'b', '-', 'a'}, {'p', '/', 'c'}},
         "{A} takes {a} {x} out of a jar of {b} and puts the rest into {c} equal heaps. How many {x} are in a heap?"},
        {true, {{2, 12}, {2, 12}, {2, 60}}, {{'a', '*', 'b'}, {'p', '+', 'c'}},
         "With {a} rows of {b} seats and {c} chairs at the side, how many people can sit in the hall?"},
        {true, {{20, 99}, {2, 50}, {2, 50}}, {{'a', '-', 'b'}, {'p', '-', 'c'}},
         "Of {a} {x} in a crate, {b} are bad and {c} are sold. What number of {x} stays in the crate?"},
    },
    {
        {false, {{2, 12}, {2, 12}, {2, 12}, {2, 12}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}},
         "{A} buys {a} {x} at {b} coins each and {c} {y} at {d} coins each. How many coins does {A} pay?"},
        {false, {{30, 200}, {2, 9}, {2, 12}, {2, 20}}, {{'b', '*', 'c'}, {'a', '-', 'p'}, {'q', '-', 'd'}},
         "{A} has {a} coins and buys {b} {x} at {c} coins each and a bag for {d} coins. How many coins are left?"},
        {false, {{2, 6}, {2, 9}, {2, 9}, {2, 60}}, {{'a', '*', 'b'}, {'p', '*', 'c'}, {'q', '-', 'd'}},
         "A farm has {a} fields with {b} rows of {c} trees each. A storm fells {d} trees. How many trees still stand?"},
        {false, {{5, 60}, {5, 60}, {40, 300}, {2, 9}}, {{'a', '+', 'b'}, {'c', '-', 'p'}, {'q', '/', 'd'}},
         "{A} reads {a} pages on Monday and {b} on Tuesday. The book has {c} pages, and {A} reads the rest in "
         "{d} days, the same number each day. How many pages a day is that?"},
        {false, {{2, 50}, {2, 30}, {2, 6}}, {{'a', '+', 'b'}, {'p', '*', 'c'}, {'q', '-', 'a'}},
         "{A} has {a} {x}, {B} has {b} more than {A}, and {C} has {c} times as many as {B}. How many more {x} "
         "than {A} does {C} have?"},
        {false, {{2, 30}, {2, 9}, {2, 9}, {2, 50}}, {{'b', '+', 'c'}, {'a', '*', 'p'}, {'q', '-', 'd'}},
         "A machine makes {a} {x} an hour. It runs {b} hours on Friday and {c} hours on Saturday, and {d} {x} "
         "are faulty. How many {x} are good?"},
        {false, {{10, 60}, {10, 60}, {2, 20}, {4, 20}}, {{'a', '+', 'b'}, {'p', '+', 'c'}, {'q', '/', 'd'}},
         "Two classes of {a} and {b} pupils travel with {c} teachers. They fill buses of {d} people each. How "
         "many buses do they fill?"},
        {false, {{3, 20}, {3, 20}, {2, 9}, {2, 9}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '-', 'q'}},
         "{A} sells {a} {x} at {b} coins each and spends {c} coins on each of {d} {y}. How many coins remain of the sale?"},
        {true, {{2, 12}, {2, 12}, {2, 12}, {2, 12}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}},
         "For a party {A} orders {a} plates of {b} cakes and {c} plates of {d} pies. How many pieces is that in all?"},
        {true, {{30, 200}, {2, 9}, {2, 12}, {2, 20}}, {{'b', '*', 'c'}, {'a', '-', 'p'}, {'q', '-', 'd'}},
         "{A}'s purse holds {a} coins. After paying for {b} {x}, {c} coins apiece, and {d} coins for the "
         "tram, what is left in it?"},
    },
    {
        {false, {{2, 9}, {2, 9}, {2, 9}, {2, 9}, {50, 200}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'e', '-', 'r'}},
         "{A} buys {a} {x} at {b} coins each and {c} {y} at {d} coins each, and pays with {e} coins. How many "
         "coins come back?"},
        {false, {{2, 9}, {10, 25}, {2, 9}, {10, 25}, {2, 50}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'r', '-', 'e'}},
         "A school has {a} classes of {b} pupils and {c} classes of {d} pupils. Today {e} pupils are ill. How "
         "many pupils are at school?"},
        {false, {{2, 20}, {2, 12}, {2, 50}, {2, 60}, {2, 6}}, {{'a', '*', 'b'}, {'p', '+', 'c'}, {'q', '-', 'd'}, {'r', '/', 'e'}},
         "{A} saves {a} coins a week for {b} weeks, gets {c} coins from {B}, spends {d} coins and splits the "
         "rest into {e} equal parts. How many coins is one part?"},
        {false, {{2, 6}, {2, 12}, {2, 6}, {2, 12}, {2, 6}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'r', '*', 'e'}},
         "A train has {a} cars of {b} seats and {c} cars of {d} seats. On {e} trips every seat is taken. How "
         "many travellers is that?"},
        {false, {{5, 60}, {2, 40}, {2, 40}}, {{'a', '+', 'b'}, {'p', '-', 'c'}, {'a', '+', 'p'}, {'r', '+', 'q'}},
         "{A} has {a} {x}, {B} has {b} more than {A}, and {C} has {c} fewer than {B}. How many {x} do the "
         "three have together?"},
        {false, {{2, 9}, {3, 12}, {2, 20}, {2, 40}, {2, 6}}, {{'a', '*', 'b'}, {'p', '+', 'c'}, {'q', '-', 'd'}, {'r', '/', 'e'}},
         "{A} has {a} boxes of {b} {x} and {c} loose ones. {B} takes {d} of all these, and the others fill "
         "bags of {e} each. How many bags are full?"},
        {false, {{5, 90}, {2, 9}, {6, 20}, {2, 15}, {2, 60}}, {{'c', '-', 'd'}, {'p', '*', 'b'}, {'a', '+', 'q'}, {'r', '-', 'e'}},
         "A tank holds {a} litres. For {b} hours, {c} litres an hour flow in and {d} litres an hour flow out. "
         "Then {e} litres are taken. How many litres are left?"},
        {false, {{2, 9}, {2, 9}, {2, 9}, {2, 9}, {2, 10}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'r', '/', 'e'}},
         "{A} bakes {a} cakes with {b} eggs each and {c} pies with {d} eggs each. Eggs come in cartons of "
         "{e}. How many cartons are used?"},
        {true, {{2, 9}, {10, 25}, {2, 9}, {10, 25}, {2, 50}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'r', '-', 'e'}},
         "The cinema has {a} rows of {b} seats below and {c} rows of {d} seats on the balcony. Tonight {e} "
         "seats stay empty. How many visitors came?"},
        {true, {{2, 9}, {2, 9}, {2, 9}, {2, 9}, {50, 200}}, {{'a', '*', 'b'}, {'c', '*', 'd'}, {'p', '+', 'q'}, {'e', '-', 'r'}},
         "Out of {e} coins {A} pays for {a} {x}, {b} coins apiece, and for {c} {y}, {d} coins apiece. What is the change?"},
    },
};

constexpr const char* kNames[] = {"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Lena", "Max"};
constexpr const char* kThings[] = {"apples", "marbles", "stickers", "pencils", "shells", "cards", "nuts", "books", "pears", "stamps", "buttons", "beads"};

// The value of `left op right`, or 0 where the problem would not be one: below 1, above the limit, not whole.
int64_t apply(int64_t left, char op, int64_t right) {
  const int64_t value = op == '+' ? left + right : op == '-' ? left - right : op == '*' ? left * right : left % right ? 0 : left / right;
  return value < 1 || value > kLimit ? 0 : value;
}

// {letter} -> what `meaning` says.
template <class Meaning>
std::string filled(std::string_view text, const Meaning& meaning) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      out += text[i];
      continue;
    }
    out += meaning(text[i + 1]);
    i += 2;
  }
  return out;
}

// `count` different places below n.
template <size_t count>
void draw_different(Rng& rng, size_t n, size_t (&out)[count]) {
  for (size_t i = 0; i < count;) {
    out[i] = rng.below(n);
    if (std::find(out, out + i, out[i]) == out + i) ++i;
  }
}

}  // namespace

bool draw_words(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const Template& t = kTemplates[level - 1][rng.below(kTemplatesALevel)];
  int64_t number[kNumbers] = {}, result[kMostSteps] = {};
  for (int i = 0; i < kNumbers && t.numbers[i].high; ++i) number[i] = rng.range(t.numbers[i].low, t.numbers[i].high);
  Canonical form[kMostSteps];
  const auto value = [&](char name) { return name >= 'p' ? result[name - 'p'] : number[name - 'a']; };
  const auto canonical = [&](char name) { return name >= 'p' ? form[name - 'p'] : canonical_number(number[name - 'a']); };
  for (int i = 0; i < level; ++i) {
    const Step& s = t.steps[i];
    result[i] = apply(value(s.left), s.op, value(s.right));
    if (result[i] == 0) return false;
    form[i] = canonical_join(canonical(s.left), s.op, canonical(s.right));
  }
  out.canonical_key = "words:" + canonical_text(form[level - 1]);
  if (!keep(out.canonical_key) || (t.held_out && split_of(out.canonical_key) == Split::kTrain)) return false;

  size_t name[3], thing[2];
  draw_different(rng, std::size(kNames), name);
  draw_different(rng, std::size(kThings), thing);
  out.prompt = filled(t.text, [&](char letter) -> std::string {
    if (letter >= 'A' && letter <= 'C') return kNames[name[letter - 'A']];
    if (letter >= 'x') return kThings[thing[letter - 'x']];
    return std::to_string(number[letter - 'a']);
  });
  out.gold = std::to_string(result[level - 1]);
  out.group = t.held_out ? "held-out wording" : "";
  std::vector<std::string> lines;
  for (int i = 0; i < level; ++i) {
    const Step& s = t.steps[i];
    lines.push_back(fmt::format("{} {} {} {}", value(s.left), s.op, value(s.right), noisy_equals(rng, result[i])));
  }
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
