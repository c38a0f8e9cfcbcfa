#include "data/shard/lint.h"

#include <algorithm>
#include <unordered_set>

namespace hone::data {
namespace {

constexpr std::size_t kListed = 20;

// Nearest rank.
std::int64_t percentile(const std::vector<std::int32_t>& sorted, int percent) {
  const std::size_t rank = (sorted.size() * static_cast<std::size_t>(percent) + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

OrderedJson list_json(const RowList& list) {
  return {{"count", list.count}, {"first_rows", list.first}};
}

void set_percentiles(std::span<const RowStats> rows, PrepareReport& report) {
  std::vector<std::int32_t> lengths;
  for (const RowStats& row : rows) lengths.push_back(row.length);
  if (lengths.empty()) return;
  std::sort(lengths.begin(), lengths.end());
  report.length_min = lengths.front();
  report.length_p50 = percentile(lengths, 50);
  report.length_p90 = percentile(lengths, 90);
  report.length_p99 = percentile(lengths, 99);
  report.length_max = lengths.back();
}

}  // namespace

void RowList::add(std::int64_t row) {
  ++count;
  if (first.size() < kListed) first.push_back(row);
}

PrepareReport lint(std::span<const RowStats> rows, std::int64_t max_length) {
  PrepareReport report;
  report.rows = static_cast<std::int64_t>(rows.size());
  report.max_length = max_length;
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i);
    report.tokens += rows[i].length;
    report.supervised_tokens += rows[i].supervised;
    if (max_length > 0 && rows[i].length > max_length) report.longer_than_max.add(number);
    if (rows[i].kept_targets == 0) report.without_target.add(number);
    if (rows[i].empty_answer) report.empty_answers.add(number);
    if (!seen.insert(rows[i].hash).second) report.duplicates.add(number);
  }
  set_percentiles(rows, report);
  return report;
}

OrderedJson to_json(const PrepareReport& report) {
  return {{"rows", report.rows},
          {"tokens", report.tokens},
          {"supervised_tokens", report.supervised_tokens},
          {"shards", report.shards},
          {"length",
           {{"min", report.length_min},
            {"p50", report.length_p50},
            {"p90", report.length_p90},
            {"p99", report.length_p99},
            {"max", report.length_max}}},
          {"max_length", report.max_length},
          {"longer_than_max_length", list_json(report.longer_than_max)},
          {"without_target", list_json(report.without_target)},
          {"duplicates", list_json(report.duplicates)},
          {"empty_answers", list_json(report.empty_answers)}};
}

}  // namespace hone::data
