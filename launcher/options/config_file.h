#pragma once
// Our own reader of .cfg files (Boost's cuts values at #): [section], then key = value. A comment is a line
// that begins with #; a # inside a value belongs to it. LF or CRLF. Errors: exit 2 (CF00x) naming file:line;
// a file that is not there exit 3.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::launcher {

struct ConfigLine {
  std::string key;  // section.key
  std::string value;
  std::string where;  // file:line
};

std::vector<ConfigLine> parse_config(std::string_view text, const std::string& path);
std::vector<ConfigLine> read_config_file(const std::string& path);

}  // namespace hone::launcher
