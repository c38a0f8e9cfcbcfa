#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/eval/exact_match.h"
#include "core/eval/text_metrics.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

bool has_rows(const ReportInput& run) { return run.comparison && !run.comparison->rows.empty(); }
bool has_samples(const ReportInput& run) { return run.comparison && !run.comparison->samples.empty(); }

struct Column {
  const char* key;
  const char* title;
  double most;  // of a perfect answer; 0: a loss, lower is better
};

double value_of(const ComparisonRow& row, const Column& column) {
  if (column.most == 0) return row.loss;
  const auto found = row.scores.find(column.key);
  return found == row.scores.end() ? kNotMeasured : found->second;
}

bool measured(Runs runs, const Column& column) {
  for (const ReportInput& run : runs) {
    if (!run.comparison) continue;
    for (const ComparisonRow& row : run.comparison->rows)
      if (std::isfinite(value_of(row, column))) return true;
  }
  return false;
}

// Those that any row has a value for.
std::vector<Column> columns_of(Runs runs) {
  std::vector<Column> columns = {{"loss", "Held-out loss", 0}};
  for (const eval::TextMetric& metric : eval::text_metrics())
    columns.push_back({metric.key, metric.title, metric.most});
  std::erase_if(columns, [&](const Column& column) { return !measured(runs, column); });
  return columns;
}

double best_of(const Comparison& comparison, const Column& column) {
  double best = kNotMeasured;
  for (const ComparisonRow& row : comparison.rows) {
    const double value = value_of(row, column);
    const bool worse = column.most == 0 ? value >= best : value <= best;
    if (std::isfinite(value) && !worse) best = value;
  }
  return best;
}

void add_value(Html& html, double value, const Column& column, bool best) {
  const std::string text = decimals_text(value, column.most == 100 ? 1 : 3);
  if (column.most == 0) return html.leaf("td", {{"class", best ? "n best" : "n"}}, text);
  html.element("td", {{"class", best ? "n score best" : "n score"}}, [&] {
    html.leaf("span", text);
    if (!std::isfinite(value)) return;
    html.element("span", {{"class", "meter"}}, [&] {
      html.leaf("i", {{"style", fmt::format("width:{:.1f}%", 100 * value / column.most)}}, "");
    });
  });
}

void add_comparison_row(Html& html, const Comparison& comparison, const ComparisonRow& row,
                        const std::vector<Column>& columns) {
  html.element("tr", [&] {
    html.leaf("th", {{"scope", "row"}}, row.name);
    for (const Column& column : columns) {
      const double value = value_of(row, column);
      add_value(html, value, column, value == best_of(comparison, column));
    }
  });
}

void add_comparisons(Html& html, Runs runs) {
  const std::vector<Column> columns = columns_of(runs);
  html.element("thead", [&] {
    html.element("tr", [&] {
      html.leaf("th", "Answers by");
      for (const Column& column : columns) html.leaf("th", {{"class", "n"}}, column.title);
    });
  });
  const std::string width = std::to_string(columns.size() + 1);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!has_rows(runs[i])) continue;
    html.element("tbody", [&] {
      if (runs.size() > 1)
        html.element("tr", [&] {
          html.element("th", {{"class", "group"}, {"colspan", width}}, [&] { add_run_name(html, runs, i); });
        });
      for (const ComparisonRow& row : runs[i].comparison->rows)
        add_comparison_row(html, *runs[i].comparison, row, columns);
    });
  }
}

const Sample* find_sample(const ReportInput& run, const Sample& asked) {
  if (!run.comparison) return nullptr;
  for (const Sample& sample : run.comparison->samples)
    if (sample.prompt == asked.prompt && sample.expected == asked.expected) return &sample;
  return nullptr;
}

void add_answer(Html& html, std::string_view by, const std::string& answer, const std::string* expected) {
  const bool right = expected && eval::exact_match(*expected, answer);
  html.element("div",
               {{"class", !expected ? "answer"
                          : right   ? "answer right"
                                    : "answer wrong"}},
               [&] {
                 html.element("h4", [&] {
                   html.text(by);
                   if (expected) html.leaf("span", {{"class", "verdict"}}, right ? "✓ right" : "✗ wrong");
                 });
                 if (answer.find_first_not_of(" \t\r\n") == std::string::npos)
                   html.leaf("p", {{"class", "nothing"}}, "(nothing)");
                 else
                   html.leaf("pre", {{"tabindex", "0"}}, answer);
               });
}

// One prompt and what each run's models made of it. Runs of one base model share its answer.
void add_sample(Html& html, Runs runs, const Sample& asked) {
  html.element("article", {{"class", "card sample"}}, [&] {
    html.element("div", {{"class", "prompt"}}, [&] {
      html.leaf("h4", "Prompt");
      html.leaf("pre", {{"tabindex", "0"}}, asked.prompt);
    });
    html.element("div", {{"class", "answers"}}, [&] {
      add_answer(html, "Expected", asked.expected, nullptr);
      std::set<std::string> base_answers;
      for (const ReportInput& run : runs) {
        const Sample* sample = find_sample(run, asked);
        if (!sample) continue;
        const std::string name = runs.size() == 1 ? "" : " · " + run.name;
        if (base_answers.insert(sample->base).second)
          add_answer(html, "Base", sample->base, &sample->expected);
        add_answer(html, "Tuned" + name, sample->tuned, &sample->expected);
      }
    });
  });
}

// The samples of all runs, those with the same prompt and expected answer once.
std::vector<Sample> distinct_samples(Runs runs) {
  std::vector<Sample> samples;
  std::set<std::pair<std::string, std::string>> seen;
  for (const ReportInput& run : runs) {
    if (!run.comparison) continue;
    for (const Sample& sample : run.comparison->samples)
      if (seen.insert({sample.prompt, sample.expected}).second) samples.push_back(sample);
  }
  return samples;
}

std::string examples_text(Runs runs) {
  if (runs.size() != 1 || !runs[0].comparison || !std::isfinite(runs[0].comparison->examples)) return "";
  return "over " + rounded_text(runs[0].comparison->examples, 9) + " held-out examples";
}

}  // namespace

void add_results(Html& html, Runs runs) {
  if (std::none_of(runs.begin(), runs.end(), has_rows)) return;
  add_section(html, "Base against tuned", examples_text(runs), [&] {
    html.element("div", {{"class", "card wide"}}, [&] {
      html.element("table", {{"class", "comparison"}}, [&] { add_comparisons(html, runs); });
    });
  });
}

void add_answers(Html& html, Runs runs) {
  if (std::none_of(runs.begin(), runs.end(), has_samples)) return;
  add_section(html, "Sample answers", "right: equal to the expected answer", [&] {
    for (const Sample& sample : distinct_samples(runs)) add_sample(html, runs, sample);
  });
}

}  // namespace hone::report
