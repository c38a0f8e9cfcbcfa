// Seeded random damage to model files and adapters: see tests/base/mutation.h.
#include "tests/base/mutation.h"

#include "core/formats/edited_model.h"
#include "core/formats/gguf.h"
#include "core/formats/peft.h"
#include "core/formats/safetensors.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

using mutation::damaged;
using mutation::damaged_text_or_json;

unsigned touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
  return sum;
}

std::size_t header_end(const std::string& safetensors) {
  std::uint64_t header = 0;
  std::memcpy(&header, safetensors.data(), 8);
  return 8 + header;
}

void read_model(const std::string& path) {
  const ModelFiles model = open_model(path);
  for (const TensorInfo& info : model.tensors->tensors()) read_whole(*model.tensors, info);
}

// A copy of a golden folder in which one file changes from variant to variant.
class FolderWith {
 public:
  FolderWith(const std::string& folder, const std::string& file)
      : good(read_all(golden(folder + "/" + file))) {
    copy_golden(folder, scratch_);
    std::filesystem::remove(scratch_ / file);
    std::filesystem::create_symlink(memory_.path(), scratch_ / file);
  }
  std::string with(const std::string& bytes) {
    memory_.set(bytes);
    return scratch_.path();
  }
  const std::string good;

 private:
  Scratch scratch_;
  MemoryFile memory_;
};

TEST(Mutations, Safetensors) {
  const std::string good = read_all(golden("every_type.safetensors"));
  MemoryFile file;
  volatile unsigned sink = 0;
  mutation::run("safetensors", [&](std::uint32_t round) {
    file.set(damaged(good, round, header_end(good)));
    const SafetensorsFile opened(file.path());
    for (const SafetensorsEntry& entry : opened.entries()) sink = sink + touch(entry.bytes);
  });
}

TEST(Mutations, SafetensorsNf4) {
  FolderWith model("nf4", "model.safetensors");
  mutation::run("safetensors, NF4", [&](std::uint32_t round) {
    read_model(model.with(damaged(model.good, round, header_end(model.good))));
  });
}

TEST(Mutations, SafetensorsIndex) {
  FolderWith model("sharded", "model.safetensors.index.json");
  mutation::run("safetensors, index", [&](std::uint32_t round) {
    read_model(model.with(damaged_text_or_json(model.good, round)));
  });
}

TEST(Mutations, Gguf) {
  const std::string good = read_all(golden("every_type.gguf"));
  MemoryFile memory;
  mutation::run("GGUF", [&](std::uint32_t round) {
    memory.set(damaged(good, round, 2500));
    const GgufFile file(memory.path());
    file.strings("tokenizer.ggml.tokens");
    file.numbers("tokenizer.ggml.scores");
    read_model(memory.path());
  });
}

TEST(Mutations, ModelConfig) {
  FolderWith model("single", "config.json");
  mutation::run("config.json", [&](std::uint32_t round) {
    read_model(model.with(damaged_text_or_json(model.good, round)));
  });
}

TEST(Mutations, AdapterConfig) {
  FolderWith adapter("peft", "adapter_config.json");
  mutation::run("adapter_config.json", [&](std::uint32_t round) {
    read_peft(adapter.with(damaged_text_or_json(adapter.good, round)));
  });
}

TEST(Mutations, AdapterConfigWithTokenRows) {
  FolderWith adapter("../core/micro_adapter_two", "adapter_config.json");
  mutation::run("adapter_config.json with rows", [&](std::uint32_t round) {
    const PeftAdapter opened = read_peft(adapter.with(damaged_text_or_json(adapter.good, round)));
    const ModelFiles model = with_replaced(untied(open_model(golden("../core/micro_llama"))), opened);
    for (const TensorInfo& info : model.tensors->tensors()) read_whole(*model.tensors, info);
  });
}

TEST(Mutations, AdapterWeights) {
  FolderWith adapter("peft", "adapter_model.safetensors");
  mutation::run("adapter_model.safetensors", [&](std::uint32_t round) {
    const PeftAdapter opened =
        read_peft(adapter.with(damaged(adapter.good, round, header_end(adapter.good))));
    for (const PeftPair& pair : opened.pairs())
      for (const SafetensorsEntry* entry : {pair.a, pair.b}) {
        std::vector<float> values(static_cast<std::size_t>(elements_of(entry->info)));
        PeftAdapter::read(*entry, values.data());
      }
  });
}

}  // namespace
}  // namespace hone::formats
