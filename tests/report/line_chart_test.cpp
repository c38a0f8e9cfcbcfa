#include "launcher/report/line_chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

std::string drawn(const LineChart& chart) {
  Html html;
  draw(html, chart);
  return html.str();
}

std::string first_path(const std::string& svg) {
  const std::size_t from = svg.find(" d=\"") + 4;
  return svg.substr(from, svg.find('"', from) - from);
}

LineChart chart_of(Points points) {
  LineChart chart;
  chart.title = "Loss";
  chart.series.push_back({"train", std::move(points)});
  return chart;
}

TEST(LineChart, AGapLiftsThePen) {
  const std::string path = first_path(drawn(chart_of({{1, 0}, {2, 1}, {3, NAN}, {4, 2}, {5, 4}})));
  EXPECT_EQ(path, "M0.0 1000.0h0L250.0 750.0M750.0 500.0h0L1000.0 0.0");
}

TEST(LineChart, DrawsAtMostAThousandPoints) {
  Points points;
  for (int i = 0; i < 100000; ++i) points.push_back({double(i), std::sin(i)});
  const std::string svg = drawn(chart_of(points));
  const std::string path = first_path(svg);
  EXPECT_LE(std::count_if(path.begin(), path.end(), [](char c) { return c == 'M' || c == 'L'; }), 1000);
  EXPECT_LT(svg.size(), 100000u);
}

TEST(LineChart, SpansOfMuchAreDrawnOnALogAxis) {
  EXPECT_NE(drawn(chart_of({{1, 100}, {2, 0.1}})).find("log scale"), std::string::npos);
  EXPECT_EQ(drawn(chart_of({{1, 100}, {2, 0}})).find("log scale"), std::string::npos);
  LineChart from_zero = chart_of({{1, 100}, {2, 0.1}});
  from_zero.from_zero = true;
  EXPECT_EQ(drawn(from_zero).find("log scale"), std::string::npos);
}

TEST(LineChart, OnePointIsEnough) {
  const std::string svg = drawn(chart_of({{7, 3}}));
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("step 7"), std::string::npos);
}

TEST(LineChart, KnowsWhenThereIsNothingToDraw) {
  EXPECT_FALSE(has_values(chart_of({})));
  EXPECT_FALSE(has_values(chart_of({{1, NAN}, {2, INFINITY}})));
  EXPECT_TRUE(has_values(chart_of({{1, NAN}, {2, 1}})));
}

TEST(LineChart, NamesAreEscaped) {
  LineChart chart = chart_of({{1, 1}, {2, 2}});
  chart.title = "<img onerror=x>";
  chart.series[0].name = "\"><script>";
  chart.series.push_back(chart.series[0]);
  chart.marks.push_back({{2, 2}, "</svg><script>"});
  const std::string svg = drawn(chart);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find("<img"), std::string::npos);
}

}  // namespace
}  // namespace hone::report
