// Manifests made by hand: right digest, wrong content. Each is refused by the rule it breaks.
#include "checkpoint/manifest.h"

#include <fmt/format.h>

#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

Manifest good_manifest() {
  Manifest manifest;
  manifest.step = 3;
  manifest.layout.parameters = {{"a", {2, 5}, {0, 10}, true}, {"b", {6}, {64, 70}, false}};
  manifest.layout.blocks = {{"one", {0, 64}}, {"two", {64, 128}}};
  manifest.layout.size = 128;
  manifest.tensors = {{"master", StateType::f32, 1, 128}};
  const std::string digest(32, 'a');
  manifest.files = {{"rank-00000-00000.h5", 100, digest, {{"master", {{0, 64}}}}},
                    {"rank-00001-00000.h5", 100, digest, {{"master", {{64, 128}}}}}};
  manifest.trainer = {{"epoch", 1}};
  manifest.config = {{"train.seed", "42"}};
  return manifest;
}

std::string closed(const std::string& head) { return head + manifest_last_line(head); }

std::string parse_code(const std::string& text, std::string* message = nullptr) {
  return code_of([&] { parse_manifest(text, "step-00000003/manifest.json"); }, message);
}

TEST(Manifest, TextComesBack) {
  const std::string text = manifest_text(good_manifest());
  EXPECT_EQ(manifest_text(parse_manifest(text, "here")), text);
  EXPECT_EQ(Json::parse(text)["format"], "hone-checkpoint");
}

TEST(Manifest, WithoutItsDigestLineIsDamaged) {
  const std::string text = manifest_text(good_manifest());
  EXPECT_EQ(parse_code(text.substr(0, text.size() - 1)), "CK002");
  EXPECT_EQ(parse_code(text + "\n"), "CK002");
  EXPECT_EQ(parse_code(" " + text), "CK002");
  EXPECT_EQ(parse_code("x"), "CK002");
}

TEST(Manifest, LaterVersionIsRefusedByBothNumbers) {
  std::string head = manifest_text(good_manifest()), message;
  head.resize(head.size() - manifest_last_line("").size());
  head.replace(head.find("\"version\": 2"), 12, "\"version\": 3");
  EXPECT_EQ(parse_code(closed(head), &message), "CK004");
  EXPECT_NE(message.find("version 3, this program reads versions up to 2"), std::string::npos);
}

struct Edit {
  const char* rule;
  const char* from;
  const char* to;
};

class BadManifest : public ::testing::TestWithParam<Edit> {};

