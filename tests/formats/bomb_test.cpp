// Small files that ask for much, and things that are no files: refused in bounded time and memory.
#include <gmock/gmock.h>

#include "core/formats/gguf.h"
#include "core/formats/peft.h"
#include "tests/base/bad_inputs.h"
#include "tests/base/bounded.h"
#include "tests/base/strange_files.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

using ::testing::StartsWith;

std::string repeat(const std::string& piece, std::size_t count) {
  std::string text;
  text.reserve(piece.size() * count);
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

// {"0":VALUE,"1":VALUE,...}
std::string many_keys(std::size_t count, const std::string& value) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":" + value;
  return text + "}";
}

std::string gguf_claim(std::uint64_t tensors, std::uint64_t keys, const std::string& rest = {}) {
  std::string bytes("GGUF\x03\0\0\0", 8);
  for (const std::uint64_t count : {tensors, keys})
    bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
  return bytes + rest;
}

struct Bomb {
  std::string name, folder, file, bytes, code;
};

std::vector<Bomb> bombs() {
  const std::string entry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const std::string weights = "model.safetensors", index = "model.safetensors.index.json";
  const std::string map = R"({"weight_map":)";
  return {
      {"header of brackets", "single", weights, safetensors_bytes("{\"a\":" + std::string(10'000'000, '[')),
       "ST005"},
      {"header of objects", "single", weights, safetensors_bytes(repeat("{\"a\":", 2'000'000)), "ST005"},
      {"header of one name", "single", weights, safetensors_bytes("{\"" + std::string(10'000'000, 'a')),
       "ST004"},
      {"header of spaces", "single", weights, safetensors_bytes("{" + std::string(10'000'000, ' ')), "ST004"},
      {"300,000 tensors", "single", weights, safetensors_bytes(many_keys(300'000, entry)), "ST005"},
      {"a million metadata", "single", weights,
       safetensors_bytes("{\"__metadata__\":" + many_keys(1'000'000, "\"\"") + "}"), "ST005"},
      {"index of brackets", "sharded", index, map + std::string(10'000'000, '['), "IX001"},
      {"index of a shard that is not there", "sharded", index,
       map + many_keys(200'000, "\"a.safetensors\"") + "}", "FS001"},
      {"index over its limit", "sharded", index, std::string(17 << 20, ' '), "FS003"},
      {"config of brackets", "single", "config.json", std::string(4'000'000, '['), "CF001"},
      {"config of objects", "single", "config.json", repeat("{\"a\":", 500'000), "CF001"},
      {"config of many keys", "single", "config.json", many_keys(300'000, "0"), "CF002"},
      {"config of a long number", "single", "config.json",
       R"({"hidden_size":)" + std::string(3'000'000, '9') + "}", "CF001"},
      {"config over its limit", "single", "config.json", std::string(5 << 20, ' '), "FS003"},
      {"adapter config of brackets", "peft", "adapter_config.json", std::string(4'000'000, '['), "AD001"},
      {"adapter config over its limit", "peft", "adapter_config.json", std::string(5 << 20, ' '), "FS003"},
      {"adapter of brackets", "peft", "adapter_model.safetensors",
       safetensors_bytes("{\"a\":" + std::string(10'000'000, '[')), "ST005"},
      {"2^63 tensors", "", "m.gguf", gguf_claim(1ull << 63, 0), "GG003"},
      {"100,000 tensors in 24 bytes", "", "m.gguf", gguf_claim(100'000, 0), "GG016"},
      {"100,000 empty keys", "", "m.gguf", gguf_claim(0, 100'000, std::string(5'000'000, '\0')), "GG006"},
      {"string of 2^40", "", "m.gguf", gguf_claim(0, 1, std::string("\0\0\0\0\0\1\0\0", 8)), "GG004"},
  };
}

void open(const std::string& path, const std::string& folder) {
  if (folder == "peft")
    read_peft(path);
  else
    open_model(path);
}

TEST(Bombs, EachIsRefusedInBoundedTimeAndMemory) {
  for (const Bomb& bomb : bombs()) {
    const Scratch scratch;
    if (!bomb.folder.empty()) copy_golden(bomb.folder, scratch);
    write_all(scratch / bomb.file, bomb.bytes);
    const std::string path = bomb.folder.empty() ? scratch / bomb.file : scratch.path();
    EXPECT_THAT(bounded([&] { open(path, bomb.folder); }), StartsWith("error[" + bomb.code)) << bomb.name;
  }
  print_bad_inputs("bombs in model files", bombs().size());
}

TEST(Bombs, WhatIsNoFileIsRefusedWithoutWaiting) {
  const std::pair<const char*, const char*> places[] = {{"single", "config.json"},
                                                        {"single", "generation_config.json"},
                                                        {"single", "model.safetensors"},
                                                        {"sharded", "model.safetensors.index.json"},
                                                        {"sharded", "model-00002-of-00003.safetensors"},
                                                        {"peft", "adapter_config.json"},
                                                        {"peft", "adapter_model.safetensors"}};
  std::size_t count = 0;
  for (const auto& [folder, file] : places)
    for (const StrangeFile& strange : strange_files()) {
      const Scratch scratch;
      copy_golden(folder, scratch);
      std::filesystem::remove(scratch / file);
      strange.make(scratch / file);
      EXPECT_THAT(bounded([&] { open(scratch.path(), folder); }), StartsWith("error["))
          << file << ": " << strange.name;
      ++count;
    }
  for (const StrangeFile& strange : strange_files()) {
    const Scratch scratch;
    strange.make(scratch / "m.gguf");
    EXPECT_THAT(bounded([&] { open_model(scratch / "m.gguf"); }), StartsWith("error[")) << strange.name;
    ++count;
  }
  print_bad_inputs("no files in models", count);
}

}  // namespace
}  // namespace hone::formats
