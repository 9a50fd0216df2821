#pragma once
// `auto`: which effort to begin with, and after each sample whether another, of the same effort or a higher one, is worth its tokens.
//
//   belief     P(the leading answer is right), from calibrated weights of the samples that name it and of those that do not
//   policy     for one price: a path of efforts (off, high, high, ...), and after each step the beliefs at which to go on
// A policy goes on where, on the calibration problems, what the rest of its path adds to the accuracy exceeds price x tokens
// (calibrate.h). Prices are accuracy per token, every token counted: completions, discarded ones too, and each different prompt once.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace minke {

class Fields;

// How right an effort's samples are by their confidence: a rising step function.
struct AutoArm {
  std::string effort;          // off, minimal, low, medium or high
  std::vector<double> edges;   // rising; step i holds confidences from edges[i - 1] up to below edges[i]
  std::vector<double> right;   // [edges + 1] inside (0, 1)

  double right_at(double confidence) const;
};

// After a step of the path: go on?
struct AutoGate {
  double from = 0, to = 0;     // where from <= belief < to
  bool unknown = false;        // where no sample has a vote

  bool always() const { return from <= 0 && to > 1 && unknown; }
};

struct AutoPolicy {
  double price = 0;
  std::vector<size_t> path;    // of arms, a sample each
  std::vector<AutoGate> gates;  // [path - 1]
  double accuracy = 0, tokens = 0;  // expected, measured on calibration problems that it was not fitted to
};

struct AutoTable {
  double price = 0;            // where the user names none
  double coincidence = 0.5;    // how often two wrong answers are the same, in (0, 1)
  std::vector<AutoArm> arms;   // rising caps
  std::vector<AutoPolicy> policies;  // rising prices

  const AutoPolicy& at(double price) const;  // the nearest by ratio
};

// One sample's part in a belief.
struct BeliefVote {
  int32_t name = -1;           // equal answers have equal names; -1 abstains
  double right = 0;            // AutoArm::right_at
};
struct Belief {
  int32_t leader = -1;         // name; -1: no votes
  double right = 0;            // P(it is right)
};
// Samples are taken as independent: each names the right answer with its probability, else a wrong one that another sample shares with
// probability `coincidence`. P(j) = e^S(j) / (sum of all e^S + 1 / coincidence), S(j) = sum over its samples of log(q / ((1 - q) coincidence)),
// each term at least a little above 0. For one sample that is q. What the independence is worth the gates learn.
Belief believe(std::span<const BeliefVote> votes, double coincidence);

nlohmann::ordered_json auto_json(const AutoTable& table);
AutoTable parse_auto(Fields& object);  // Error names the key

}  // namespace minke
