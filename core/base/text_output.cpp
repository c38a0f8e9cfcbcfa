#include "core/base/text_output.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/error.h"

namespace hone {
namespace {

[[noreturn]] void fail() {
  throw Error(Exit::output, "OU001", "cannot write", "standard output", std::strerror(errno));
}

}  // namespace

void TextOutput::text(std::string_view text) {
  if (stream_ == nullptr) return;
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) fail();
}

void TextOutput::line(std::string_view line) { text(std::string(line) + "\n"); }

void TextOutput::json(const OrderedJson& row) {
  line(row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

void TextOutput::flush() {
  if (stream_ != nullptr && std::fflush(stream_) != 0) fail();
}

}  // namespace hone
