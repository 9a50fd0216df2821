#include "report/rl_curves.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "report/metrics_lines.h"
#include "report/sound_svg.h"

namespace minke {
namespace {

constexpr const char* kRecorded = "tests/data/report/rl_metrics.jsonl";  // 24 steps with a KL term

TEST(RlMetrics, ReadsARecordedRun) {
  const std::string text = read_file(kRecorded);
  ASSERT_TRUE(is_rl_metrics(text));
  const RlMetrics run = parse_rl_metrics(text, kRecorded);
  ASSERT_EQ(run.rows(), 24u);
  EXPECT_EQ(run.look_step, (std::vector<double>{0, 6, 12, 18, 24}));
  EXPECT_EQ(run.held_out, 64);
  EXPECT_EQ(run.steps, 24);
  EXPECT_GT(run.tokens, 24 * 64);
  for (size_t i = 0; i < run.looks(); ++i) {
    EXPECT_LT(run.low[i], run.pass1[i]);
    EXPECT_GT(run.high[i], run.pass1[i]);
  }
  EXPECT_EQ(run.kl[0], 0);
  EXPECT_GT(run.kl[23], 0);
  for (const auto* column : {&run.reward, &run.right, &run.abstained, &run.tokens_wrong, &run.entropy, &run.choice_entropy, &run.kl, &run.all_right,
                             &run.none_better, &run.attempts, &run.retries, &run.self_checks, &run.waits}) {
    ASSERT_EQ(column->size(), 24u);
    for (const double x : *column) EXPECT_TRUE(std::isfinite(x));
  }
  for (size_t i = 0; i < 24; ++i) {
    EXPECT_LT(run.retries[i], run.attempts[i]);
    EXPECT_GT(run.choice_entropy[i], run.entropy[i]) << "most tokens of an attempt are no choice";
  }
}

std::string step_line(int step, const std::string& more = "") {
  return fmt::format("{{\"step\":{},\"tokens\":{},\"reward/mean\":{},\"reward/acc\":0.5,\"len/right\":0,\"len/wrong\":30{}}}\n", step, 100 * step, 0.01 * step, more);
}
std::string look_line(int step, double pass1) {
  return fmt::format("{{\"step\":{},\"tokens\":{},\"val/pass1\":{},\"val/ci95\":[{},{}],\"val/n\":9}}\n", step, 100 * step, pass1, pass1 - 0.1, pass1 + 0.1);
}

TEST(RlMetrics, AResumedRunReplacesItsStepsAndLooks) {
  const RlMetrics run = parse_rl_metrics(look_line(0, 0.1) + step_line(1) + step_line(2, ",\"val/pass1\":0.3,\"val/ci95\":[0.2,0.4]") + step_line(3) + step_line(2) +
                                             step_line(3, ",\"policy/kl_ref\":0.0,\"policy/entropy\":null") + look_line(3, 0.5) + "{\"step\":4,\"rew",
                                         "x");
  EXPECT_EQ(run.step, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(run.look_step, (std::vector<double>{0, 3}));
  EXPECT_EQ(run.pass1, (std::vector<double>{0.1, 0.5}));
  EXPECT_TRUE(std::isnan(run.tokens_right[0])) << "no right answer has no length";
  EXPECT_EQ(run.tokens_wrong[0], 30);
  EXPECT_TRUE(std::isnan(run.kl[2])) << "0 throughout: no reference was kept";
  EXPECT_TRUE(std::isnan(run.entropy[2]));
}

TEST(RlMetrics, LevelsOfALookAndWhoseTimeItTook) {
  const RlMetrics run = parse_rl_metrics(look_line(0, 0.1) + step_line(1, ",\"val/pass1\":0.3,\"val/pass1/a/1\":0.5,\"val/ci95/a/1\":[0.4,0.6],\"val/pass1/b\":0.1,\"time/total\":7") +
                                             step_line(2, ",\"time/total\":9.5,\"time/threads\":2"),
                                         "x");
  ASSERT_EQ(run.look_levels.size(), 2u);
  EXPECT_TRUE(run.look_levels[0].empty());
  ASSERT_EQ(run.look_levels[1].size(), 2u);
  EXPECT_EQ(run.look_levels[1][0].name, "a/1");
  EXPECT_EQ(run.look_levels[1][0].pass1, 0.5);
  EXPECT_EQ(run.look_levels[1][0].high, 0.6);
  EXPECT_EQ(run.look_levels[1][1].name, "b");
  EXPECT_TRUE(std::isnan(run.look_levels[1][1].low));
  EXPECT_EQ(run.seconds, 9.5);
  EXPECT_EQ(run.threads, 2);
}

TEST(RlMetrics, ErrorsNameFileAndLine) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      parse_rl_metrics(text, "run/metrics.jsonl");
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(error_of("").find("expected at least one whole line"), std::string::npos);
  EXPECT_NE(error_of(step_line(1) + "{\"step\":2,\"tokens\":5,\"loss\":1}\n").find("run/metrics.jsonl:2: expected reward/mean"), std::string::npos);
  EXPECT_NE(error_of(step_line(1) + "oops\n" + step_line(2)).find("run/metrics.jsonl:2: "), std::string::npos);
  EXPECT_NE(error_of("{\"step\":1,\"reward/mean\":\"high\"}\n").find("reward/mean"), std::string::npos);
  EXPECT_NE(error_of("{\"step\":1,\"val/pass1\":1.5}\n").find("val/pass1"), std::string::npos);
  EXPECT_FALSE(is_rl_metrics("{\"step\":1,\"tokens\":10,\"loss\":5}\n"));
  EXPECT_FALSE(is_rl_metrics("[]\n"));
  EXPECT_FALSE(is_rl_metrics(""));
}

TEST(RlCurves, DrawsEveryPanelOfARun) {
  const RlMetrics run = parse_rl_metrics(read_file(kRecorded), kRecorded);
  const std::string svg = draw_rl_curves(run, "a <run>");
  expect_sound(svg);
  for (const char* part : {"a &lt;run&gt;", "step 24, ", ">Held-out problems", "of 64; band: 95% interval", ">Rollouts: ", ">reward ", ">right ", ">“?” ",
                           ">Tokens of an answer", ">not right ", ">Entropy and KL", ">entropy ", ">at choices ", ">KL ", ">Groups that teach nothing", ">In a thought",
                           ">attempts ", ">retries ", "prefers-color-scheme:dark"})
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  EXPECT_EQ(count(svg, "s0 band\""), 1u);
  EXPECT_EQ(count(svg, "<circle"), 5u);
  EXPECT_EQ(svg.find(">“wait” "), std::string::npos) << "the traces do not have the word";
  EXPECT_EQ(svg, draw_rl_curves(run, "a <run>"));
}

TEST(RlCurves, LeavesOutWhatWasNotMeasured) {
  std::string text = look_line(0, 0.1);
  EXPECT_EQ(count(draw_rl_curves(parse_rl_metrics(text, "x"), "one look"), "<circle"), 1u);
  for (int i = 1; i <= 200; ++i) text += step_line(i, ",\"policy/kl_ref\":0.0");
  const std::string svg = draw_rl_curves(parse_rl_metrics(text, "x"), "bare");
  expect_sound(svg);
  for (const char* part : {"Entropy", "KL", "In a thought", "Groups", "band\"", "“?”"}) EXPECT_EQ(svg.find(std::string(">") + part), std::string::npos) << part;
  EXPECT_EQ(count(svg, ">right "), 1u) << "the share; no right answer has a length";
  EXPECT_EQ(count(svg, " raw\""), 3u);  // reward, right, tokens of the others
}

}  // namespace
}  // namespace minke