TEST_P(BadManifest, IsRefused) {
  std::string head = manifest_text(good_manifest()), message;
  head.resize(head.size() - manifest_last_line("").size());
  const std::size_t at = head.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  head.replace(at, std::string(GetParam().from).size(), GetParam().to);
  EXPECT_EQ(parse_code(closed(head), &message), "CK003") << GetParam().rule;
  EXPECT_NE(message.find("step-00000003/manifest.json"), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    ByHand, BadManifest,
    ::testing::Values(
        Edit{"not JSON", "\"step\": 3", "\"step\": "},
        Edit{"key twice", "\"step\": 3", "\"step\": 3,\n\"step\": 4"},
        Edit{"other format", "hone-checkpoint", "zone-checkpoint"},
        Edit{"version no number", "\"version\": 2", "\"version\": \"2\""},
        Edit{"step missing", "\"step\": 3", "\"stop\": 3"},
        Edit{"negative step", "\"step\": 3", "\"step\": -3"},
        Edit{"step a fraction", "\"step\": 3", "\"step\": 3.5"},
        Edit{"step over 64 bits", "\"step\": 3", "\"step\": 18446744073709551619"},
        Edit{"step over 63 bits", "\"step\": 3", "\"step\": 9223372036854775811"},
        Edit{"no ranks", "\"world_size\": 1", "\"world_size\": 0"},
        Edit{"granule 0", "\"granule\": 1", "\"granule\": 0"},
        Edit{"arena beyond the limit", "\"size\":128", "\"size\":1152921504606846976"},
        Edit{"arena of a bomb", "\"size\":128", "\"size\":1000000000000"},
        Edit{"layout no object", "\"layout\": {", "\"layout\": 1,\n\"x\": {"},
        Edit{"blocks with a hole", "\"range\":[64,128]", "\"range\":[65,128]"},
        Edit{"blocks too short", "\"range\":[64,128]", "\"range\":[64,127]"},
        Edit{"shape does not fill", "\"shape\":[2,5]", "\"shape\":[2,4]"},
        Edit{"shape negative", "\"shape\":[2,5]", "\"shape\":[-2,-5]"},
        Edit{"shape no list", "\"shape\":[2,5]", "\"shape\":10"},
        Edit{"parameter twice", "\"name\":\"b\"", "\"name\":\"a\""},
        Edit{"parameters overlap", "\"range\":[64,70]", "\"range\":[4,10]"},
        Edit{"parameter outside", "\"range\":[64,70]", "\"range\":[128,134]"},
        Edit{"range backwards", "\"range\":[0,10]", "\"range\":[10,0]"},
        Edit{"range of three", "\"range\":[0,10]", "\"range\":[0,10,20]"},
        Edit{"decay no boolean", "\"decay\":true", "\"decay\":1"},
        Edit{"name no string", "\"name\":\"a\"", "\"name\":7"},
        Edit{"tensor name a path", "\"name\":\"master\"", "\"name\":\"../master\""},
        Edit{"tensor of another type", "\"dtype\":\"f32\"", "\"dtype\":\"f16\""},
        Edit{"tensor per row", "\"per\":\"element\"", "\"per\":\"row\""},
        Edit{"tensor per nothing", "\"per\":\"element\"", "\"per\":0"},
        Edit{"tensor per more than its values", "\"per\":\"element\"", "\"per\":2"},
        Edit{"tensor per huge unit", "\"per\":\"element\"", "\"per\":1125899906842624"},
        Edit{"whole tensor short", "\"per\":\"element\",\"count\":128", "\"per\":\"whole\",\"count\":127"},
        Edit{"count missing", "\"count\":128", "\"size\":128"},
        Edit{"count another than the arena's", "\"count\":128", "\"count\":64"},
        Edit{"file name a path", "\"rank-00000-00000.h5\"", "\"../rank-00000-00000.h5\""},
        Edit{"file name absolute", "\"rank-00000-00000.h5\"", "\"/etc/passwd\""},
        Edit{"file name foreign", "\"rank-00000-00000.h5\"", "\"weights.h5\""},
        Edit{"file name not canonical", "\"rank-00000-00000.h5\"", "\"rank-0-0.h5\""},
        Edit{"file name with a tail", "\"rank-00000-00000.h5\"", "\"rank-00000-00000.h5x\""},
        Edit{"file twice", "\"rank-00001-00000.h5\"", "\"rank-00000-00000.h5\""},
        Edit{"empty file", "\"size\":100", "\"size\":0"},
        Edit{"digest short", "\"xxh3\":\"aaaa", "\"xxh3\":\"aaa"},
        Edit{"digest upper case", "\"xxh3\":\"aaaa", "\"xxh3\":\"AAAA"},
        Edit{"part of unknown tensor", "\"tensor\":\"master\"", "\"tensor\":\"slave\""},
        Edit{"part without ranges", "[[0,64]]", "[]"}, Edit{"empty range", "[[0,64]]", "[[0,64],[64,64]]"},
        Edit{"hole", "[[0,64]]", "[[0,63]]"}, Edit{"overlap", "[[0,64]]", "[[0,65]]"},
        Edit{"tensor short", "[[64,128]]", "[[64,127]]"}, Edit{"tensor long", "[[64,128]]", "[[64,129]]"},
        Edit{"range overflows", "[[64,128]]", "[[64,9223372036854775807]]"},
        Edit{"trainer no object", "\"trainer\": {\"epoch\":1}", "\"trainer\": []"},
        Edit{"config value no string", "\"train.seed\":\"42\"", "\"train.seed\":42"},
        Edit{"digests missing", "\"digests\"", "\"digest\""}),
    [](const auto& info) {
      std::string name = info.param.rule;
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      return name;
    });

TEST(Manifest, NestedDeeperThanAnyOfOursIsRefused) {
  std::string head = manifest_text(good_manifest());
  head.resize(head.size() - manifest_last_line("").size());
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  head.replace(head.find("{\"epoch\":1}"), 11, "{\"epoch\":" + deep + "}");
  EXPECT_EQ(parse_code(closed(head)), "CK003");
}

}  // namespace
}  // namespace hone::checkpoint::testing
