#pragma once
// JSON Lines over bytes already mapped: cuts lines (LF or CRLF, at most kMaxLineBytes, blank ones skipped)
// and parses one line into a JSON object with the checks of untrusted input: UTF-8, depth, no duplicate keys.
// Errors are exit 3, DS00x, and name file:line.
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hone::data {

constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxJsonDepth = 64;

struct Line {
  std::string_view text;    // without its line end
  std::int64_t number = 0;  // in the file, from 1
};

std::string_view without_bom(std::string_view file);

class LineReader {
 public:
  LineReader(std::string path, std::string_view text, std::int64_t first_line = 1)
      : path_(std::move(path)), text_(text), next_number_(first_line) {}
  std::optional<Line> next();  // the next row: a line that is not blank; DS002 at a line that is too long
  const std::string& path() const { return path_; }

 private:
  friend struct LineCounts;
  std::optional<Line> next_line();  // blank or too long as well

  std::string path_;
  std::string_view text_;
  std::size_t position_ = 0;
  std::int64_t next_number_;
};

// What `text` holds, which begins where a line does.
struct LineCounts {
  std::int64_t lines = 0;
  std::int64_t rows = 0;
  std::int64_t too_long = -1;  // the first line that is too long, counted from 0; nothing after it is counted
  static LineCounts of(std::string_view text);
};

// One reusable parser. What parse() returns is valid until the next call.
class LineParser {
 public:
  LineParser();
  simdjson::dom::object parse(const Line& line, const std::string& path);

 private:
  simdjson::dom::parser parser_;
};

std::string file_line(const std::string& path, std::int64_t line);
[[noreturn]] void fail_long_line(const std::string& path, std::int64_t number);  // DS002

}  // namespace hone::data
