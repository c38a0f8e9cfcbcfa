#pragma once
// "Did you mean": the known name that a mistyped one most likely stood for.
#include <span>
#include <string>
#include <string_view>

namespace hone {

// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
int edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `name`, or empty where none is near enough to be worth saying. Case and '-' for
// '_' do not count; a candidate whose last dotted part is `name` is as near as can be ("lr" finds
// "optim.lr").
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace hone
