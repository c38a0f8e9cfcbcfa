#include "core/formats/safetensors.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

struct BadFile {
  std::string name, bytes, code;
};

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":)" + entry(dtype, shape, offsets) + "}";
}

std::string length_prefix(std::uint64_t size, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + rest;
}

std::string two(const std::string& first, const std::string& second) {
  return R"({"a":)" + entry("F32", "[1]", first) + R"(,"b":)" + entry("F32", "[1]", second) + "}";
}

std::vector<BadFile> bad_headers() {
  const std::string data(4, 'x');
  return {
      {"empty", "", "ST001"},
      {"seven bytes", "1234567", "ST001"},
      {"length 2^63", length_prefix(std::uint64_t{1} << 63, "{}"), "ST002"},
      {"length of all ones", length_prefix(~std::uint64_t{0}, "{}"), "ST002"},
      {"length over the limit", length_prefix(100'000'001, "{}"), "ST002"},
      {"length one past the end", length_prefix(3, "{}"), "ST003"},
      {"header missing", length_prefix(4096, ""), "ST003"},
      {"not JSON", safetensors_bytes("{\"a\":"), "ST004"},
      {"bad UTF-8", safetensors_bytes("{\"\xff\":1}"), "ST004"},
      {"text after the object", safetensors_bytes("{}x"), "ST004"},
      {"empty header", safetensors_bytes(""), "ST005"},
      {"leading space", safetensors_bytes(" {}"), "ST005"},
      {"a list", safetensors_bytes("[1]"), "ST005"},
      {"a number for an entry", safetensors_bytes(R"({"a":1})"), "ST005"},
      {"null for an entry", safetensors_bytes(R"({"a":null})"), "ST005"},
      {"unknown key", safetensors_bytes(R"({"a":{"type":"F32"}})"), "ST005"},
      {"key twice", safetensors_bytes(R"({"a":{"dtype":"F32","dtype":"F32"}})"), "ST004"},
      {"key missing", safetensors_bytes(R"({"a":{"dtype":"F32","shape":[1]}})", data), "ST005"},
      {"one offset", safetensors_bytes(one("F32", "[1]", "[0]"), data), "ST005"},
      {"three offsets", safetensors_bytes(one("F32", "[1]", "[0,4,4]"), data), "ST005"},
      {"negative offset", safetensors_bytes(one("F32", "[1]", "[-4,0]"), data), "ST005"},
      {"fraction in the shape", safetensors_bytes(one("F32", "[1.5]", "[0,4]"), data), "ST005"},
      {"string in the shape", safetensors_bytes(one("F32", "[\"1\"]", "[0,4]"), data), "ST005"},
      {"list in the shape", safetensors_bytes(one("F32", "[[1]]", "[0,4]"), data), "ST005"},
      {"metadata that is no string", safetensors_bytes(R"({"__metadata__":{"a":1}})"), "ST005"},
      {"metadata key twice", safetensors_bytes(R"({"__metadata__":{"a":"1","a":"2"}})"), "ST004"},
      {"deep lists", safetensors_bytes(R"({"a":)" + std::string(100'000, '[')), "ST005"},
      {"nested objects", safetensors_bytes(R"({"a":{"dtype":{}}})"), "ST005"},
  };
}

std::vector<BadFile> bad_tensors() {
  const std::string data(4, 'x');
  return {
      {"empty name", safetensors_bytes(R"({"":)" + entry("F32", "[1]", "[0,4]") + "}", data), "ST006"},
      {"name too long", safetensors_bytes(R"({")" + std::string(513, 'n') + R"(":1})"), "ST006"},
      {"control character in a name", safetensors_bytes(R"({"a\u0001":1})"), "ST006"},
      {"tensor twice",
       safetensors_bytes(
           R"({"a":)" + entry("F32", "[1]", "[0,4]") + R"(,"a":)" + entry("F32", "[0]", "[4,4]") + "}", data),
       "ST006"},
      {"unknown type", safetensors_bytes(one("F31", "[1]", "[0,4]"), data), "ST007"},
      {"type not read", safetensors_bytes(one("F8_E4M3", "[4]", "[0,4]"), data), "ST007"},
      {"nine dimensions", safetensors_bytes(one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), data), "ST008"},
      {"dimension of 2^63", safetensors_bytes(one("F32", "[9223372036854775808]", "[0,4]"), data), "ST008"},
      {"product overflows", safetensors_bytes(one("F32", "[4294967296,4294967296]", "[0,4]"), data), "ST008"},
      {"product overflows to 4", safetensors_bytes(one("F32", "[4611686018427387905]", "[0,4]"), data),
       "ST008"},
      {"size too small", safetensors_bytes(one("F32", "[2]", "[0,4]"), data), "ST009"},
      {"size too large", safetensors_bytes(one("F16", "[1]", "[0,4]"), data), "ST009"},
      {"end before begin", safetensors_bytes(one("F32", "[1]", "[4,0]"), data), "ST009"},
      {"offsets of 2^64 - 1", safetensors_bytes(one("U8", "[0]", "[18446744073709551615,0]"), data), "ST009"},
      {"hole at the start", safetensors_bytes(one("F32", "[1]", "[4,8]"), data + data), "ST010"},
      {"hole between", safetensors_bytes(two("[0,4]", "[8,12]"), data + data + data), "ST010"},
      {"overlap", safetensors_bytes(two("[0,4]", "[2,6]"), data + data), "ST011"},
      {"same bytes twice", safetensors_bytes(two("[0,4]", "[0,4]"), data), "ST011"},
      {"data cut off", safetensors_bytes(one("F32", "[1]", "[0,4]"), "xxx"), "ST012"},
      {"trailing byte", safetensors_bytes(one("F32", "[1]", "[0,4]"), "xxxxx"), "ST012"},
      {"data without tensors", safetensors_bytes("{}", "x"), "ST012"},
      {"pickle", "\x80\x04" + std::string(20, 'x'), "IN001"},
      {"zip", "PK\x03\x04" + std::string(20, 'x'), "IN001"},
      {"gzip", "\x1f\x8b" + std::string(20, 'x'), "IN001"},
      {"tar", std::string(257, 'x') + "ustar" + std::string(20, 'x'), "IN001"},
  };
}

TEST(SafetensorsMalformed, EachKindIsRefusedWithItsCode) {
  MemoryFile file;
  for (const auto& list : {bad_headers(), bad_tensors()}) {
    for (const auto& [name, bytes, code] : list) {
      file.set(bytes);
      EXPECT_EQ(code_of([&] { SafetensorsFile opened(file.path()); }), code) << name;
    }
    print_bad_inputs("safetensors", list.size());
  }
}

TEST(SafetensorsMalformed, EveryTruncationIsRefused) {
  MemoryFile file;
  const std::string whole = read_all(golden("every_type.safetensors"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    file.set(whole.substr(0, size));
    ASSERT_EQ(code_of([&] { SafetensorsFile opened(file.path()); }).substr(0, 2), "ST") << size;
  }
}

TEST(SafetensorsMalformed, OnlyRegularFilesAreOpened) {
  const Scratch scratch;
  EXPECT_EQ(code_of([&] { SafetensorsFile file(scratch / "nowhere"); }), "FS001");
  EXPECT_EQ(code_of([&] { SafetensorsFile file(scratch.path()); }), "FS002");
  EXPECT_EQ(code_of([] { SafetensorsFile file("/dev/zero"); }), "FS002");
}

TEST(SafetensorsMalformed, TheMessageNamesFileTensorAndNumbers) {
  const Scratch scratch;
  const std::string path =
      write_all(scratch / "m.safetensors", safetensors_bytes(one("F32", "[2]", "[0,4]"), "xxxx"));
  try {
    SafetensorsFile file(path);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()), "error[ST009]: tensor of the wrong size: " + path +
                                         ": a: offsets 0 to 4, type and shape need 8 bytes");
  }
}

}  // namespace
}  // namespace hone::formats
