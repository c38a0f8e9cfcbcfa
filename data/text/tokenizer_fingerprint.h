#pragma once
#include <cstdint>

#include "data/text/tokenizer_spec.h"

namespace hone::data {

// XXH3 over vocabulary, merges, added tokens and settings: equal where every text gives equal ids, whichever
// file the tokenizer came from. The chat template is not part of it.
std::uint64_t fingerprint_of(const TokenizerSpec& spec);

}  // namespace hone::data
