#include "data/shard/lint.h"

#include <algorithm>
#include <numeric>

#include "data/exchange.h"

namespace hone::data {
namespace {

constexpr std::size_t kListed = 20;

struct HashedRow {
  std::uint64_t hash = 0;
  std::int64_t row = 0;
  auto operator<=>(const HashedRow&) const = default;
};

struct LengthCount {
  std::int64_t length = 0, rows = 0;
};

std::int64_t sum(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

std::int64_t summed(std::int64_t mine, Communicator& comm) {
  return sum(gather_all(comm, std::vector{mine}));
}

RowList joined(const RowList& mine, Communicator& comm) {
  RowList all{summed(mine.count, comm), gather_all(comm, mine.first)};
  std::sort(all.first.begin(), all.first.end());
  all.first.resize(std::min(all.first.size(), kListed));
  return all;
}

LengthCounts joined(const LengthCounts& mine, Communicator& comm) {
  std::vector<LengthCount> counts;
  for (const auto& [length, rows] : mine) counts.push_back({length, rows});
  LengthCounts all;
  for (const LengthCount& count : gather_all(comm, counts)) all[count.length] += count.rows;
  return all;
}

// Rows of one hash meet on one rank.
RowList duplicates(std::span<const RowStats> mine, std::int64_t first_row, Communicator& comm) {
  const auto world = static_cast<std::uint64_t>(comm.world_size());
  std::vector<std::vector<HashedRow>> parts(world);
  for (std::size_t i = 0; i < mine.size(); ++i)
    parts[mine[i].hash % world].push_back({mine[i].hash, first_row + static_cast<std::int64_t>(i)});
  std::vector<HashedRow> rows = exchange_all(comm, parts);
  std::sort(rows.begin(), rows.end());
  std::vector<std::int64_t> repeated;
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (rows[i].hash == rows[i - 1].hash) repeated.push_back(rows[i].row);
  std::sort(repeated.begin(), repeated.end());
  RowList list;
  for (const std::int64_t row : repeated) list.add(row);
  return joined(list, comm);
}

// Nearest rank.
std::int64_t percentile(const LengthCounts& lengths, std::int64_t rows, int percent) {
  const std::int64_t rank = std::max<std::int64_t>((rows * percent + 99) / 100, 1);
  std::int64_t seen = 0;
  for (const auto& [length, count] : lengths)
    if ((seen += count) >= rank) return length;
  return 0;
}

OrderedJson list_json(const RowList& list) { return {{"count", list.count}, {"first_rows", list.first}}; }

void set_percentiles(PrepareReport& report) {
  if (report.lengths.empty()) return;
  report.length_min = report.lengths.begin()->first;
  report.length_p50 = percentile(report.lengths, report.rows, 50);
  report.length_p90 = percentile(report.lengths, report.rows, 90);
  report.length_p99 = percentile(report.lengths, report.rows, 99);
  report.length_max = report.lengths.rbegin()->first;
}

}  // namespace

void RowList::add(std::int64_t row) {
  ++count;
  if (first.size() < kListed) first.push_back(row);
}

PrepareReport lint(std::span<const RowStats> mine, std::int64_t max_length, Communicator& comm) {
  const std::vector<std::int64_t> rows = gather_all(comm, std::vector{std::ssize(mine)});
  const std::int64_t first_row = std::accumulate(rows.begin(), rows.begin() + comm.rank(), std::int64_t{0});
  PrepareReport own;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const std::int64_t number = first_row + static_cast<std::int64_t>(i);
    ++own.lengths[mine[i].length];
    own.tokens += mine[i].length;
    own.supervised_tokens += mine[i].supervised;
    if (max_length > 0 && mine[i].length > max_length) own.longer_than_max.add(number);
    if (mine[i].kept_targets == 0) own.without_target.add(number);
    if (mine[i].empty_answer) own.empty_answers.add(number);
  }
  PrepareReport report;
  report.rows = sum(rows);
  report.max_length = max_length;
  report.tokens = summed(own.tokens, comm);
  report.supervised_tokens = summed(own.supervised_tokens, comm);
  report.lengths = joined(own.lengths, comm);
  set_percentiles(report);
  report.longer_than_max = joined(own.longer_than_max, comm);
  report.without_target = joined(own.without_target, comm);
  report.empty_answers = joined(own.empty_answers, comm);
  report.duplicates = duplicates(mine, first_row, comm);
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
