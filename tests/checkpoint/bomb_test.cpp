// Checkpoints that ask for much, and things that are no files: refused in bounded time and memory.
#include <gmock/gmock.h>

#include "fixture.h"
#include "tests/base/bad_inputs.h"
#include "tests/base/bounded.h"
#include "tests/base/strange_files.h"

namespace hone::checkpoint::testing {
namespace {

using ::testing::StartsWith;

// A manifest with the right digest: a forged one, not a damaged one.
std::string sealed(const std::string& head) { return head + manifest_last_line(head); }

TEST(Bombs, ManifestsAreRefusedInBoundedTimeAndMemory) {
  const std::string start = "{\n\"format\": \"hone-checkpoint\",\n\"version\": 1,\n\"step\": 20,\n";
  std::string numbers = "\"x\": [0";
  for (int i = 0; i < 10'000'000; ++i) numbers += ",0";
  const std::pair<const char*, std::string> list[] = {
      {"brackets", sealed(start + "\"x\": " + std::string(10'000'000, '['))},
      {"ten million numbers", sealed(start + numbers + "],\n")},
      {"over its limit", std::string(65 << 20, ' ')},
      {"one line end a byte", sealed(std::string(10'000'000, '\n'))},
      {"NUL", sealed(std::string(1'000'000, '\0'))}};
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "step-00000020");
  for (const auto& [name, text] : list) {
    write_bytes(folder / "step-00000020/manifest.json", text);
    EXPECT_THAT(bounded([&] { verify_checkpoint(folder / "step-00000020"); }, 512), StartsWith("error[CK00"))
        << name;
  }
  print_bad_inputs("bombs in manifests", std::size(list));
}

TEST(Bombs, WhatIsNoFileIsRefusedWithoutWaiting) {
  std::size_t count = 0;
  for (const char* file : {"manifest.json", "rank-00000-00000.h5", "rank-00001-00000.h5"})
    for (const StrangeFile& strange : strange_files()) {
      const TemporaryFolder folder;
      save(folder.path(), 2, SampleRun().state(20));
      const std::string path = folder / "step-00000020";
      std::filesystem::remove(path + "/" + file);
      strange.make(path + "/" + file);
      EXPECT_THAT(bounded([&] { verify_checkpoint(path); }), StartsWith("error[CK00"))
          << file << ": " << strange.name;
      ++count;
    }
  print_bad_inputs("no files in checkpoints", count);
}

TEST(Bombs, AFileThatDoesNotBelongIsRefusedByEveryReader) {
  const TemporaryFolder folder;
  save(folder.path(), 2, SampleRun().state(20));
  const std::string path = folder / "step-00000020";
  EXPECT_NO_THROW(LoadedCheckpoint{path});
  write_bytes(path + "/notes.txt", "hello");
  EXPECT_EQ(code_of([&] { LoadedCheckpoint{path}; }), "CK007");
  EXPECT_EQ(code_of([&] { verify_checkpoint(path); }), "CK007");
}

}  // namespace
}  // namespace hone::checkpoint::testing
