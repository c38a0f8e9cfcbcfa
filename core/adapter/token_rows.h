#pragma once
// adapter.trainable_token_indices as text: ID and embed_tokens:ID are rows of the embedding, lm_head:ID of a head of
// its own. PEFT's list is the first, its dict of names has both.
#include <string>
#include <vector>

#include "core/formats/peft.h"

namespace hone::adapter {

// US077 (exit 2) where an entry is none of these or is there twice. "new" is left out: its ids are not known yet.
formats::TokenRows token_rows(const std::vector<std::string>& entries);
std::vector<std::string> entries_of(const formats::TokenRows& rows);

// "new" and MODULE:new become an entry for each of `ids`.
std::vector<std::string> with_new_tokens(const std::vector<std::string>& entries,
                                         const std::vector<std::int32_t>& ids);

}  // namespace hone::adapter
