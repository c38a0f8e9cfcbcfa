#include "core/base/error.h"

#include <gtest/gtest.h>

namespace hone {

TEST(Error, IsOneLineWithCodeWhatWhereWhyAndHint) {
  const Error error(Exit::input, "ST001", "not a safetensors file", "model\n.safetensors", "5 bytes",
                    "need 8");
  EXPECT_STREQ(error.what(), "error[ST001]: not a safetensors file: model .safetensors: 5 bytes; need 8");
  EXPECT_EQ(static_cast<int>(error.exit()), 3);
}

TEST(Error, WhatAFileSaysIsCutBetweenCharacters) {
  std::string text = "a";
  for (int i = 0; i < 100'000; ++i) text += "é";
  const std::string line = Error(Exit::input, "ST004", "bad JSON", "model.safetensors", text).what();
  EXPECT_EQ(line, "error[ST004]: bad JSON: model.safetensors: " + text.substr(0, 1999));
}

}  // namespace hone
