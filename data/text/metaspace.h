#pragma once
// Words marked by the character U+2581 before them, as tokenizers that came from SentencePiece have it (Llama
// 2, TinyLlama, Mistral): every space becomes the mark, and one may be put before the text.
#include <string>
#include <string_view>

#include "data/text/normalizer.h"

namespace hone::data {

inline constexpr std::string_view kMetaspace = "\xE2\x96\x81";

// `text` as it was normalised so far; `at_start`: it begins the whole text, not after an added token.
NormalizedText mark_words(NormalizedText text, const Metaspace& rule, bool at_start);

// What a token stands for: marks as spaces.
std::string unmarked(std::string_view token);

// The byte that "<0x0A>" stands for; -1: the token is none of a byte.
int byte_of_token(std::string_view token);

}  // namespace hone::data
