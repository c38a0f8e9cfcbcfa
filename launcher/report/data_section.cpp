#include <algorithm>
#include <cmath>

#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

std::string whole(double count) { return rounded_text(count, 15); }

double dropped_rows(const DataSet& set) {
  double rows = 0;
  for (const auto& [reason, count] : set.dropped) rows += count;
  return rows;
}

void add_dropped(Html& html, const DataSet& set) {
  html.element("td", {{"class", "n"}}, [&] {
    html.text(whole(dropped_rows(set)));
    for (const auto& [reason, rows] : set.dropped)
      if (rows > 0) html.leaf("small", {{"class", "under"}}, whole(rows) + " " + reason);
  });
}

void add_set(Html& html, const DataSet& set) {
  html.element("tr", [&] {
    html.leaf("th", {{"scope", "row"}}, set.name);
    html.leaf("td", {{"class", "n"}}, whole(set.rows));
    html.leaf("td", {{"class", "n"}}, whole(set.tokens));
    html.element("td", {{"class", "n"}}, [&] {
      html.text(whole(set.supervised_tokens));
      if (set.supervised_tokens > 0 && set.tokens > 0)
        html.leaf("small", {{"class", "under"}}, percent_text(set.supervised_tokens / set.tokens));
    });
    html.leaf("td", {{"class", "n"}}, rounded_text(set.tokens / set.rows, 3));
    html.leaf("td", {{"class", "n"}}, whole(set.longest));
    html.leaf("td", {{"class", "n"}}, whole(set.truncated));
    add_dropped(html, set);
  });
}

void add_table(Html& html, const std::vector<DataSet>& sets) {
  html.element("div", {{"class", "card wide"}}, [&] {
    html.element("table", [&] {
      html.element("thead", [&] {
        html.element("tr", [&] {
          html.leaf("th", "Set");
          for (const char* column :
               {"Rows", "Tokens", "Supervised", "Tokens a row", "Longest row", "Cut rows", "Dropped rows"})
            html.leaf("th", {{"class", "n"}}, column);
        });
      });
      html.element("tbody", [&] {
        for (const DataSet& set : sets) add_set(html, set);
      });
    });
  });
}

}  // namespace

void add_data(Html& html, Runs runs) {
  if (std::all_of(runs.begin(), runs.end(), [](const ReportInput& run) { return run.data.empty(); })) return;
  add_section(html, "Prepared data", "", [&] {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (runs[i].data.empty()) continue;
      add_run_name(html, runs, i);
      add_table(html, runs[i].data);
    }
  });
}

}  // namespace hone::report
