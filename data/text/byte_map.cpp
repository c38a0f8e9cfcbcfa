#include "data/text/byte_map.h"

#include "data/text/utf8.h"

namespace hone::data {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<std::int16_t, 512> bytes;  // by code point; -1: not of the alphabet

  Alphabet() {
    bytes.fill(-1);
    int next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const int value = stands_for_itself(byte) ? byte : next++;
      append_utf8(static_cast<char32_t>(value), characters[static_cast<std::size_t>(byte)]);
      bytes[static_cast<std::size_t>(value)] = static_cast<std::int16_t>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet made;
  return made;
}

}  // namespace

const std::array<std::string, 256>& byte_characters() { return alphabet().characters; }

std::optional<std::string> bytes_of_token(std::string_view token) {
  const auto& bytes = alphabet().bytes;
  std::string out;
  out.reserve(token.size());
  for (std::size_t at = 0; at < token.size();) {
    const CodePoint c = code_point_at(token, at);
    if (c.value >= bytes.size() || bytes[c.value] < 0) return std::nullopt;
    out.push_back(static_cast<char>(bytes[c.value]));
    at += c.length;
  }
  return out;
}

}  // namespace hone::data
