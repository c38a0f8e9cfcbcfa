#include "core/formats/gguf.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

// Builds GGUF files byte by byte, with whatever mistakes a test wants.
struct Bytes {
  std::string text;
  template <class T>
  Bytes& put(T value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& u32(std::uint32_t value) { return put(value); }
  Bytes& u64(std::uint64_t value) { return put(value); }
  Bytes& string(const std::string& s) {
    u64(s.size());
    text += s;
    return *this;
  }
  Bytes& raw(const std::string& s) {
    text += s;
    return *this;
  }
  Bytes& pad(std::size_t to) {
    text.append((to - text.size() % to) % to, '\0');
    return *this;
  }
};

Bytes head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
  return Bytes().raw("GGUF").u32(version).u64(tensors).u64(keys);
}

Bytes& tensor(Bytes& b, const std::string& name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
              std::uint64_t offset) {
  b.string(name).u32(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t dim : dims) b.u64(dim);
  return b.u32(type).u64(offset);
}

std::string one_tensor(const std::vector<std::uint64_t>& dims, std::uint32_t type = 0,
                       std::uint64_t offset = 0, std::size_t data = 32, const std::string& name = "t") {
  Bytes b = head(1, 0);
  return tensor(b, name, dims, type, offset).pad(32).raw(std::string(data, 'x')).text;
}

std::string one_value(const Bytes& value) { return head(0, 1).string("key").raw(value.text).text; }

std::string alignment(const Bytes& value) {
  return head(0, 1).string("general.alignment").raw(value.text).text;
}

struct BadFile {
  std::string name, bytes, code;
};

