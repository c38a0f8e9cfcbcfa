#include "core/adapter/token_rows.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"

namespace hone::adapter {
namespace {

constexpr std::string_view kNew = "new";

struct Entry {
  std::string module;
  std::string_view row;
};

[[noreturn]] void refuse(const std::string& entry, const std::string& why) {
  throw Error(Exit::usage, "US077", "token refused", "adapter.trainable_token_indices",
              "\"" + entry + "\" " + why, "an id, embed_tokens:ID, lm_head:ID, or new for data.new_tokens");
}

Entry split(const std::string& entry) {
  const std::size_t colon = entry.find(':');
  if (colon == std::string::npos) return {std::string(formats::kEmbeddingName), entry};
  Entry parts{entry.substr(0, colon), std::string_view(entry).substr(colon + 1)};
  if (parts.module != formats::kEmbeddingName && parts.module != formats::kHeadName)
    refuse(entry, "names neither embed_tokens nor lm_head");
  return parts;
}

std::string entry_of(const std::string& module, std::int64_t id) {
  return module == formats::kEmbeddingName ? std::to_string(id) : module + ":" + std::to_string(id);
}

}  // namespace

formats::TokenRows token_rows(const std::vector<std::string>& entries) {
  formats::TokenRows rows;
  for (const std::string& entry : entries) {
    const Entry parts = split(entry);
    if (parts.row == kNew) continue;
    std::int64_t id = -1;
    const char* end = parts.row.data() + parts.row.size();
    const auto [stopped, error] = std::from_chars(parts.row.data(), end, id);
    if (error != std::errc() || stopped != end || id < 0) refuse(entry, "is no token id");
    std::vector<std::int64_t>& ids = rows[parts.module];
    if (std::find(ids.begin(), ids.end(), id) != ids.end()) refuse(entry, "is there twice");
    ids.push_back(id);
  }
  return rows;
}

std::vector<std::string> entries_of(const formats::TokenRows& rows) {
  std::vector<std::string> entries;
  for (const auto& [module, ids] : rows)
    for (const std::int64_t id : ids) entries.push_back(entry_of(module, id));
  return entries;
}

std::vector<std::string> with_new_tokens(const std::vector<std::string>& entries,
                                         const std::vector<std::int32_t>& ids) {
  std::vector<std::string> all;
  for (const std::string& entry : entries) {
    const Entry parts = split(entry);
    if (parts.row != kNew) {
      all.push_back(entry);
      continue;
    }
    if (ids.empty()) refuse(entry, "stands for data.new_tokens, and there are none");
    for (const std::int32_t id : ids) all.push_back(entry_of(parts.module, id));
  }
  return all;
}

}  // namespace hone::adapter
