#include "data/source/json_lines.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/error.h"

namespace hone::data {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

// What a file that is no JSON Lines seems to be, and what to do about it.
std::string hint_for(const Line& line) {
  struct Kind {
    std::string_view begin, hint;
  };
  constexpr Kind kKinds[] = {
      {"\x1f\x8b", "the file is compressed with gzip: unpack it with gunzip first"},
      {"\x28\xb5\x2f\xfd", "the file is compressed with zstd: unpack it with unzstd first"},
      {"BZh", "the file is compressed with bzip2: unpack it with bunzip2 first"},
      {"\xfd\x37zXZ", "the file is compressed with xz: unpack it with unxz first"},
      {"PK\x03\x04", "the file is a zip archive: unpack it with unzip first"},
      {"PAR1", "the file is Parquet: write its rows as JSON Lines first"},
      {"ARROW1", "the file is Arrow: write its rows as JSON Lines first"},
      {"[", "one JSON object a line is read, no list: jq -c '.[]' makes lines of it"}};
  if (line.number > 1) return {};
  for (const Kind& kind : kKinds)
    if (line.text.starts_with(kind.begin)) return std::string(kind.hint);
  if (line.text.find_first_not_of(" \t") == line.text.find('{')) return {};
  return "one JSON object a line is read; CSV and plain text must be made that first";
}

[[noreturn]] void fail_line(const Line& line, const std::string& where, std::string_view why) {
  throw Error(Exit::input, "DS003", "bad line", where, why, hint_for(line));
}

[[noreturn]] void fail_duplicate(std::string_view key, const std::string& where) {
  throw Error(Exit::input, "DS004", "duplicate key", where,
              "\"" + std::string(key.substr(0, 80)) + "\" is there twice");
}

// simdjson keeps duplicates and finds the first, other readers keep the last: refused, so that nobody is
// misled.
void require_unique_keys(simdjson::dom::element element, const std::string& where) {
  simdjson::dom::array children;
  simdjson::dom::object fields;
  if (element.get(children) == simdjson::SUCCESS) {
    for (const auto child : children) require_unique_keys(child, where);
  } else if (element.get(fields) == simdjson::SUCCESS) {
    std::vector<std::string_view> keys;
    for (const auto field : fields) {
      keys.push_back(field.key);
      require_unique_keys(field.value, where);
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) fail_duplicate(*twice, where);
  }
}

}  // namespace

std::string file_line(const std::string& path, std::int64_t line) {
  return path + ":" + std::to_string(line);
}

void fail_long_line(const std::string& path, std::int64_t number) {
  throw Error(Exit::input, "DS002", "line too long", file_line(path, number),
              "limit " + std::to_string(kMaxLineBytes) + " bytes");
}

std::string_view without_bom(std::string_view file) {
  if (file.starts_with("\xEF\xBB\xBF")) file.remove_prefix(3);
  return file;
}

std::optional<Line> LineReader::next_line() {
  if (position_ >= text_.size()) return std::nullopt;
  Line line{text_.substr(position_, kMaxLineBytes + 2), next_number_++};  // "\r\n" does not count
  line.text = line.text.substr(0, line.text.find('\n'));
  position_ = std::min(position_ + line.text.size() + 1, text_.size());
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  return line;
}

std::optional<Line> LineReader::next() {
  while (const auto line = next_line()) {
    if (line->text.size() > kMaxLineBytes) fail_long_line(path_, line->number);
    if (!is_blank(line->text)) return line;
  }
  return std::nullopt;
}

LineCounts LineCounts::of(std::string_view text) {
  LineCounts counts;
  LineReader reader({}, text);
  while (const auto line = reader.next_line()) {
    if (line->text.size() > kMaxLineBytes) {
      counts.too_long = counts.lines;
      break;
    }
    ++counts.lines;
    counts.rows += !is_blank(line->text);
  }
  return counts;
}

LineParser::LineParser() : parser_(kMaxLineBytes + 1) {
  if (parser_.allocate(std::size_t{64} << 10, kMaxJsonDepth) != simdjson::SUCCESS) throw std::bad_alloc();
}

simdjson::dom::object LineParser::parse(const Line& line, const std::string& path) {
  const std::string where = file_line(path, line.number);
  const std::size_t zero = line.text.find('\0');
  if (zero != std::string_view::npos) fail_line(line, where, "NUL at byte " + std::to_string(zero));
  if (!simdjson::validate_utf8(line.text)) fail_line(line, where, "not UTF-8");
  simdjson::dom::element root;
  if (const auto error = parser_.parse(line.text.data(), line.text.size()).get(root);
      error != simdjson::SUCCESS)
    fail_line(line, where, simdjson::error_message(error));
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) fail_line(line, where, "a row must be a JSON object");
  require_unique_keys(root, where);
  return object;
}

}  // namespace hone::data
