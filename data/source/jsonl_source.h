#pragma once
// Input files as one sequence of rows, cut into ranges that depend on the files alone: the unit of work that
// is dealt to ranks, and of what becomes one shard. Files are mapped; only what is asked for is parsed.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "data/source/row_formats.h"

namespace hone::data {

struct SourceFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::uint64_t digest = 0;  // XXH3 of the whole file
};

// Consecutive rows of one file.
struct RowRange {
  std::size_t file = 0;
  std::size_t begin = 0;  // bytes
  std::size_t end = 0;
  std::int64_t first_line = 1;
  std::int64_t first_row = 0;  // over all files
  std::int64_t rows = 0;
};

// Examples of one range, in order.
class ExampleReader {
 public:
  ExampleReader(const std::string& path, std::string_view text, const RowRange& range,
                const RowFormat& format)
      : lines_(path, text, range.first_line), format_(&format), next_row_(range.first_row) {}
  std::optional<Example> next();
  std::string where() const { return file_line(lines_.path(), last_line_); }  // of the last example

 private:
  LineReader lines_;
  LineParser parser_;
  const RowFormat* format_;
  std::int64_t next_row_;
  std::int64_t last_line_ = 0;
};

class JsonlSource {
 public:
  explicit JsonlSource(const std::vector<std::string>& paths);  // DS001 where there is no row in all of them
  const std::vector<SourceFile>& files() const { return files_; }
  const std::vector<RowRange>& ranges() const { return ranges_; }
  std::int64_t rows() const;
  // `name` as in data.format; "auto" looks at the first row of the first file that has one.
  const RowFormat& format(const std::string& name) const;
  ExampleReader read(const RowRange& range, const RowFormat& format) const;

 private:
  std::string_view text(std::size_t file) const;
  void scan(std::size_t file, std::size_t range_bytes);

  std::vector<std::unique_ptr<MappedFile>> mapped_;
  std::vector<SourceFile> files_;
  std::vector<RowRange> ranges_;
};

// All examples at once, for inputs that fit in memory.
std::vector<Example> read_examples(const std::vector<std::string>& paths, const std::string& format);

}  // namespace hone::data
