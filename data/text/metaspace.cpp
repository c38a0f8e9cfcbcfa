#include "data/text/metaspace.h"

#include <charconv>

#include "data/text/utf8.h"

namespace hone::data {
namespace {

// Whether a mark is put before the text. As a normaliser it always is; as a pre-tokenizer not before another
// one.
bool wants_mark(std::string_view text, const Metaspace& rule, bool at_start) {
  if (text.empty() || rule.prepend == Metaspace::Prepend::never) return false;
  if (rule.normalizer) return true;
  if (rule.prepend == Metaspace::Prepend::first && !at_start) return false;
  return !text.starts_with(' ') && !text.starts_with(kMetaspace);
}

void append(NormalizedText& out, std::string_view bytes, std::size_t begin, std::size_t end) {
  out.text += bytes;
  out.begins.insert(out.begins.end(), bytes.size(), begin);
  out.ends.insert(out.ends.end(), bytes.size(), end);
}

}  // namespace

NormalizedText mark_words(NormalizedText in, const Metaspace& rule, bool at_start) {
  NormalizedText out;
  out.text.reserve(in.text.size() + in.text.size() / 2);
  if (wants_mark(in.text, rule, at_start))  // it belongs to the first character
    append(out, kMetaspace, in.source_begin(0), in.source_end(code_point_at(in.text, 0).length));
  for (std::size_t i = 0; i < in.text.size(); ++i) {
    const std::string_view byte = std::string_view(in.text).substr(i, 1);
    append(out, byte == " " ? kMetaspace : byte, in.source_begin(i), in.source_end(i + 1));
  }
  return out;
}

std::string unmarked(std::string_view token) {
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const bool mark = token.substr(at).starts_with(kMetaspace);
    out += mark ? ' ' : token[at];
    at += mark ? kMetaspace.size() : 1;
  }
  return out;
}

int byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  int value = -1;
  const char* end = token.data() + 5;
  const auto [stopped, problem] = std::from_chars(token.data() + 3, end, value, 16);
  return problem == std::errc() && stopped == end ? value : -1;
}

}  // namespace hone::data
