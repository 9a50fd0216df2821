#include "report/page.h"

#include <fmt/format.h>

#include <regex>

#include "base/file.h"
#include "report/sound_svg.h"

namespace minke {
namespace {

constexpr const char* kRecorded = "tests/data/report/rl_metrics.jsonl";

ReportedRun run_of(const std::string& name, const std::string& lines) { return {name, parse_any_run(lines, name)}; }

std::string training_lines(const std::string& more = "") {
  std::string text;
  for (int i = 1; i <= 150; ++i)
    text += fmt::format("{{\"step\":{0},\"tokens\":{1},\"loss\":{2},\"max_vio\":[1,2,0.5],\"mtp_loss\":[2],\"bpb\":{{\"prose\":{2}}}{3}}}\n", i, 1000 * i, 8.0 / i, more);
  return text;
}

// Every tag closed by its own name (but for HTML's void ones), every picture sound; nothing that runs or is fetched. Gives the pictures' number.
size_t expect_sound_page(const std::string& page) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)((?: [a-zA-Z0-9:-]+=\"[^\"<]*\")*)(/?)>");
  const size_t body = page.find("<html");
  EXPECT_EQ(page.substr(0, body), "<!DOCTYPE html>\n");
  size_t at = body;
  for (std::sregex_iterator it(page.begin() + long(body), page.end(), tag), end; it != end; ++it) {
    const size_t here = body + size_t(it->position());
    EXPECT_EQ(page.substr(at, here - at).find('<'), std::string::npos) << page.substr(at, 60);
    at = here + size_t(it->length());
    const std::string name = (*it)[2];
    if (name == "meta" || name == "link" || (*it)[4].length()) continue;
    if ((*it)[1].length() == 0) {
      open.push_back(name);
      continue;
    }
    EXPECT_FALSE(open.empty());
    if (open.empty()) break;
    EXPECT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(page.substr(at), "\n");
  for (const char* part : {"<script", "src=", "url(", "@import", "http:", "https:", "onload", "<iframe"}) EXPECT_EQ(page.find(part), std::string::npos) << part;
  EXPECT_EQ(count(page, "href="), 1u) << "the icon that is none";
  size_t pictures = 0;
  for (size_t begin = page.find("<svg"); begin != std::string::npos; begin = page.find("<svg", begin + 1), ++pictures) {
    const size_t finish = page.find("</svg>\n", begin);
    EXPECT_NE(finish, std::string::npos);
    expect_sound(page.substr(begin, finish + 7 - begin));
  }
  return pictures;
}

TEST(ReportPage, HoldsEveryPanelOfEveryRun) {
  const std::vector<ReportedRun> runs = {run_of("out/base", training_lines()), run_of("out/rl", read_file(kRecorded))};
  const std::string page = report_page("two runs", runs, {}, 0.02);
  EXPECT_EQ(expect_sound_page(page), 3u + 6u);
  for (const char* part : {"<title>two runs</title>", "<h2>Training: out/base</h2>", "<h2>RL: out/rl</h2>", "step 150, 150k tokens", "name=\"viewport\"", ">prose ", ">MTP ",
                           ">Rollouts: ", "of 64 held-out problems answered right", "The bill"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(count(page, "prefers-color-scheme:dark"), 2u) << "the page's colours and the pictures'";
  EXPECT_EQ(page, report_page("two runs", runs, {}, 0.02));
}

TEST(ReportPage, EscapesWhatComesFromOutside) {
  const std::string look = R"("val/n":9,"val/pass1":0.5,"val/pass1/<b>&/1":0.25,"val/pass1/t/2":0.75)";
  const std::vector<ReportedRun> runs = {run_of("<script>alert(1)</script>\x01\xff", "{\"step\":0," + look + "}\n{\"step\":3," + look + "}\n")};
  const std::string page = report_page("\"><img src=x>", runs, {}, 0.02);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;\xef\xbf\xbd\xef\xbf\xbd<"), std::string::npos);
  EXPECT_NE(page.find(">&lt;b&gt;&amp;/1<"), std::string::npos);
}

TEST(ReportPage, AccuracyBeforeAndAfterByLevel) {
  const auto look = [](int step, double easy, double hard) {
    return fmt::format("{{\"step\":{},\"val/n\":128,\"val/pass1\":{},\"val/ci95\":[{},{}],\"val/pass1/puzzle/1\":{},\"val/ci95/puzzle/1\":[{},1],\"val/pass1/puzzle/2\":{}}}\n", step,
                       (easy + hard) / 2, (easy + hard) / 2 - 0.05, (easy + hard) / 2 + 0.05, easy, easy / 2, hard);
  };
  const std::string first = look(0, 0.25, 0.05), last = look(9, 0.75, 0.5);
  const auto page_of = [](const std::string& lines) {
    const std::vector<ReportedRun> runs = {run_of("r", lines)};
    return report_page("t", runs, {}, 0.02);
  };
  const std::string page = page_of(first + last);
  EXPECT_EQ(expect_sound_page(page), 2u);
  for (const char* part : {"15.0% → 62.5%", "[57.5, 67.5] of 128 held-out", ">all<", ">puzzle/1<", ">puzzle/2<", ">before<"}) EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(count(page, "r=\"4\""), 6u) << "a dot a row, before and after";
  EXPECT_EQ(page_of(first).find(">puzzle/1<"), std::string::npos) << "one look: nothing to compare";
  EXPECT_EQ(page_of(first).find("→"), std::string::npos);
}

TEST(ReportPage, TheDialAsPictureAndNumbers) {
  const std::vector<ReportedDial> dials = {
      {"out/<dial>.jsonl", parse_dial_curves("{\"effort\":\"off\",\"n\":50,\"accuracy\":0.2,\"ci95\":[0.1,0.3],\"tokens\":20,\"samples\":1}\n"
                                             "{\"effort\":\"max\",\"n\":50,\"accuracy\":0.9,\"ci95\":[0.8,0.95],\"tokens\":220,\"samples\":3.25}\n"
                                             "{\"effort\":\"auto\",\"price\":0.0005,\"n\":50,\"accuracy\":0.85,\"ci95\":null,\"tokens\":70}\n",
                                             "d")}};
  const std::string page = report_page("t", {}, dials, 0.02);
  EXPECT_EQ(expect_sound_page(page), 1u);
  for (const char* part : {"The dial: out/&lt;dial&gt;.jsonl", "<tr><td>max</td><td>90.0% <i>[80.0, 95.0]</i></td><td>220</td><td>3.2</td></tr>",
                           "<tr><td>auto at 0.0005</td><td>85.0%</td><td>70</td><td>–</td></tr>", "of 50 problems"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(page.find("The bill"), std::string::npos) << "nothing was trained";
}

TEST(ReportPage, TheBillAddsUp) {
  const std::vector<ReportedRun> runs = {run_of("base", training_lines(",\"seconds\":900,\"threads\":2")),
                                         run_of("rl", "{\"step\":3,\"tokens\":5000,\"reward/mean\":0.5,\"time/total\":5400,\"time/threads\":1}\n")};
  const std::string page = report_page("t", runs, {}, 0.04);
  for (const char* part : {"Training: 150 steps on 2 threads</small></td><td>150k</td><td>15.0 min</td><td>$0.0200<", "RL: 3 steps on 1 thread</small></td><td>5k</td><td>90.0 min</td><td>$0.0600<",
                           "together</td><td></td><td>105.0 min</td><td>$0.0800<", "At $0.04 per core-hour"})
    EXPECT_NE(page.find(part), std::string::npos) << part;

  const std::vector<ReportedRun> silent = {runs[0], run_of("old", training_lines(",\"tok_s\":500"))};
  const std::string unknown = report_page("t", silent, {}, 0.04);
  EXPECT_NE(unknown.find("Training: 150 steps</small></td><td>150k</td><td>5.0 min</td><td>–<"), std::string::npos) << "150 steps of 1000 tokens at 500 a second";
  EXPECT_NE(unknown.find("together</td><td></td><td>20.0 min</td><td>≥ $0.0200<"), std::string::npos);
  EXPECT_EQ(report_page("t", std::vector{silent[1]}, {}, 0.04).find("together"), std::string::npos);
}

}  // namespace
}  // namespace minke
