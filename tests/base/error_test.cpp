#include "core/base/error.h"

#include <gtest/gtest.h>

namespace hone {

TEST(Error, IsOneLineWithCodeWhatWhereWhyAndHint) {
  const Error error(Exit::input, "ST001", "not a safetensors file", "model\n.safetensors", "5 bytes",
                    "need 8");
  EXPECT_STREQ(error.what(), "error[ST001]: not a safetensors file: model .safetensors: 5 bytes; need 8");
  EXPECT_EQ(static_cast<int>(error.exit()), 3);
}

}  // namespace hone
