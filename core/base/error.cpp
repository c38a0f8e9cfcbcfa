#include "core/base/error.h"

namespace hone {
namespace {

std::string one_line(std::string_view code, std::string_view what, std::string_view where, std::string_view why,
                     std::string_view hint) {
  std::string line = "error[";
  line.append(code).append("]: ").append(what);
  if (!where.empty()) line.append(": ").append(where);
  if (!why.empty()) line.append(": ").append(why);
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
