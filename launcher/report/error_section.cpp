#include <algorithm>
#include <cmath>

#include "core/eval/answer_errors.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

// The rows of a run's comparison whose answers were looked at.
std::vector<const ComparisonRow*> models_of(const ReportInput& run) {
  std::vector<const ComparisonRow*> models;
  if (!run.comparison) return models;
  for (const ComparisonRow& row : run.comparison->rows)
    if (row.errors) models.push_back(&row);
  return models;
}

void add_count(Html& html, double answers, double of) {
  html.element("td", {{"class", "n"}}, [&] {
    html.text(decimals_text(answers, 0));
    if (std::isfinite(answers) && of > 0)
      html.leaf("small", {{"class", "under"}}, percent_text(answers / of));
  });
}

void add_check(Html& html, const eval::AnswerCheck& check, std::span<const ComparisonRow* const> models,
               double of) {
  const auto count = [&](const ComparisonRow& model) {
    const auto found = model.errors->answers.find(check.key);
    return found == model.errors->answers.end() ? kNotMeasured : found->second;
  };
  if (std::none_of(models.begin(), models.end(), [&](auto model) { return std::isfinite(count(*model)); }))
    return;
  html.element("tr", [&] {
    html.element("th", {{"scope", "row"}}, [&] {
      html.text(check.title);
      html.leaf("small", {{"class", "under"}}, check.meaning);
    });
    for (const ComparisonRow* model : models) add_count(html, count(*model), of);
    const auto& examples = models.back()->errors->examples;
    const auto example = examples.find(check.key);
    html.leaf("td", {{"class", "example"}}, example == examples.end() ? "" : example->second);
  });
}

void add_shares(Html& html, const char* title, double AnswerErrors::*share,
                std::span<const ComparisonRow* const> models) {
  const auto known = [&](const ComparisonRow* model) { return std::isfinite((*model->errors).*share); };
  if (std::none_of(models.begin(), models.end(), known)) return;
  html.element("tr", [&] {
    html.leaf("th", {{"scope", "row"}}, title);
    for (const ComparisonRow* model : models)
      html.leaf("td", {{"class", "n"}}, percent_text((*model->errors).*share));
    html.leaf("td", "");
  });
}

void add_table(Html& html, const ReportInput& run, std::span<const ComparisonRow* const> models) {
  const double of = run.comparison->examples;
  html.element("table", {{"class", "errors"}}, [&] {
    html.element("thead", [&] {
      html.element("tr", [&] {
        html.leaf("th", "Answers that are");
        for (const ComparisonRow* model : models) html.leaf("th", {{"class", "n"}}, model->name);
        html.leaf("th", "For example, of the " + models.back()->name);
      });
    });
    html.element("tbody", [&] {
      for (const eval::AnswerCheck& check : eval::answer_checks()) add_check(html, check, models, of);
      html.element("tr", [&] {
        html.leaf("th", {{"scope", "row"}}, "Any of these");
        for (const ComparisonRow* model : models) add_count(html, model->errors->any, of);
        html.leaf("td", "");
      });
      add_shares(html, "Repeated runs of four words, mean", &AnswerErrors::repetition, models);
      add_shares(html, "Words not in the word list", &AnswerErrors::unknown_words, models);
    });
  });
}

}  // namespace

void add_errors(Html& html, Runs runs) {
  if (std::all_of(runs.begin(), runs.end(), [](const ReportInput& run) { return models_of(run).empty(); }))
    return;
  add_section(html, "What is wrong with the answers", "by checks of form, not of meaning", [&] {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const std::vector<const ComparisonRow*> models = models_of(runs[i]);
      if (models.empty()) continue;
      add_run_name(html, runs, i);
      html.element("div", {{"class", "card wide"}}, [&] { add_table(html, runs[i], models); });
    }
  });
}

}  // namespace hone::report
