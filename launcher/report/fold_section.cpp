#include <algorithm>

#include "core/eval/spread.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

struct Column {
  const char* title;
  double FoldScore::*value;
  int decimals;
};

constexpr Column kColumns[] = {{"Held-out loss", &FoldScore::loss, 4},
                               {"Perplexity", &FoldScore::perplexity, 3},
                               {"Tokens right", &FoldScore::accuracy, 3}};

void add_head(Html& html) {
  html.element("thead", [&] {
    html.element("tr", [&] {
      html.leaf("th", "Fold");
      for (const Column& column : kColumns) html.leaf("th", {{"class", "n"}}, column.title);
      html.leaf("th", {{"class", "n"}}, "Tokens");
    });
  });
}

void add_fold_row(Html& html, const ReportInput& run) {
  html.element("tr", [&] {
    html.leaf("th", {{"scope", "row"}}, run.name);
    for (const Column& column : kColumns)
      html.leaf("td", {{"class", "n"}}, decimals_text((*run.fold).*column.value, column.decimals));
    html.leaf("td", {{"class", "n"}}, short_count_text(run.fold->tokens));
  });
}

eval::Spread spread_of(const std::vector<const ReportInput*>& folds, const Column& column) {
  std::vector<double> values;
  for (const ReportInput* run : folds) values.push_back((*run->fold).*column.value);
  return eval::spread_of(values);
}

void add_spread_row(Html& html, const std::vector<const ReportInput*>& folds) {
  html.element("tr", [&] {
    html.leaf("th", {{"scope", "row"}}, "Mean ± standard deviation");
    for (const Column& column : kColumns) {
      const eval::Spread spread = spread_of(folds, column);
      html.leaf("td", {{"class", "n best"}},
                decimals_text(spread.mean, column.decimals) + " ± " +
                    decimals_text(spread.deviation, column.decimals));
    }
    html.leaf("td", "");
  });
}

}  // namespace

void add_folds(Html& html, Runs runs) {
  std::vector<const ReportInput*> folds;
  for (const ReportInput& run : runs)
    if (run.fold) folds.push_back(&run);
  if (folds.size() < 2) return;
  add_section(html, "Cross-validation", "each fold on the rows it did not train on", [&] {
    html.element("div", {{"class", "card wide"}}, [&] {
      html.element("table", [&] {
        add_head(html);
        html.element("tbody", [&] {
          for (const ReportInput* run : folds) add_fold_row(html, *run);
          add_spread_row(html, folds);
        });
      });
    });
  });
}

}  // namespace hone::report
