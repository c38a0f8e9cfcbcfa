#include "launcher/report/html.h"

#include <cstdint>

namespace hone::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Length of the well-formed UTF-8 sequence of two to four bytes that starts at `at`, 0 where there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() - at < length) return 0;
  std::uint32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte_at(text, at + i) & 0x3Fu);
  }
  const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return too_long || surrogate || code > 0x10FFFF || code < 0xA0 ? 0
                                                                 : length;  // up to 0x9F: control characters
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char byte = byte_at(text, i);
    const bool control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    const std::size_t length = byte < 0x80 ? (control ? 0 : 1) : sequence_length(text, i);
    if (length == 0) {
      if (byte != '\r') out += kReplacement;
      ++i;
      continue;
    }
    const std::string_view named = entity(text[i]);
    out += named.empty() ? text.substr(i, length) : named;
    i += length;
  }
  return out;
}

void Html::open(std::string_view tag, Attributes attributes, std::string_view end) {
  out_.append("<").append(tag);
  for (const auto& [name, value] : attributes) {
    if (value.empty()) continue;
    out_.append(" ").append(name).append("=\"").append(escaped(value)).append("\"");
  }
  out_.append(end);
}

void Html::close(std::string_view tag) { out_.append("</").append(tag).append(">"); }

void Html::leaf(std::string_view tag, Attributes attributes, std::string_view text) {
  element(tag, attributes, [&] { out_ += escaped(text); });
}

}  // namespace hone::report
