#include "data/source/jsonl_source.h"

#include <xxhash.h>

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {
namespace {

// Enough ranges to deal to many ranks, few enough to be worth a file each.
std::size_t bytes_per_range(std::size_t total) {
  return std::clamp(total / 64, std::size_t{256} << 10, std::size_t{64} << 20);
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
  std::size_t total = 0;
  for (const std::string& path : paths) {
    mapped_.push_back(std::make_unique<MappedFile>(path));
    total += mapped_.back()->bytes().size();
  }
  for (std::size_t file = 0; file < mapped_.size(); ++file) scan(file, bytes_per_range(total));
  if (rows() == 0)
    throw Error(Exit::input, "DS001", "no rows", paths.empty() ? "data" : paths.front(),
                "the input is empty");
}

std::string_view JsonlSource::text(std::size_t file) const {
  const auto bytes = mapped_[file]->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void JsonlSource::scan(std::size_t file, std::size_t range_bytes) {
  const std::string_view whole = text(file);
  const std::string& path = mapped_[file]->path();
  const std::size_t bom = whole.size() - without_bom(whole).size();
  SourceFile entry{path, static_cast<std::int64_t>(whole.size()), 0, 0};
  const std::int64_t rows_before = rows();
  LineReader lines(path, whole.substr(bom));
  RowRange range{file, bom, bom, 1, rows_before, 0};
  const auto close = [&] {
    range.end = bom + lines.consumed();
    entry.rows += range.rows;
    if (range.rows > 0) ranges_.push_back(range);
    range = {file, range.end, range.end, lines.next_line_number(), rows_before + entry.rows, 0};
  };
  while (lines.next()) {
    ++range.rows;
    if (bom + lines.consumed() - range.begin >= range_bytes) close();
  }
  close();
  entry.digest = XXH3_64bits(whole.data(), whole.size());  // after the lines were found to be lines
  files_.push_back(std::move(entry));
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