std::vector<BadFile> bad_values() {
  constexpr std::uint32_t kArray = 9, kString = 8;
  const std::uint64_t huge = std::uint64_t{1} << 63;
  return {
      {"empty", "", "GG001"},
      {"other magic", "GGML" + std::string(20, 'x'), "GG001"},
      {"pickle", "\x80\x02" + std::string(20, 'x'), "IN001"},
      {"version 0", head(0, 0, 0).text, "GG002"},
      {"version 1", head(0, 0, 1).text, "GG002"},
      {"version 4", head(0, 0, 4).text, "GG002"},
      {"big-endian", head(0, 0, 0x03000000).text, "GG002"},
      {"header cut off", head(0, 0).text.substr(0, 20), "GG016"},
      {"2^63 tensors", head(huge, 0).text, "GG003"},
      {"2^63 keys", head(0, huge).text, "GG003"},
      {"100,001 keys", head(0, 100'001).text, "GG003"},
      {"keys missing", head(0, 1).text, "GG016"},
      {"key of 2^63 bytes", head(0, 1).u64(huge).text, "GG004"},
      {"key cut off", head(0, 1).u64(100).raw("abc").text, "GG016"},
      {"key empty", head(0, 1).string("").u32(4).u32(1).text, "GG006"},
      {"key of 65,536 bytes", head(0, 1).string(std::string(65'536, 'k')).u32(4).u32(1).text, "GG006"},
      {"key twice", head(0, 2).string("k").u32(4).u32(1).string("k").u32(4).u32(1).text, "GG007"},
      {"value type 13", one_value(Bytes().u32(13).u64(0)), "GG008"},
      {"value type 2^32 - 1", one_value(Bytes().u32(~0u).u64(0)), "GG008"},
      {"value cut off", one_value(Bytes().u32(10).u32(0)), "GG016"},
      {"boolean of 2", one_value(Bytes().u32(7).raw("\x02")), "GG008"},
      {"string of 1 GiB in 60 bytes", one_value(Bytes().u32(kString).u64(1u << 30)), "GG004"},
      {"string longer than the file", one_value(Bytes().u32(kString).u64(1000).raw("abc")), "GG016"},
      {"array of arrays", one_value(Bytes().u32(kArray).u32(kArray).u64(1)), "GG005"},
      {"array of type 77", one_value(Bytes().u32(kArray).u32(77).u64(1)), "GG005"},
      {"array of 2^63", one_value(Bytes().u32(kArray).u32(4).u64(huge)), "GG005"},
      {"array whose size overflows", one_value(Bytes().u32(kArray).u32(10).u64((huge >> 2) + 1)), "GG005"},
      {"array longer than the file", one_value(Bytes().u32(kArray).u32(4).u64(1000).u32(1)), "GG016"},
      {"strings longer than the file", one_value(Bytes().u32(kArray).u32(kString).u64(2).string("a").u64(9)),
       "GG016"},
      {"strings, too many", one_value(Bytes().u32(kArray).u32(kString).u64(1 << 20).string("a")), "GG016"},
      {"alignment of 0", alignment(Bytes().u32(4).u32(0)), "GG009"},
      {"alignment of 4", alignment(Bytes().u32(4).u32(4)), "GG009"},
      {"alignment of 48", alignment(Bytes().u32(4).u32(48)), "GG009"},
      {"alignment of 2 MiB", alignment(Bytes().u32(4).u32(1u << 21)), "GG009"},
      {"alignment as int32", alignment(Bytes().u32(5).u32(32)), "GG009"},
      {"alignment as a string", alignment(Bytes().u32(kString).string("32")), "GG009"},
      {"alignment as an array", alignment(Bytes().u32(kArray).u32(4).u64(1).u32(32)), "GG009"},
  };
}

std::vector<BadFile> bad_tensors() {
  const std::uint64_t big = std::uint64_t{1} << 40;
  Bytes twice = head(2, 0);
  tensor(tensor(twice, "t", {8}, 0, 0), "t", {8}, 0, 32).pad(32).raw(std::string(64, 'x'));
  Bytes second = head(2, 0);
  tensor(tensor(second, "t", {8}, 0, 0), "u", {8}, 0, 0).pad(32).raw(std::string(64, 'x'));
  return {
      {"tensors missing", head(1, 0).text, "GG016"},
      {"name empty", one_tensor({8}, 0, 0, 32, ""), "GG010"},
      {"name of 513 bytes", one_tensor({8}, 0, 0, 32, std::string(513, 'n')), "GG010"},
      {"tensor twice", twice.text, "GG010"},
      {"no dimensions", one_tensor({}), "GG011"},
      {"five dimensions", one_tensor({1, 1, 1, 1, 1}), "GG011"},
      {"dimension of 0", one_tensor({8, 0}), "GG011"},
      {"dimension of 2^64 - 1", one_tensor({~std::uint64_t{0}}), "GG011"},
      {"product overflows", one_tensor({big, big}), "GG011"},
      {"product overflows to 8", one_tensor({(std::uint64_t{1} << 61) + 1, 8}), "GG011"},
      {"bytes overflow", one_tensor({big, 1u << 22}, 28), "GG011"},
      {"type 4 (removed)", one_tensor({32}, 4), "GG012"},
      {"type 1000", one_tensor({32}, 1000), "GG012"},
      {"rows of broken blocks", one_tensor({16, 2}, 8), "GG013"},
      {"offset past its place", one_tensor({8}, 0, 32, 64), "GG014"},
      {"offset of 2^64 - 32", one_tensor({8}, 0, ~std::uint64_t{31}), "GG014"},
      {"tensors overlap", second.text, "GG014"},
      {"data cut off", one_tensor({8}, 0, 0, 31), "GG015"},
      {"no data", one_tensor({8}, 0, 0, 0), "GG015"},
      {"larger than the file", one_tensor({1u << 30, 1u << 10}), "GG015"},
  };
}

TEST(GgufMalformed, EachKindIsRefusedWithItsCode) {
  MemoryFile file;
  for (const auto& list : {bad_values(), bad_tensors()}) {
    for (const auto& [name, bytes, code] : list) {
      file.set(bytes);
      EXPECT_EQ(code_of([&] { GgufFile opened(file.path()); }), code) << name;
    }
    print_bad_inputs("GGUF", list.size());
  }
}

TEST(GgufMalformed, TheBuilderOfTheseTestsMakesGoodFilesToo) {
  MemoryFile file;
  file.set(one_tensor({8}));
  EXPECT_EQ(GgufFile(file.path()).tensors().size(), 1u);
}

TEST(GgufMalformed, EveryTruncationIsRefused) {
  const std::string whole = read_all(golden("every_type.gguf"));
  MemoryFile file;
  for (std::size_t size = 0; size < whole.size(); size += size < 4096 ? 1 : 61) {
    file.set(whole.substr(0, size));
    ASSERT_EQ(code_of([&] { GgufFile opened(file.path()); }).substr(0, 2), "GG") << size;
  }
}

// The golden file with one value behind a key replaced.
struct BadValue {
  std::string key, bytes, code;
};

TEST(GgufMalformed, MetadataOutOfRangeOrOfAnotherModelIsRefused) {
  const std::string whole = read_all(golden("every_type.gguf"));
  const auto u32 = [](std::uint32_t value) { return Bytes().u32(4).u32(value).text; };
  const std::vector<BadValue> list{
      {"general.architecture", Bytes().u32(8).string("mamba").text, "MD002"},
      {"llama.block_count", u32(0), "MD005"},
      {"llama.block_count", u32(5000), "MD005"},
      {"llama.block_count", u32(3), "MD001"},
      {"llama.block_count", u32(1), "MD003"},
      {"llama.embedding_length", u32(0), "MD005"},
      {"llama.embedding_length", u32(1u << 20), "MD005"},
      {"llama.embedding_length", u32(64), "MD004"},
      {"llama.feed_forward_length", u32(96), "MD004"},
      {"llama.feed_forward_length", u32(~0u), "MD005"},
      {"llama.attention.head_count", u32(5), "MD005"},
      {"llama.attention.head_count", u32(0), "MD005"},
      {"llama.attention.head_count_kv", u32(3), "MD005"},
      {"llama.attention.head_count_kv", u32(4), "MD004"},
      {"llama.context_length", u32(0), "MD005"},
      {"llama.rope.freq_base", Bytes().u32(6).put(-1.0f).text, "MD005"},
      {"llama.rope.freq_base", Bytes().u32(6).put(std::nanf("")).text, "MD005"},
      {"llama.attention.layer_norm_rms_epsilon", Bytes().u32(6).put(2.0f).text, "MD005"},
      {"tokenizer.ggml.bos_token_id", u32(~0u), "MD005"},
  };
  MemoryFile file;
  for (const auto& [key, bytes, code] : list) {
    const std::string stored = Bytes().string(key).text;
    const std::size_t at = whole.find(stored);
    ASSERT_NE(at, std::string::npos) << key;
    std::string changed = whole;
    changed.replace(at + stored.size(), bytes.size(), bytes);
    file.set(changed);
    EXPECT_EQ(code_of([&] { open_model(file.path()); }), code) << key;
  }
  print_bad_inputs("GGUF metadata", list.size());
}

// The least that a llama needs before its tensors, with one key more.
Bytes minimal(const Bytes& extra) {
  Bytes b = head(1, 7);
  b.string("general.architecture").u32(8).string("llama");
  for (const char* key : {"llama.embedding_length", "llama.feed_forward_length"})
    b.string(key).u32(4).u32(256);
  for (const char* key : {"llama.block_count", "llama.attention.head_count", "llama.attention.head_count_kv"})
    b.string(key).u32(4).u32(1);
  b.raw(extra.text);
  return tensor(b, "token_embd.weight", {256, 1}, 14, 0).pad(32).raw(std::string(210, 'x'));
}

TEST(GgufMalformed, FeaturesThatAreNotSupportedAreNamed) {
  MemoryFile file;
  for (const Bytes& extra : {Bytes().string("llama.rope.scaling.type").u32(8).string("yarn"),
                             Bytes().string("llama.rope.scale_linear").u32(6).put(2.0f),
                             Bytes().string("llama.rope.dimension_count").u32(4).u32(64),
                             Bytes().string("llama.attention.value_length").u32(4).u32(64),
                             Bytes().string("llama.expert_count").u32(4).u32(8)}) {
    file.set(minimal(extra).text);
    EXPECT_EQ(code_of([&] { read_model_config(file.path()); }), "MD006") << extra.text;
  }
}

TEST(GgufMalformed, ATypeThatIsNotReadIsNamed) {
  MemoryFile file;
  file.set(minimal(Bytes().string("llama.context_length").u32(4).u32(64)).text);
  EXPECT_EQ(GgufFile(file.path()).tensors()[0].type_name, "Q6_K");
  EXPECT_EQ(code_of([&] { open_model(file.path()); }), "GG012");
}

}  // namespace
}  // namespace hone::formats
