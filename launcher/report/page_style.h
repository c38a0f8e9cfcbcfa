#pragma once
// The page's style sheet: colours of light and dark as variables, type that grows with the window, and a
// plain look on paper.
#include <string_view>

namespace hone::report {

extern const std::string_view kPageStyle;

}  // namespace hone::report
