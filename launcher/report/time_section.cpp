#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "launcher/report/line_chart.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

constexpr const char* kRest = "rest";
constexpr double kWorthShowing = 0.005;  // of the wall time: what the phases leave

double sum_of(const std::vector<Phase>& phases) {
  return std::accumulate(phases.begin(), phases.end(), 0.0,
                         [](double sum, const Phase& p) { return sum + p.avg; });
}

// The phases and, where the wall time is known, what they leave of it.
std::vector<Phase> with_rest(const Timing& timing) {
  std::vector<Phase> phases = timing.phases;
  const double rest = timing.seconds - sum_of(phases);
  if (rest > kWorthShowing * timing.seconds) phases.push_back({kRest, rest, rest, rest});
  return phases;
}

// Colours come round again after the seventh; what is left over is grey.
std::string color_of(const Phase& phase, std::size_t index) {
  return phase.name == kRest ? "rest" : color_class(index % 7);
}
std::string width(double share) { return fmt::format("width:{:.2f}%", 100 * share); }

void add_stack(Html& html, const std::vector<Phase>& phases, double total) {
  html.element("div", {{"class", "stack"}}, [&] {
    for (std::size_t i = 0; i < phases.size(); ++i) {
      const std::string title =
          phases[i].name + ": " + duration_text(phases[i].avg) + ", " + percent_text(phases[i].avg / total);
      html.leaf(
          "i", {{"class", color_of(phases[i], i)}, {"style", width(phases[i].avg / total)}, {"title", title}},
          "");
    }
  });
}

// A bar to the average, and a whisker from the least to the most of any rank.
void add_span(Html& html, const Phase& phase, std::size_t index, double longest) {
  html.element("svg", {{"class", "span " + color_of(phase, index)}, {"aria-hidden", "true"}}, [&] {
    const auto at = [&](double seconds) { return fmt::format("{:.2f}%", 100 * seconds / longest); };
    html.empty("rect", {{"x", "0"}, {"y", "3"}, {"height", "10"}, {"rx", "2"}, {"width", at(phase.avg)}});
    if (phase.max > phase.min)
      for (const auto& [from, to, top, bottom] : {std::tuple{phase.min, phase.max, "8", "8"},
                                                  {phase.min, phase.min, "4.5", "11.5"},
                                                  {phase.max, phase.max, "4.5", "11.5"}})
        html.empty("line", {{"x1", at(from)}, {"x2", at(to)}, {"y1", top}, {"y2", bottom}});
  });
}

void add_phase_row(Html& html, const Phase& phase, std::size_t index, double total, double longest,
                   bool ranks) {
  html.element("tr", [&] {
    html.element("th", {{"scope", "row"}}, [&] {
      html.leaf("i", {{"class", "key " + color_of(phase, index)}}, "");
      html.text(phase.name);
    });
    html.element("td", {{"class", "bar"}}, [&] { add_span(html, phase, index, longest); });
    html.leaf("td", {{"class", "n"}}, percent_text(phase.avg / total));
    if (ranks) html.leaf("td", {{"class", "n soft"}}, duration_text(phase.min));
    html.leaf("td", {{"class", "n"}}, duration_text(phase.avg));
    if (ranks) html.leaf("td", {{"class", "n soft"}}, duration_text(phase.max));
  });
}

void add_timing(Html& html, const Timing& timing) {
  const std::vector<Phase> phases = with_rest(timing);
  const double total = sum_of(phases);
  const auto most = [](const Phase& a, const Phase& b) { return a.max < b.max; };
  const double longest = std::max_element(phases.begin(), phases.end(), most)->max;
  const bool ranks = !(timing.ranks == 1);
  html.element("div", {{"class", "card wide"}}, [&] {
    add_stack(html, phases, total);
    html.element("table", {{"class", "phases"}}, [&] {
      html.element("thead", [&] {
        html.element("tr", [&] {
          html.leaf("th", "Phase");
          html.leaf("th", {{"class", "bar"}}, "");
          html.leaf("th", {{"class", "n"}}, "Share");
          if (ranks) html.leaf("th", {{"class", "n"}}, "Least");
          html.leaf("th", {{"class", "n"}}, ranks ? "Average" : "Time");
          if (ranks) html.leaf("th", {{"class", "n"}}, "Most");
        });
      });
      html.element("tbody", [&] {
        for (std::size_t i = 0; i < phases.size(); ++i)
          add_phase_row(html, phases[i], i, total, longest, ranks);
      });
    });
  });
}

}  // namespace

void add_time(Html& html, Runs runs) {
  const auto has_time = [](const ReportInput& run) { return run.timing && sum_of(run.timing->phases) > 0; };
  if (std::none_of(runs.begin(), runs.end(), has_time)) return;
  const bool several = runs.size() == 1 && runs[0].timing->ranks > 1;
  const std::string note =
      several ? "average, least and most of " + rounded_text(runs[0].timing->ranks, 9) + " ranks" : "";
  add_section(html, "Where time went", note, [&] {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (!has_time(runs[i])) continue;
      add_run_name(html, runs, i);
      add_timing(html, *runs[i].timing);
    }
  });
}

}  // namespace hone::report
