#pragma once
// The parts of the page, in the order they stand. A part that has nothing to show leaves no trace.
#include <span>
#include <string_view>

#include "launcher/report/html.h"
#include "launcher/report/run_input.h"

namespace hone::report {

using Runs = std::span<const ReportInput>;

void add_header(Html& html, Runs runs);   // names, state, key numbers
void add_folds(Html& html, Runs runs);    // of a cross-validation, with mean and spread
void add_results(Html& html, Runs runs);  // base against tuned
void add_curves(Html& html, Runs runs);
void add_answers(Html& html, Runs runs);  // sample answers side by side
void add_errors(Html& html, Runs runs);   // what is wrong with the answers
void add_time(Html& html, Runs runs);     // where it went
void add_data(Html& html, Runs runs);
void add_settings(Html& html, Runs runs);

// A section of the page with its heading; `note` stands beside it.
template <class Inside>
void add_section(Html& html, std::string_view heading, std::string_view note, Inside&& inside) {
  html.element("section", [&] {
    html.element("div", {{"class", "heading"}}, [&] {
      html.leaf("h2", heading);
      if (!note.empty()) html.leaf("p", note);
    });
    inside();
  });
}

// Above what belongs to one of several runs: its colour and name. Nothing where there is only one.
void add_run_name(Html& html, Runs runs, std::size_t index);

}  // namespace hone::report
