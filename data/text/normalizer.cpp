#include "data/text/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "core/base/error.h"

namespace hone::data {
namespace {

utf8proc_option_t options(Normalization form) {
  int flags = UTF8PROC_STABLE;
  flags |= form == Normalization::nfc || form == Normalization::nfkc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == Normalization::nfkc || form == Normalization::nfkd) flags |= UTF8PROC_COMPAT;
  return static_cast<utf8proc_option_t>(flags);
}

std::string convert(std::string_view text, Normalization form) {
  utf8proc_uint8_t* made = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &made, options(form));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
  if (length < 0)
    throw Error(Exit::input, "TK013", "text cannot be normalised", "input", utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(length)};
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// No form changes an ASCII character or joins one to what stands before it, so a text may be cut in front of
// each; what changes inside such a cut is attributed to the whole of it.
std::size_t next_cut(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && !is_ascii(text[end])) ++end;
  return end;
}

NormalizedText apply(const NormalizedText& in, Normalization form) {
  NormalizedText out;
  const std::string_view text = in.text;
  out.text.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = next_cut(text, at);
    const std::string_view piece = text.substr(at, end - at);
    const std::string made = piece.size() == 1 ? std::string(piece) : convert(piece, form);
    const bool same = made == piece;
    for (std::size_t i = 0; i < made.size(); ++i) {
      out.begins.push_back(in.source_begin(same ? at + i : at));
      out.ends.push_back(in.source_end(same ? at + i + 1 : end));
    }
    out.text += made;
    at = end;
  }
  return out;
}

}  // namespace

NormalizedText normalize(std::string_view text, const std::vector<Normalization>& steps) {
  NormalizedText out{std::string(text), {}, {}};
  bool ascii = true;
  for (const char c : text) ascii = ascii && is_ascii(c);
  if (ascii) return out;
  for (const Normalization form : steps) out = apply(out, form);
  return out;
}

}  // namespace hone::data
