// Seeded random damage, in process: a reader refuses a file with an Error of exit 3, or what it accepts can
// be read whole; it never crashes, hangs or reads past the end (the sanitizer build watches).
#include "core/base/philox.h"
#include "core/formats/gguf.h"
#include "core/formats/safetensors.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

constexpr std::uint32_t kRounds = 4000;

// One to four bytes replaced, half of the time within the first part of the file, where the structure is.
std::string damaged(std::string bytes, std::uint32_t round, std::size_t structure) {
  const auto words = philox({round, 0, 0, 0}, philox_key(2024));
  for (std::uint32_t i = 0; i <= words[0] % 4; ++i) {
    const auto draw = philox({round, i + 1, 0, 0}, philox_key(2024));
    const std::size_t range = draw[0] % 8 != 0 ? structure : bytes.size();
    char& byte = bytes[draw[1] % range];
    byte = draw[2] % 2 ? static_cast<char>(draw[3]) : static_cast<char>(byte ^ (1 << draw[3] % 8));
  }
  return bytes;
}

// Runs `read` on every variant; returns how many were refused.
int refused(const std::string& good, std::size_t structure,
            const std::function<void(const std::string&)>& read) {
  MemoryFile file;
  int count = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    file.set(damaged(good, round, structure));
    const std::string code = code_of([&] { read(file.path()); });
    EXPECT_EQ(code.find("other"), std::string::npos) << "round " << round << ": " << code;
    count += code != "none";
  }
  return count;
}

unsigned touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  return sum;
}

TEST(Mutations, SafetensorsAreRefusedOrWholeAndNeverCrash) {
  const std::string good = read_all(golden("every_type.safetensors"));
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  volatile unsigned sink = 0;
  const int count = refused(good, 8 + header, [&](const std::string& path) {
    const SafetensorsFile file(path);
    for (const SafetensorsEntry& entry : file.entries()) sink = sink + touch(entry.bytes);
  });
  EXPECT_GT(count, static_cast<int>(kRounds) / 2);
}

TEST(Mutations, GgufModelsAreRefusedOrWholeAndNeverCrash) {
  const std::string good = read_all(golden("every_type.gguf"));
  std::vector<float> row;
  const int count = refused(good, 2500, [&](const std::string& path) {
    const GgufFile file(path);
    file.strings("tokenizer.ggml.tokens");
    file.numbers("tokenizer.ggml.scores");
    const ModelFiles model = open_model(path);
    for (const TensorInfo& info : model.tensors->tensors()) read_whole(*model.tensors, info);
  });
  EXPECT_GT(count, static_cast<int>(kRounds) / 4);
}

TEST(Mutations, Nf4FoldersAreRefusedOrWholeAndNeverCrash) {
  const Scratch scratch;
  copy_golden("nf4", scratch);
  std::filesystem::remove(scratch / "model.safetensors");
  const std::string good = read_all(golden("nf4/model.safetensors"));
  MemoryFile file;
  std::filesystem::create_symlink(file.path(), scratch / "model.safetensors");
  for (std::uint32_t round = 0; round < 500; ++round) {
    file.set(damaged(good, round, good.size()));
    const std::string code = code_of([&] {
      const ModelFiles model = open_model(scratch.path());
      for (const TensorInfo& info : model.tensors->tensors()) read_whole(*model.tensors, info);
    });
    ASSERT_EQ(code.find("other"), std::string::npos) << "round " << round << ": " << code;
  }
}

}  // namespace
}  // namespace hone::formats
