#include "data/text/added_tokens.h"

#include <algorithm>

#include "data/text/utf8.h"

namespace hone::data {
namespace {

std::uint64_t edge(std::uint32_t node, char byte) {
  return std::uint64_t{node} << 8 | static_cast<unsigned char>(byte);
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !is_word(code_point_before(text, begin).value)) &&
         (end == text.size() || !is_word(code_point_at(text, end).value));
}

std::size_t spaces_before(std::string_view text, std::size_t at, std::size_t limit) {
  while (at > limit) {
    const CodePoint c = code_point_before(text, at);
    if (!is_space(c.value)) break;
    at -= c.length;
  }
  return std::max(at, limit);
}

std::size_t spaces_after(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (!is_space(c.value)) break;
    at += c.length;
  }
  return at;
}

}  // namespace

void AddedTokenMatcher::add(const AddedToken& token, std::string_view content) {
  if (content.empty()) return;
  std::uint32_t node = 0;
  for (const char byte : content) {
    const auto [found, fresh] =
        edges_.try_emplace(edge(node, byte), static_cast<std::uint32_t>(token_at_node_.size()));
    if (fresh) token_at_node_.push_back(-1);
    node = found->second;
  }
  token_at_node_[node] = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back(token);
  first_[static_cast<unsigned char>(content.front())] = true;
}

AddedTokenMatcher::Found AddedTokenMatcher::longest_at(std::string_view text, std::size_t at) const {
  Found found;
  std::uint32_t node = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto next = edges_.find(edge(node, text[i]));
    if (next == edges_.end()) break;
    node = next->second;
    if (token_at_node_[node] >= 0) found = {&tokens_[static_cast<std::size_t>(token_at_node_[node])], i + 1};
  }
  return found;
}

std::vector<Stretch> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<Stretch> out;
  std::size_t done = 0;  // everything before is in `out`
  for (std::size_t at = 0; at < text.size() && !tokens_.empty();) {
    if (!first_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const Found found = longest_at(text, at);
    if (!found.token) {
      ++at;
      continue;
    }
    const std::size_t match = at;
    at = found.end;
    if (match < done) continue;  // swallowed by the white space of the one before
    if (found.token->single_word && !stands_alone(text, match, found.end)) continue;
    const std::size_t begin = found.token->lstrip ? spaces_before(text, match, done) : match;
    const std::size_t end = found.token->rstrip ? spaces_after(text, found.end) : found.end;
    if (done < begin) out.push_back({-1, done, begin});
    out.push_back({found.token->id, begin, end});
    done = end;
  }
  if (done < text.size()) out.push_back({-1, done, text.size()});
  return out;
}

}  // namespace hone::data
