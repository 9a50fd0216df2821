#pragma once
// Answers that are words, and answers that are the letter of a choice.
#include <optional>
#include <string>
#include <string_view>

namespace minke::grading {

// The form in which words are compared: wrappers gone, NFC, blanks one, lower case. Nothing where markup is left or no word is in it.
std::optional<std::string> text_of(std::string_view cleaned);

// The parts of `red, blue and green`, sorted, in one line: lists of words in any order are one list.
std::string sorted_parts(const std::string& text);

// A, (A), [A], A. or A): 'A' to 'H'; 0 for anything else.
char choice_of(std::string_view cleaned);

// Two letters or more and nothing else: `yes` is a word though it could be a product.
bool all_letters(std::string_view cleaned);

// More than a fifth of all substrings occur before: degenerate output.
bool repetitive(std::string_view text);

}  // namespace minke::grading
