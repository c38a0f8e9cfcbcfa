#include "launcher/options/config_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "launcher/options/field.h"

namespace hone::launcher {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

[[noreturn]] void refuse(const char* number, const char* what, const std::string& where,
                         std::string_view line, const char* hint) {
  throw Error(Exit::usage, number, what, where, "\"" + std::string(line.substr(0, 60)) + "\"", hint);
}

bool plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string section_name(std::string_view line, const std::string& where) {
  const std::string_view name = trimmed(line.substr(1, line.size() - 2));
  if (line.back() != ']' || !plain_name(name))
    refuse("CF001", "line not understood", where, line, "a section is written [name]");
  return std::string(name);
}

ConfigLine key_and_value(std::string_view line, const std::string& section, const std::string& where) {
  const std::size_t equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, equals));
  if (equals == line.npos || !plain_name(key))
    refuse("CF001", "line not understood", where, line, "write key = value, [section] or # comment");
  if (section.empty())
    refuse("CF004", "key outside of a section", where, key, "begin with a line like [train]");
  return {section + "." + std::string(key), std::string(trimmed(line.substr(equals + 1))), where};
}

}  // namespace

std::vector<ConfigLine> parse_config(std::string_view text, const std::string& path) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<ConfigLine> out;
  std::string section;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trimmed(line);
    const std::string where = path + ":" + std::to_string(number);
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[')
      section = section_name(line, where);
    else
      out.push_back(key_and_value(line, section, where));
  }
  return out;
}

std::vector<ConfigLine> read_config_file(const std::string& path) {
  return parse_config(read_text_file(path, kLargestFile), path);
}

}  // namespace hone::launcher
