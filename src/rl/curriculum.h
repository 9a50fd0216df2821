#pragma once
// Which level of which task the next problems come from, by how often the policy gets them right. A group teaches where some of its
// samples are right and some are not, so levels between 20% and 80% are asked most:
//   share_i  ~  weight_i max(floor, min(1, p_i / 0.2, (1 - p_i) / 0.2))
// p_i: mean share of right samples over the level's groups, in which every group from the tenth on counts a tenth. A level without any
// group yet counts as one that teaches. A pure function of the groups it was told, in their order.
#include <string>
#include <vector>

namespace minke {

class Curriculum {
 public:
  struct Level {
    std::string name;   // "expressions-b3/4"
    double weight = 1;  // its share without a curriculum, in proportion
  };
  Curriculum(std::vector<Level> levels, double floor);

  size_t pick(double u) const;                      // the level at u in [0, 1)
  void saw(size_t level, double share_right);       // of one group
  std::vector<double> shares() const;               // of the next problems; they add up to 1
  double pass_rate(size_t level) const { return levels_[level].pass; }  // NaN before its first group
  const std::vector<Level>& levels() const { return named_; }

  // What a checkpoint holds, exact to the bit. Error (`where`) on a text of other levels.
  std::string state() const;
  void restore(const std::string& state, const std::string& where);

 private:
  struct Running {
    int64_t groups = 0;
    double pass;
  };
  std::vector<Level> named_;
  std::vector<Running> levels_;
  double floor_;
};

// How much a level of this pass rate is asked, beside one that teaches most: floor to 1.
double worth_of_level(double pass_rate, double floor);

}  // namespace minke
