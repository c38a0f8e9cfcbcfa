#include "core/base/string_distance.h"

#include <algorithm>
#include <vector>

namespace hone {
namespace {

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = static_cast<int>(i);
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int substituted = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestName = 64;  // longer ones are no typing mistakes
  if (name.empty() || name.size() > kLongestName) return {};
  const std::string wanted = folded(name);
  const bool dotted = wanted.find('.') != std::string::npos;
  int best = std::max(2, static_cast<int>(wanted.size()) / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    const std::string known = folded(candidate);
    int distance = edit_distance(wanted, known);
    if (!dotted) distance = std::min(distance, edit_distance(wanted, last_part(known)));
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return best < static_cast<int>(wanted.size()) ? nearest : std::string();
}

}  // namespace hone
