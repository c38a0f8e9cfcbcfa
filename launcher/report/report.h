#pragma once
// The report: one HTML page that needs nothing else (no script, no font, no picture from elsewhere) with the
// curves, the results, where time went, the data and the config of one run, or of several laid over each
// other.
#include <span>
#include <string>

#include "launcher/report/run_input.h"

namespace hone::report {

std::string report_page(std::span<const ReportInput> runs);  // at least one

// Written atomically. Error(Exit::output) where it cannot be.
void write_report(std::span<const ReportInput> runs, const std::string& path);
void write_report(const ReportInput& run, const std::string& path);

}  // namespace hone::report
