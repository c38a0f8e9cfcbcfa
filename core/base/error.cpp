#include "core/base/error.h"

namespace hone {
namespace {

// What a file says may stand in a message, but not all of it.
constexpr std::size_t kMaxPart = 2000;

std::string_view start_of(std::string_view part) {
  if (part.size() <= kMaxPart) return part;
  std::size_t end = kMaxPart;
  while (end > 0 && (static_cast<unsigned char>(part[end]) & 0xC0) == 0x80) --end;  // no half of a character
  return part.substr(0, end);
}

std::string one_line(std::string_view code, std::string_view what, std::string_view where,
                     std::string_view why, std::string_view hint) {
  std::string line = "error[";
  line.append(code).append("]: ").append(what);
  if (!where.empty()) line.append(": ").append(start_of(where));
  if (!why.empty()) line.append(": ").append(start_of(why));
  if (!hint.empty()) line.append("; ").append(hint);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

}  // namespace

Error::Error(Exit exit, std::string_view code, std::string_view what, std::string_view where,
             std::string_view why, std::string_view hint)
    : std::runtime_error(one_line(code, what, where, why, hint)), exit_(exit), code_(code) {}

void fail_invariant(const char* condition, const char* file, int line) {
  throw Error(Exit::internal, "IN000", "a condition that always holds did not",
              std::string(file) + ":" + std::to_string(line), condition, "this is a bug in hone");
}

}  // namespace hone
