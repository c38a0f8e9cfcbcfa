// Seeded random damage to tokenizers, rows and prepared folders: see tests/base/mutation.h.
#include "tests/base/mutation.h"

#include "data/load/prepared_set.h"
#include "data/shard/shard_index.h"
#include "data/shard/shard_writer.h"
#include "data/source/jsonl_source.h"
#include "fakes.h"
#include "tests/base/memory_file.h"
#include "tests/data/shard_samples.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using fakes::TemporaryFolder;
using mutation::damaged;
using mutation::damaged_text_or_json;

constexpr Fingerprint kFingerprint{11, 22, 1000};
const char* kText = "Hello, wörld! 123 abcab\n\n  <s> 日本 it's";

std::vector<Sample> some_samples() {
  std::vector<Sample> samples(6);
  for (int row = 0; row < 6; ++row) {
    samples[row].row = row;
    for (int i = 0; i < 3 + row * 5; ++i) {
      samples[row].ids.push_back(i * 37 % 1000);
      samples[row].supervised.push_back(i % 3 > 0);
    }
  }
  return samples;
}

void use(const Tokenizer& tokenizer) {
  const auto ids = tokenizer.encode(kText, true);
  for (const std::int32_t id : ids) ASSERT_TRUE(id >= 0 && id < tokenizer.vocab_size());
  tokenizer.encode_spans(kText);
  tokenizer.decode(ids, false);
}

TEST(Mutations, Tokenizer) {
  const TemporaryFolder folder;
  MemoryFile memory;
  std::filesystem::create_symlink(memory.path(), folder / "tokenizer.json");
  std::vector<std::string> good;
  for (const char* name : {"custom", "gpt2", "llama3", "qwen2"})
    good.push_back(read_text_file(text_test::golden(name) + "/tokenizer.json"));
  mutation::run("tokenizer.json", [&](std::uint32_t round) {
    memory.set(damaged_text_or_json(good[round / 2 % good.size()], round));
    use(*load_tokenizer(folder / "."));
  });
}

TEST(Mutations, TokenizerConfig) {
  const TemporaryFolder folder;
  MemoryFile memory;
  const std::string from = text_test::golden("llama3");
  std::filesystem::create_symlink(from + "/tokenizer.json", folder / "tokenizer.json");
  std::filesystem::create_symlink(memory.path(), folder / "tokenizer_config.json");
  const std::string good = read_text_file(from + "/tokenizer_config.json");
  mutation::run("tokenizer_config.json", [&](std::uint32_t round) {
    memory.set(damaged_text_or_json(good, round));
    use(*load_tokenizer(folder / "."));
  });
}

TEST(Mutations, GgufTokenizer) {
  MemoryFile memory;
  const std::string good = read_text_file(text_test::golden("gguf_smollm.gguf"));
  mutation::run("GGUF, tokenizer", [&](std::uint32_t round) {
    memory.set(damaged(good, round));
    use(*load_tokenizer(memory.path()));
  });
}

TEST(Mutations, Rows) {
  MemoryFile memory;
  const std::string messages =
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"\u00e9\ud83d\ude00"},)"
      R"({"role":"assistant","content":"a b"}],"id":7})";
  const std::string good[] = {messages, R"({"prompt":"p","completion":"c"})",
                              R"({"instruction":"i","input":"","output":"o"})", R"({"text":"plain\n"})",
                              R"({"question":"q","answer":"a"})"};
  mutation::run("JSON Lines", [&](std::uint32_t round) {
    const std::string& row = good[round / 2 % std::size(good)];
    memory.set(row + "\n\n" + damaged_text_or_json(row, round) + "\r\n" + row);
    for (const Example& example : read_examples({memory.path()}, "auto")) ASSERT_GE(example.row, 0);
  });
}

// Every byte that is read has its digest: what is accepted is what was written.
TEST(Mutations, Shards) {
  const TemporaryFolder folder;  // HDF5 opens no file that has no path
  const auto samples = some_samples();
  const std::string good = image_of(samples, kFingerprint);
  mutation::run("shards", [&](std::uint32_t round) {
    const std::string path = folder.write("s.h5", damaged(good, round));
    ASSERT_TRUE(same(read_all(path, kFingerprint), samples)) << "wrong data accepted in round " << round;
  });
}

// Wrong contents under right digests, as another program could write them.
TEST(Mutations, ForgedShards) {
  const TemporaryFolder folder;
  const std::vector<Sample> samples = some_samples();
  std::vector<Column> good{{"ids", IntType::u16, true, {}, {0}},
                           {"spans", IntType::i32, true, {}, {0}},
                           {"row", IntType::i64, false, {}, {0}}};
  for (const Sample& sample : samples) {
    const std::vector<std::uint16_t> ids(sample.ids.begin(), sample.ids.end());
    const std::int32_t spans[] = {1, 3};
    good[0].append(std::span(ids));
    good[1].append(std::span<const std::int32_t>(spans));
    good[2].append(std::span(&sample.row, 1));
  }
  mutation::run("shards, forged", [&](std::uint32_t round) {
    std::vector<Column> columns = good;
    mutation::Dice dice(round);
    for (std::size_t edits = dice.edits(3); edits > 0; --edits) {
      Column& column = columns[dice.below(columns.size())];
      const std::uint64_t number = mutation::kNumbers[dice.below(mutation::kNumbers.size())];
      if (column.ragged && dice.below(2))
        column.offsets[dice.below(column.offsets.size())] = number;
      else
        std::memcpy(&column.values[dice.below(column.values.size() - 7)], &number, 1 + dice.below(8));
    }
    const auto image = shard_image({6, 1000, 11, 22}, columns);
    const std::string path =
        folder.write("s.h5", {reinterpret_cast<const char*>(image.data()), image.size()});
    for (const Sample& sample : read_all(path, kFingerprint))
      for (const std::int32_t id : sample.ids) ASSERT_TRUE(id >= 0 && id < kFingerprint.vocab_size);
  });
}

TEST(Mutations, ShardIndex) {
  const TemporaryFolder folder;
  MemoryFile memory;
  const auto samples = some_samples();
  const std::string image = image_of(samples, kFingerprint);
  folder.write("shard-000000.h5", image);
  ShardIndex index;
  index.fingerprint = kFingerprint;
  index.format = "text";
  RowBounds bounds;
  for (const Sample& sample : samples) {
    bounds.add(sample);
    ++index.lengths[std::ssize(sample.ids)];
  }
  index.shards = {
      {"shard-000000.h5", 6, 93, xxh3(std::as_bytes(std::span(image))), std::ssize(image), bounds}};
  index.sources = {{"rows.jsonl", 100, 4, 1}, {"more.jsonl", 50, 2, 2}};
  const std::string good = to_json(index);
  std::filesystem::create_symlink(memory.path(), folder / "index.json");
  mutation::run("shards, index.json", [&](std::uint32_t round) {
    memory.set(damaged_text_or_json(good, round));
    const PreparedSet set({folder / "."}, kFingerprint, {});
    set.verify();
    set.without_target(0, set.size());
    set.tokens();
    std::vector<Sample> read;
    for (std::int64_t row = 0; row < set.size(); ++row) {
      set.where(row);
      read.push_back(set.read(row));
    }
    ASSERT_TRUE(same(read, samples)) << "wrong data accepted in round " << round;
  });
}

}  // namespace
}  // namespace hone::data
