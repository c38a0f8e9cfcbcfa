#pragma once
// The row formats that hone reads: which keys a row has and what they mean. One registry, one line a format.
#include <string>
#include <string_view>
#include <vector>

#include "data/source/example.h"
#include "data/source/json_lines.h"

namespace hone::data {

// A parsed row with the place it came from. Accessors throw DS006 naming the place, the key and the keys
// there are.
class Row {
 public:
  Row(simdjson::dom::object object, std::string where) : object_(object), where_(std::move(where)) {}
  bool has(std::string_view key) const { return object_.at_key(key).error() == simdjson::SUCCESS; }
  bool is_list(std::string_view key) const { return object_.at_key(key).is_array(); }
  std::string text(std::string_view key) const;
  std::string text_or_empty(std::string_view key) const;  // absent or null: empty
  std::vector<Message> messages(std::string_view key) const;
  std::string key_list() const;
  const std::string& where() const { return where_; }

 private:
  simdjson::dom::object object_;
  std::string where_;
};

struct RowFormat {
  const char* name;
  std::vector<const char*> keys;    // every row has these
  std::vector<const char*> absent;  // `auto` takes a row with one of these for another task's
  Example (*read)(const Row& row);
};

const std::vector<RowFormat>& row_formats();

// `name` as in data.format; "auto" decides by the keys of `first` (DS005 where nothing fits).
const RowFormat& choose_row_format(const std::string& name, const Row& first);

// Reads a row, DS006 where it does not fit the format.
Example read_row(const RowFormat& format, const Row& row);

}  // namespace hone::data
