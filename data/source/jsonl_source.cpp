#include "data/source/jsonl_source.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/exchange.h"

namespace hone::data {
namespace {

// Enough ranges to deal to many ranks, few enough to be worth a file each. Whole blocks.
std::size_t bytes_per_range(std::size_t total) {
  return std::clamp(total / 64 / kSourceBlock * kSourceBlock, kSourceBlock, std::size_t{64} << 20);
}

// Where the first line begins that begins at `offset` or after it. A line that is too long to be one may be cut
// in its middle, in a range after the one that it begins in.
std::size_t line_begin(std::string_view file, std::size_t offset) {
  if (offset == 0) return file.size() - without_bom(file).size();
  const std::string_view window = file.substr(offset - 1, kMaxLineBytes + 2);
  const std::size_t line_end = window.find('\n');
  return offset - 1 + (line_end == std::string_view::npos ? window.size() : line_end + 1);
}

void require_same_sizes(const std::vector<std::unique_ptr<MappedFile>>& files, Communicator& comm) {
  std::vector<std::uint64_t> mine;
  for (const auto& file : files) mine.push_back(file->bytes().size());
  const std::vector<std::uint64_t> all = gather_all(comm, mine);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t file = i % files.size(), rank = i / files.size();
    if (all[i] != all[file])
      throw Error(Exit::input, "DS022", "input is not the same for all ranks", files[file]->path(),
                  fmt::format("{} bytes for rank 0, {} for rank {}", all[file], all[i], rank));
  }
}

}  // namespace

std::optional<Example> ExampleReader::next() {
  const auto line = lines_.next();
  if (!line) return std::nullopt;
  last_line_ = line->number;
  Example example = read_row(*format_, Row(parser_.parse(*line, lines_.path()), where()));
  example.row = next_row_++;
  return example;
}

JsonlSource::JsonlSource(const std::vector<std::string>& paths) {
  map(paths);
  adopt(scan(0, 1));
}

JsonlSource::JsonlSource(const std::vector<std::string>& paths, Communicator& comm) {
  together(comm, [&] { map(paths); });
  require_same_sizes(mapped_, comm);
  const Scan mine = scan(static_cast<std::size_t>(comm.rank()), static_cast<std::size_t>(comm.world_size()));
  adopt({gather_all(comm, mine.ranges), gather_all(comm, mine.blocks)});
}

void JsonlSource::map(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (is_directory(path))
      throw Error(Exit::input, "DS025", "a folder is no file of rows", path, "files are read here",
                  "name the .jsonl files in it");
    mapped_.push_back(std::make_unique<MappedFile>(path));
  }
}

std::string_view JsonlSource::text(std::size_t file) const {
  const auto bytes = mapped_[file]->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<JsonlSource::Cut> JsonlSource::cuts() const {
  std::size_t total = 0;
  for (std::size_t file = 0; file < mapped_.size(); ++file) total += text(file).size();
  const std::size_t step = bytes_per_range(total);
  std::vector<Cut> cuts;
  for (std::size_t file = 0; file < mapped_.size(); ++file)
    for (std::size_t at = 0, size = text(file).size(); at < size; at += step)
      cuts.push_back({file, at, std::min(at + step, size)});
  return cuts;
}

JsonlSource::Scan JsonlSource::scan(std::size_t part, std::size_t parts) {
  const std::vector<Cut> all = cuts();
  Scan scan;
  for (std::size_t i = all.size() * part / parts; i < all.size() * (part + 1) / parts; ++i) {
    const auto [file, begin, end] = all[i];
    const std::string_view whole = text(file);
    RowRange range{file, line_begin(whole, begin), line_begin(whole, end)};
    const LineCounts counts = LineCounts::of(whole.substr(range.begin, range.end - range.begin));
    range.rows = counts.rows;
    scan.ranges.push_back({range, counts});
    if (counts.too_long >= 0) break;  // nothing after it matters
    for (std::size_t at = begin; at < end; at += kSourceBlock)
      scan.blocks.push_back(XXH3_64bits(whole.data() + at, std::min(kSourceBlock, end - at)));
    scanned_bytes_ += end - begin;
  }
  return scan;
}

// The first one of all ranks, by its number in its file.
void JsonlSource::refuse_long_lines(const Scan& whole) const {
  std::int64_t line = 1;
  std::size_t file = 0;
  for (const Scanned& scanned : whole.ranges) {
    if (std::exchange(file, scanned.range.file) != scanned.range.file) line = 1;
    if (scanned.counts.too_long >= 0) fail_long_line(mapped_[file]->path(), line + scanned.counts.too_long);
    line += scanned.counts.lines;
  }
}

void JsonlSource::adopt(const Scan& whole) {
  refuse_long_lines(whole);
  auto scanned = whole.ranges.begin();
  auto blocks = whole.blocks.begin();
  for (std::size_t file = 0; file < mapped_.size(); ++file) {
    const std::size_t size = text(file).size(), count = (size + kSourceBlock - 1) / kSourceBlock;
    SourceFile entry{mapped_[file]->path(), static_cast<std::int64_t>(size), 0,
                     XXH3_64bits(std::to_address(blocks), count * sizeof(std::uint64_t))};
    blocks += static_cast<std::ptrdiff_t>(count);
    for (std::int64_t line = 1; scanned != whole.ranges.end() && scanned->range.file == file; ++scanned) {
      RowRange range = scanned->range;
      range.first_line = line;
      range.first_row = rows();
      if (range.rows > 0) ranges_.push_back(range);
      line += scanned->counts.lines;
      entry.rows += range.rows;
    }
    files_.push_back(std::move(entry));
  }
  if (rows() == 0)
    throw Error(Exit::input, "DS001", "no rows", files_.empty() ? "data" : files_.front().path,
                "the input is empty");
}

std::int64_t JsonlSource::rows() const {
  return ranges_.empty() ? 0 : ranges_.back().first_row + ranges_.back().rows;
}

const RowFormat& JsonlSource::format(const std::string& name) const {
  const RowRange& first = ranges_.front();
  LineReader lines(files_[first.file].path, text(first.file).substr(first.begin, first.end - first.begin),
                   first.first_line);
  LineParser parser;
  const auto line = lines.next();
  return choose_row_format(name,
                           Row(parser.parse(*line, lines.path()), file_line(lines.path(), line->number)));
}

ExampleReader JsonlSource::read(const RowRange& range, const RowFormat& format) const {
  return {files_[range.file].path, text(range.file).substr(range.begin, range.end - range.begin), range,
          format};
}

std::vector<Example> read_examples(const std::vector<std::string>& paths, const std::string& format) {
  const JsonlSource source(paths);
  const RowFormat& rows = source.format(format);
  std::vector<Example> examples;
  for (const RowRange& range : source.ranges()) {
    ExampleReader reader = source.read(range, rows);
    while (auto example = reader.next()) examples.push_back(std::move(*example));
  }
  return examples;
}

}  // namespace hone::data
