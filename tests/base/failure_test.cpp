#include "core/base/failure.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "core/base/text_output.h"

namespace hone {
namespace {

template <class Exception>
Error failure_of(const Exception& exception) {
  return as_error(std::make_exception_ptr(exception));
}

TEST(Failure, AnErrorKeepsItsLineAndCode) {
  const Error failure = failure_of(Error(Exit::checkpoint, "CK005", "shard damaged", "a.h5", "xxh3 differs"));
  EXPECT_EQ(failure.exit(), Exit::checkpoint);
  EXPECT_STREQ(failure.what(), "error[CK005]: shard damaged: a.h5: xxh3 differs");
}

TEST(Failure, NoMemoryIsExitSevenWhoeverSaysIt) {
  EXPECT_EQ(failure_of(std::bad_alloc()).exit(), Exit::memory);
  const Error torch =
      failure_of(std::runtime_error("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't "
                                    "allocate memory: you tried to allocate "
                                    "99 bytes.\nframe #0: somewhere"));
  EXPECT_EQ(torch.exit(), Exit::memory);
  EXPECT_EQ(std::string(torch.what()).find("frame #0"), std::string::npos);
}

TEST(Failure, AnythingElseIsInternalAndOneLine) {
  const Error failure = failure_of(std::logic_error("vector::at\nsecond line"));
  EXPECT_EQ(failure.exit(), Exit::internal);
  EXPECT_STREQ(failure.what(), "error[IN002]: unexpected failure: vector::at; this is a bug in hone");
  EXPECT_EQ(failure_of(42).exit(), Exit::internal);
}

TEST(TextOutput, AFullDiskIsExitEight) {
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  TextOutput output(full);
  output.json({{"text", "\xff"}});
  try {
    output.flush();
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::output);
  }
  std::fclose(full);
}

}  // namespace
}  // namespace hone
