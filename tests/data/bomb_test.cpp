// Small inputs that ask for much, and things that are no files: refused, or read, in bounded time and memory.
#include <gmock/gmock.h>

#include "data/load/prepared_set.h"
#include "data/shard/hdf5_handles.h"
#include "data/shard/shard_index.h"
#include "data/source/jsonl_source.h"
#include "fakes.h"
#include "tests/base/bad_inputs.h"
#include "tests/base/bounded.h"
#include "tests/base/strange_files.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using fakes::TemporaryFolder;
using ::testing::StartsWith;

std::string many(std::size_t count, const std::function<std::string(std::size_t)>& piece) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i ? "," : "") + piece(i);
  return text;
}

struct Bomb {
  std::string name, bytes, outcome;
};

std::vector<Bomb> bad_rows() {
  const auto number = [](std::size_t i) { return "\"" + std::to_string(i) + "\":0"; };
  return {{"brackets", std::string(10'000'000, '['), "error[DS003]"},
          {"objects in objects", many(1'000'000, [](auto) { return "{\"a\":"; }), "error[DS003]"},
          {"a million keys", "{" + many(1'000'000, number) + "}", "error[DS005]"},
          {"a long number", "{\"text\":" + std::string(10'000'000, '1') + "}", "error[DS003]"},
          {"one line over the limit", "{\"text\":\"" + std::string(17 << 20, 'a') + "\"}", "error[DS002]"},
          {"a line of 12 MiB", "{\"text\":\"" + std::string(12 << 20, 'a') + "\"}", "accepted"},
          {"ten million line ends", std::string(10'000'000, '\n'), "error[DS001]"},
          {"a million escapes", "{\"text\":\"" + many(1'000'000, [](auto) { return "\\u0041"; }) + "\"}",
           "accepted"},
          {"gzip", std::string("\x1f\x8b\x08\0\0\0\0\0", 8) + std::string(1000, '\xff'), "error[DS003]"},
          {"zip", "PK\x03\x04" + std::string(1000, '\x01'), "error[DS003]"},
          {"pickle", "\x80\x04\x95" + std::string(1000, '\x01'), "error[DS003]"}};
}

TEST(Bombs, RowsAreReadOrRefusedInBoundedTimeAndMemory) {
  const TemporaryFolder folder;
  for (const Bomb& bomb : bad_rows()) {
    const std::string path = folder.write("rows.jsonl", bomb.bytes);
    EXPECT_THAT(bounded([&] { read_examples({path}, "auto"); }), StartsWith(bomb.outcome)) << bomb.name;
  }
  print_bad_inputs("bombs in rows", bad_rows().size());
}

std::string tokenizer_json(
    const std::string& vocab, const std::string& merges,
    const std::string& pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})") {
  return R"({"added_tokens":[],"normalizer":null,"post_processor":null,"decoder":{"type":"ByteLevel"},"pre_tokenizer":)" +
         pre_tokenizer + R"(,"model":{"type":"BPE","vocab":{"a":0,"aa":1)" + vocab + R"(},"merges":["a a")" +
         merges + "]}}";
}

std::string split(const std::string& regex) {
  return R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":")" + regex +
         R"("},"behavior":"Isolated","invert":false},{"type":"ByteLevel","use_regex":false,"add_prefix_space":false}]})";
}

std::vector<Bomb> bad_tokenizers() {
  const auto token = [](std::size_t i) { return ",\"" + std::to_string(i) + "\":" + std::to_string(i + 2); };
  std::string tokens, merges;
  for (std::size_t i = 0; i < 1'100'000; ++i) tokens += token(i);
  for (std::size_t i = 0; i < 1'000'000; ++i) merges += R"(,"a a")";
  return {{"brackets", std::string(10'000'000, '['), "error[TK001]"},
          {"1,100,000 tokens", tokenizer_json(tokens, ""), "error[TK002]"},
          {"a million merges", tokenizer_json("", merges), "accepted"},
          {"ten million numbers", "[" + many(10'000'000, [](auto) { return "0"; }) + "]", "error[TK001]"},
          {"over 64 MiB", std::string(65 << 20, ' '), "error[FS003]"},
          {"regex that never ends", tokenizer_json("", "", split("(a*)*(a*)*(a*)*z")), "error[TK008]"},
          {"regex of alternatives", tokenizer_json("", "", split("(a|aa)+$b")), "error[TK008]"},
          {"regex that repeats without end", tokenizer_json("", "", split("((a{1,1000}){1,1000}){1,1000}")),
           "error[TK007]"}};
}

