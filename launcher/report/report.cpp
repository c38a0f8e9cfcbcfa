#include "launcher/report/report.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "launcher/report/page_style.h"
#include "launcher/report/sections.h"

namespace hone::report {

std::string report_page(std::span<const ReportInput> runs, double refresh_s) {
  HONE_CHECK(!runs.empty());
  const std::string title = runs.size() == 1 ? runs[0].name : std::to_string(runs.size()) + " runs";
  Html html;
  html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n");
  // Nothing is fetched and nothing runs, whatever a run's files hold.
  html.raw(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"/>\n");
  if (refresh_s > 0)
    html.empty("meta", {{"http-equiv", "refresh"},
                        {"content", std::to_string(static_cast<int>(std::ceil(refresh_s)))}});
  html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
  html.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n");
  html.leaf("title", title + " · Hone");
  html.element("style", [&] { html.raw(kPageStyle); });
  html.raw("</head>\n<body><main>\n");
  for (const auto add : {add_header, add_folds, add_results, add_curves, add_answers, add_errors, add_time,
                         add_data, add_settings}) {
    add(html, runs);
    html.raw("\n");
  }
  html.raw("</main></body></html>\n");
  return html.str();
}

void write_report(std::span<const ReportInput> runs, const std::string& path, double refresh_s) {
  write_file_atomic(path, std::string_view(report_page(runs, refresh_s)));
}

void write_report(const ReportInput& run, const std::string& path) { write_report(std::span(&run, 1), path); }

}  // namespace hone::report
