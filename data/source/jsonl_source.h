#pragma once
// Input files as one sequence of rows, cut into ranges that depend on the files alone: the unit of work that
// is dealt to ranks, and of what becomes one shard. Files are mapped; only what is asked for is parsed.
//
// Range k of a file are the lines that begin in bytes [k * n, (k + 1) * n), so that it is found, and its lines are
// counted, without a look at what comes before it: ranks share the one pass over the input that this takes.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/ports/communicator.h"
#include "data/source/row_formats.h"

namespace hone::data {

struct SourceFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::uint64_t digest = 0;  // XXH3 of the XXH3s of each kSourceBlock of the file, the last one short
};

constexpr std::size_t kSourceBlock = std::size_t{256} << 10;

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
  // DS001 where there is no row in all of them, DS002 at a line that is too long.
  explicit JsonlSource(const std::vector<std::string>& paths);
  // All ranks, each of which looks at its share of the bytes. The same source, or error, on all of them; DS022
  // where they do not see files of the same sizes.
  JsonlSource(const std::vector<std::string>& paths, Communicator& comm);
  const std::vector<SourceFile>& files() const { return files_; }
  const std::vector<RowRange>& ranges() const { return ranges_; }
  std::int64_t rows() const;
  std::size_t scanned_bytes() const { return scanned_bytes_; }  // by this rank
  // `name` as in data.format; "auto" looks at the first row of the first file that has one.
  const RowFormat& format(const std::string& name) const;
  ExampleReader read(const RowRange& range, const RowFormat& format) const;

 private:
  struct Cut {  // where the lines of a range begin to begin, and where they end to
    std::size_t file, begin, end;
  };
  struct Scanned {   // exchanged between ranks as bytes
    RowRange range;  // `first_line` and `first_row` not known yet
    LineCounts counts;
  };
  struct Scan {  // of a rank's share, or of all; ends at a line that is too long
    std::vector<Scanned> ranges;
    std::vector<std::uint64_t> blocks;  // digests
  };
  void map(const std::vector<std::string>& paths);
  std::string_view text(std::size_t file) const;
  std::vector<Cut> cuts() const;
  Scan scan(std::size_t part, std::size_t parts);
  void refuse_long_lines(const Scan& whole) const;
  void adopt(const Scan& whole);

  std::vector<std::unique_ptr<MappedFile>> mapped_;
  std::vector<SourceFile> files_;
  std::vector<RowRange> ranges_;
  std::size_t scanned_bytes_ = 0;
};

// All examples at once, for inputs that fit in memory.
std::vector<Example> read_examples(const std::vector<std::string>& paths, const std::string& format);

}  // namespace hone::data