TEST(Bombs, TokenizersAreReadOrRefusedInBoundedTimeAndMemory) {
  const TemporaryFolder folder;
  const std::string text = std::string(100'000, 'a') + "bz";
  for (const Bomb& bomb : bad_tokenizers()) {
    folder.write("tokenizer.json", bomb.bytes);
    EXPECT_THAT(bounded([&] { load_tokenizer(folder / ".")->encode(text, true); }, 1024),
                StartsWith(bomb.outcome))
        << bomb.name;
  }
  print_bad_inputs("bombs in tokenizers", bad_tokenizers().size());
}

TEST(Bombs, ALongRunOfOneLetterIsEncoded) {
  for (const char* name : {"custom", "gpt2", "llama3", "qwen2"}) {
    const auto tokenizer = load_tokenizer(text_test::golden(name));
    for (const char letter : {'a', ' ', '1', '\n'}) {
      const std::string text(128 << 10, letter);
      EXPECT_EQ(bounded([&] { tokenizer->encode(text, true); }), "accepted") << name << ": " << letter;
    }
  }
}

TEST(Bombs, WhatIsNoFileIsRefusedWithoutWaiting) {
  const auto refused = [](const TemporaryFolder& folder, const std::string& file, const StrangeFile& strange,
                          const std::function<void()>& read) {
    std::filesystem::remove(folder / file);
    strange.make(folder / file);
    EXPECT_THAT(bounded(read), StartsWith("error[")) << file << ": " << strange.name;
  };
  std::size_t count = 0;
  for (const StrangeFile& strange : strange_files()) {
    for (const char* file :
         {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"}) {
      const TemporaryFolder folder;
      folder.write("tokenizer.json", tokenizer_json("", ""));
      refused(folder, file, strange, [&] { load_tokenizer(folder / "."); });
      ++count;
    }
    const TemporaryFolder folder;
    refused(folder, "rows.jsonl", strange, [&] { read_examples({folder / "rows.jsonl"}, "auto"); });
    refused(folder, "shard.h5", strange, [&] { SampleShard(folder / "shard.h5"); });
    refused(folder, "index.json", strange, [&] { read_shard_index(folder / "."); });
    count += 3;
  }
  print_bad_inputs("no files in data", count);
}

// An otherwise good shard whose ids claim to be something enormous.
std::string enormous(const std::function<void(hid_t creation)>& set, hsize_t size) {
  const TemporaryFolder folder;
  SampleShardWriter writer({11, 22, 1000});
  writer.add({{1, 2, 3}, {0, 1, 1}, 0});
  const auto image = writer.image();
  const std::string path = folder.write("s.h5", {reinterpret_cast<const char*>(image.data()), image.size()});
  {
    const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    H5Ldelete(file, "columns/ids/values", H5P_DEFAULT);
    const Hdf5Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
    const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    set(creation);
    const Hdf5Handle made(
        H5Dcreate2(file, "columns/ids/values", H5T_STD_U16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
        H5Dclose);
    EXPECT_TRUE(made.valid());
  }
  return bounded([&] { SampleShard(path).read(0, {}); });
}

TEST(Bombs, EnormousDatasetsAreRefusedByTheirClaim) {
  const auto chunked = [](hsize_t chunk, bool deflate) {
    return [=](hid_t creation) {
      H5Pset_chunk(creation, 1, &chunk);
      if (deflate) H5Pset_deflate(creation, 9);
    };
  };
  EXPECT_THAT(enormous([](hid_t) {}, hsize_t{1} << 60), StartsWith("error[H501"));
  EXPECT_THAT(enormous([](hid_t) {}, hsize_t{1} << 40), StartsWith("error[H501"));
  EXPECT_THAT(enormous(chunked(1 << 20, false), hsize_t{1} << 50), StartsWith("error[H5008]"));
  EXPECT_THAT(enormous(chunked(1 << 30, true), hsize_t{1} << 50), StartsWith("error[H5008]"));
  EXPECT_THAT(enormous([](hid_t p) { H5Pset_external(p, "/dev/zero", 0, H5F_UNLIMITED); }, 3),
              StartsWith("error[H5009]"));
  print_bad_inputs("bombs in shards", 5);
}

TEST(Bombs, AnIndexThatNamesOtherPlacesIsRefused) {
  for (const std::string name : {"../s.h5", "/etc/passwd", "a/b.h5", "..", ".", "", "s\\b.h5", "s\nb.h5"}) {
    const TemporaryFolder folder;
    ShardIndex index;
    index.format = "text";
    index.shards = {{name, 1, 3, 0}};
    index.sources = {{"rows.jsonl", 100, 1, 1}};
    folder.write("index.json", to_json(index));
    EXPECT_THAT(bounded([&] { PreparedSet({folder / "."}, {}, {}); }),
                StartsWith("error[DS012]: file name not allowed"))
        << name;
  }
  print_bad_inputs("names in an index", 8);
}

}  // namespace
}  // namespace hone::data
