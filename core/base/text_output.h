#pragma once
// Results for scripts on standard output. What cannot be written is an Error (exit 8, OU001), not lost.
#include <cstdio>
#include <string_view>

#include "core/base/json.h"

namespace hone {

class TextOutput {
 public:
  explicit TextOutput(std::FILE* stream) : stream_(stream) {}  // not owned; null: says nothing (other ranks)
  void text(std::string_view text);
  void line(std::string_view line);
  void json(const OrderedJson& row);  // one line; invalid UTF-8 becomes U+FFFD
  void flush();

 private:
  std::FILE* stream_;
};

}  // namespace hone
