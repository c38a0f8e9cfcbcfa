#include "data/text/tokenizer_spec.h"

#include <algorithm>
#include <unordered_map>

#include "core/base/error.h"
#include "data/text/utf8.h"

namespace hone::data {
namespace {

[[noreturn]] void refuse(const TokenizerSpec& spec, const char* code, const char* what,
                         const std::string& why) {
  throw Error(Exit::input, code, what, spec.source, why);
}

std::unordered_map<std::string_view, std::int32_t> checked_vocabulary(const TokenizerSpec& spec) {
  std::unordered_map<std::string_view, std::int32_t> ids;
  ids.reserve(spec.vocabulary.size());
  for (std::size_t i = 0; i < spec.vocabulary.size(); ++i) {
    const std::string& token = spec.vocabulary[i];
    if (token.empty()) continue;
    if (token.size() > kMaxTokenBytes) refuse(spec, "TK002", "token too long", "id " + std::to_string(i));
    if (!is_valid_utf8(token)) refuse(spec, "TK003", "token is not UTF-8", "id " + std::to_string(i));
    const auto [found, fresh] = ids.emplace(token, static_cast<std::int32_t>(i));
    if (!fresh)
      refuse(spec, "TK004", "token stands twice",
             "\"" + token + "\" is id " + std::to_string(found->second) + " and " + std::to_string(i));
  }
  if (ids.empty()) refuse(spec, "TK003", "vocabulary is empty", "no token at all");
  return ids;
}

void check_added(const TokenizerSpec& spec, const std::unordered_map<std::string_view, std::int32_t>& ids) {
  if (spec.added.size() > kMaxAddedTokens)
    refuse(spec, "TK002", "too many added tokens", std::to_string(spec.added.size()));
  std::unordered_map<std::int32_t, std::string_view> by_id;
  std::unordered_map<std::string_view, std::int32_t> by_content;
  for (const AddedToken& token : spec.added) {
    const std::string named = "\"" + token.content + "\" (id " + std::to_string(token.id) + ")";
    if (token.content.empty()) refuse(spec, "TK003", "added token is empty", named);
    if (token.content.size() > kMaxTokenBytes)
      refuse(spec, "TK002", "added token too long", "id " + std::to_string(token.id));
    if (token.id < 0 || token.id >= kMaxVocabulary) refuse(spec, "TK004", "id out of range", named);
    const auto in_vocabulary = ids.find(token.content);
    if (in_vocabulary != ids.end() && in_vocabulary->second != token.id)
      refuse(spec, "TK009", "added token contradicts the vocabulary",
             named + " is id " + std::to_string(in_vocabulary->second) + " there");
    const auto place = static_cast<std::size_t>(token.id);
    if (place < spec.vocabulary.size() && !spec.vocabulary[place].empty() &&
        spec.vocabulary[place] != token.content)
      refuse(spec, "TK009", "added token contradicts the vocabulary",
             named + ": that id is \"" + spec.vocabulary[place] + "\" there");
    if (!by_id.emplace(token.id, token.content).second || !by_content.emplace(token.content, token.id).second)
      refuse(spec, "TK009", "added token stands twice", named);
  }
  const auto known = [&](std::int32_t id) {
    const auto place = static_cast<std::size_t>(id);
    return id >= 0 &&
           ((place < spec.vocabulary.size() && !spec.vocabulary[place].empty()) || by_id.contains(id));
  };
  for (const auto* part : {&spec.prefix, &spec.suffix})
    for (const std::int32_t id : *part)
      if (!known(id)) refuse(spec, "TK004", "post-processor adds an unknown id", std::to_string(id));
}

}  // namespace

void validate(TokenizerSpec& spec) {
  if (spec.vocabulary.size() > static_cast<std::size_t>(kMaxVocabulary))
    refuse(spec, "TK002", "vocabulary too large",
           std::to_string(spec.vocabulary.size()) + " ids, limit " + std::to_string(kMaxVocabulary));
  const auto ids = checked_vocabulary(spec);
  check_added(spec, ids);
  spec.merged.clear();
  spec.merged.reserve(spec.merges.size());
  for (const auto& [left, right] : spec.merges) {
    const std::string made = spec.vocabulary.at(static_cast<std::size_t>(left)) +
                             spec.vocabulary.at(static_cast<std::size_t>(right));
    const auto found = ids.find(made);
    if (found == ids.end())
      refuse(spec, "TK005", "merge makes an unknown token",
             "merge " + std::to_string(spec.merged.size()) + " makes \"" + made + "\"");
    spec.merged.push_back(found->second);
  }
}

void add_special_tokens(TokenizerSpec& spec, const std::vector<std::string>& tokens) {
  if (tokens.empty()) return;
  auto next = static_cast<std::int32_t>(spec.vocabulary.size());
  for (const AddedToken& token : spec.added) next = std::max(next, token.id + 1);
  for (const std::string& content : tokens) {
    if (std::any_of(spec.added.begin(), spec.added.end(),
                    [&](const auto& token) { return token.content == content; }))
      continue;
    const auto known = std::find(spec.vocabulary.begin(), spec.vocabulary.end(), content);
    AddedToken token{.content = content, .special = true};
    token.id =
        known == spec.vocabulary.end() ? next++ : static_cast<std::int32_t>(known - spec.vocabulary.begin());
    spec.added.push_back(std::move(token));
  }
  validate(spec);
}

}  // namespace hone::data
