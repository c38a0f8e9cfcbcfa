#pragma once
// The report: one HTML page that needs nothing else (no script, no font, no picture from elsewhere) with the
// curves, the results, where time went, the data and the config of one run, or of several laid over each
// other.
#include <span>
#include <string>

#include "launcher/report/run_input.h"

namespace hone::report {

// At least one run. With `refresh_s` above 0 a browser loads the page again by itself after so many seconds.
std::string report_page(std::span<const ReportInput> runs, double refresh_s = 0);

// Written atomically. Error(Exit::output) where it cannot be.
void write_report(std::span<const ReportInput> runs, const std::string& path, double refresh_s = 0);
void write_report(const ReportInput& run, const std::string& path);

}  // namespace hone::report
