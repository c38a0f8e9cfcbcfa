#include "core/formats/safetensors.h"

#include "core/formats/decode.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

TEST(Safetensors, EveryTypeReadsAsTheReferenceLibraryWroteIt) {
  const SafetensorsFile file(golden("every_type.safetensors"));
  std::map<std::string, std::string> met;
  for (const SafetensorsEntry& entry : file.entries()) {
    std::vector<float> values(static_cast<std::size_t>(elements_of(entry.info)));
    decode(entry.info.dtype, entry.bytes.data(), elements_of(entry.info), values.data());
    met[entry.info.name] = fnv(values);
  }
  EXPECT_EQ(met, expected_hashes("every_type.json"));
}

TEST(Safetensors, WritesTheBytesOfTheReferenceLibrary) {
  const Scratch scratch;
  const std::vector<float> a{0, 1, 2, 3, 4, 5}, b(4, -1.5f);
  SafetensorsWriter writer(scratch / "out.safetensors", {{"a", DType::f32, {2, 3}}, {"b", DType::f32, {4}}});
  writer.write(std::as_bytes(std::span(a)).first(7));
  writer.write(std::as_bytes(std::span(a)).subspan(7));
  writer.write(std::as_bytes(std::span(b)));
  EXPECT_FALSE(std::filesystem::exists(scratch / "out.safetensors"));
  writer.finish();
  EXPECT_EQ(read_all(scratch / "out.safetensors"), read_all(golden("two_floats.safetensors")));
}

TEST(Safetensors, RoundTripsEveryTypeItCanWrite) {
  const Scratch scratch;
  const SafetensorsFile original(golden("every_type.safetensors"));
  std::vector<TensorInfo> infos;
  for (const SafetensorsEntry& entry : original.entries()) infos.push_back(entry.info);
  SafetensorsWriter writer(scratch / "copy.safetensors", infos, {});
  for (const SafetensorsEntry& entry : original.entries()) writer.write(entry.bytes);
  writer.finish();
  const SafetensorsFile copy(scratch / "copy.safetensors");
  ASSERT_EQ(copy.entries().size(), original.entries().size());
  for (std::size_t i = 0; i < infos.size(); ++i) {
    EXPECT_EQ(copy.entries()[i].info.shape, infos[i].shape);
    EXPECT_TRUE(std::ranges::equal(copy.entries()[i].bytes, original.entries()[i].bytes));
  }
  EXPECT_TRUE(copy.metadata().empty());
  EXPECT_EQ(copy.find("nowhere"), nullptr);
}

TEST(Safetensors, AWriterThatGotTooFewOrTooManyBytesIsOurBug) {
  const Scratch scratch;
  SafetensorsWriter writer(scratch / "out.safetensors", {{"a", DType::f32, {2}}});
  const std::vector<float> three(3);
  EXPECT_EQ(code_of([&] { writer.finish(); }, Exit::internal), "IN000");
  EXPECT_EQ(code_of([&] { writer.write(std::as_bytes(std::span(three))); }, Exit::internal), "IN000");
}

TEST(Safetensors, AFolderThatCannotBeWrittenIsAnOutputError) {
  const auto open = [] { SafetensorsWriter("/proc/nowhere/a.safetensors", {}); };
  EXPECT_EQ(code_of(open, Exit::output), "FS010");
}

TEST(Safetensors, ByteSizesOfBlocksAreChecked) {
  EXPECT_EQ(byte_size(DType::q4_1, 64), 40);
  EXPECT_EQ(byte_size(DType::nf4, 7), 4);
  EXPECT_EQ(code_of([] { byte_size(DType::q8_0, 33); }), "ST008");
  EXPECT_EQ(code_of([] { element_count({std::int64_t{1} << 40, std::int64_t{1} << 40}); }), "ST008");
}

}  // namespace
}  // namespace hone::formats
