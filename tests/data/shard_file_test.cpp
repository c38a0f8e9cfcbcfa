#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <random>

#include "core/base/file_system.h"
#include "data/shard/hdf5_handles.h"
#include "data/shard/shard_writer.h"
#include "tests/data/fakes.h"
#include "tests/data/shard_samples.h"

namespace hone::data {
namespace {

using fakes::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Fingerprint kNarrow{11, 22, 1000}, kWide{11, 22, 100000};

std::vector<Sample> some_samples(std::int32_t vocab, int count = 20) {
  std::mt19937 random(7);
  std::vector<Sample> samples(count);
  for (int row = 0; row < count; ++row) {
    samples[row].row = row;
    for (int i = 0; i < row * 3 % 17; ++i) {
      samples[row].ids.push_back(static_cast<std::int32_t>(random() % vocab));
      samples[row].supervised.push_back(random() % 2);
    }
  }
  return samples;
}

TEST(SampleShard, WhatWasWrittenIsRead) {
  const TemporaryFolder folder;
  for (const Fingerprint& fingerprint : {kNarrow, kWide}) {
    const auto samples = some_samples(fingerprint.vocab_size);
    const SampleShard shard(folder.write("s.h5", image_of(samples, fingerprint)));
    std::vector<Sample> read;
    for (std::int64_t row = 0; row < shard.rows(); ++row) {
      read.push_back(shard.read(row, {}));
      EXPECT_EQ(shard.length(row), static_cast<std::int64_t>(samples[row].ids.size()));
    }
    EXPECT_TRUE(same(read, samples));
  }
}

TEST(SampleShard, TheSameSamplesGiveTheSameBytes) {
  EXPECT_EQ(image_of(some_samples(1000), kNarrow), image_of(some_samples(1000), kNarrow));
}

TEST(SampleShard, AColumnOfManyMebibytesIsCheckedBlockByBlock) {
  const TemporaryFolder folder;
  Sample big;
  for (int i = 0; i < 1500000; ++i) big.ids.push_back(i % 1000);
  big.supervised.assign(big.ids.size(), 1);
  std::vector<Sample> samples{big, big};
  samples[1].row = 1;
  std::string image = image_of(samples, kNarrow);
  EXPECT_TRUE(same(read_all(folder.write("s.h5", image), kNarrow), samples));
  image[image.size() / 2] ^= 1;  // inside the second row's ids
  const SampleShard shard(folder.write("d.h5", image));
  EXPECT_EQ(shard.read(0, {.max_length = 1000}).ids.size(), 1000u);
  EXPECT_THAT(fakes::error_of([&] {
                shard.read(1, {});
                shard.read(0, {});
              }),
              StartsWith("error[H5013]"));
}

TEST(SampleShard, ReadingCutsAndMasks) {
  const TemporaryFolder folder;
  const auto samples = some_samples(1000);
  const SampleShard shard(folder.write("s.h5", image_of(samples, kNarrow)));
  for (const TrainOn train_on : {TrainOn::completion, TrainOn::all})
    for (std::int64_t max_length : {0, 1, 2, 5, 11, 100})
      for (std::int64_t row = 0; row < shard.rows(); ++row) {
        const Reading reading{max_length, train_on};
        Sample expected = samples[row];
        if (max_length > 0) expected.ids.resize(std::min<std::size_t>(expected.ids.size(), max_length));
        expected.supervised.resize(expected.ids.size());
        if (train_on == TrainOn::all) expected.supervised.assign(expected.ids.size(), 1);
        EXPECT_TRUE(same({shard.read(row, reading)}, {expected}));
        bool target = false;
        for (std::size_t i = 1; i < expected.ids.size(); ++i) target = target || expected.supervised[i];
        EXPECT_EQ(shard.has_target(row, reading), target);
      }
}

TEST(SampleShard, AnotherTokenizerTemplateOrVocabularyIsRefused) {
  const TemporaryFolder folder;
  const SampleShard shard(folder.write("s.h5", image_of(some_samples(1000), kNarrow)));
  EXPECT_THAT(fakes::error_of([&] {
                shard.require({12, 22, 1000});
              }),
              StartsWith("error[DS010]: corpus and tokenizer"));
  EXPECT_THAT(fakes::error_of([&] {
                shard.require({11, 23, 1000});
              }),
              StartsWith("error[DS010]: corpus and chat"));
  EXPECT_THAT(fakes::error_of([&] { shard.require({11, 22, 1001}); }), StartsWith("error[DS011]"));
}

TEST(SampleShard, AnIdOverTheVocabularyIsRefused) {
  const TemporaryFolder folder;
  Column ids{"ids", IntType::u16, true, {}, {0}}, spans{"spans", IntType::i32, true, {}, {0}};
  Column row{"row", IntType::i64, false, {}, {0}};
  const std::uint16_t values[] = {5, 1000};
  const std::int64_t number = 0;
  ids.append(std::span<const std::uint16_t>(values));
  spans.append(std::span<const std::int32_t>());
  row.append(std::span(&number, 1));
  const auto image = shard_image({1, 1000, 11, 22}, std::vector<Column>{ids, spans, row});
  write_file_atomic(folder / "s.h5", image);
  EXPECT_THAT(fakes::error_of([&] { read_all(folder / "s.h5", kNarrow); }), StartsWith("error[DS011]"));
  const std::int32_t outside[] = {1, 9};
  spans = {"spans", IntType::i32, true, {}, {0}};
  spans.append(std::span<const std::int32_t>(outside));
  write_file_atomic(folder / "t.h5", shard_image({1, 2000, 11, 22}, std::vector<Column>{ids, spans, row}));
  EXPECT_THAT(fakes::error_of([&] { SampleShard(folder / "t.h5").read(0, {}); }),
              HasSubstr("spans of row 0"));
}

// Every third byte, a different bit each time: all would take a slow disk a minute.
TEST(SampleShard, AFlippedBitIsRefusedOrChangesNothing) {
  const TemporaryFolder folder;
  const auto samples = some_samples(1000, 6);
  const std::string image = image_of(samples, kNarrow);
  int refused = 0;
  for (std::size_t at = 0; at < image.size(); at += 3) {
    std::string damaged = image;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    const std::string path = folder.write("d.h5", damaged);
    try {
      EXPECT_TRUE(same(read_all(path, kNarrow), samples)) << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::input);
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(image.size() / 10));
}

TEST(SampleShard, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  const std::string image = image_of(some_samples(1000, 6), kNarrow);
  for (std::size_t size = 0; size < image.size(); size += size < 200 ? 1 : 37)
    EXPECT_THAT(fakes::error_of([&] { read_all(folder.write("d.h5", image.substr(0, size)), kNarrow); }),
                StartsWith("error[H5"))
        << size;
}

// Files that another program could have made: changed through the HDF5 library, so all its checksums are
// right.
class ForeignShard : public ::testing::Test {
 protected:
  std::string changed(const std::function<void(hid_t file)>& change) {
    const std::string path = folder_.write("f.h5", image_of(some_samples(1000, 6), kNarrow));
    {
      const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
      EXPECT_TRUE(file.valid());
      change(file);
    }
    return fakes::error_of([&] { read_all(path, kNarrow); });
  }
  static void replace(hid_t file, hid_t type, const std::function<void(hid_t layout)>& set, int rank = 1,
                      const char* name = "columns/ids/values") {
    H5Ldelete(file, name, H5P_DEFAULT);
    const hsize_t dims[2] = {43, 1}, limits[2] = {rank == 0 ? H5S_UNLIMITED : 43, 1};
    const Hdf5Handle space(H5Screate_simple(rank == 2 ? 2 : 1, dims, limits), H5Sclose);
    const Hdf5Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    set(layout);
    const Hdf5Handle made(H5Dcreate2(file, name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT), H5Dclose);
    EXPECT_TRUE(made.valid());
  }
  TemporaryFolder folder_;
};

TEST_F(ForeignShard, DataOutsideTheFileOrBehindLinksIsRefused) {
  EXPECT_EQ(changed([](hid_t) {}), "");
  EXPECT_THAT(changed([](hid_t f) {
                replace(f, H5T_STD_U16LE, [](hid_t p) { H5Pset_external(p, "/etc/passwd", 0, 86); });
              }),
              StartsWith("error[H5009]"));
  EXPECT_THAT(changed([](hid_t f) {
                H5Ldelete(f, "columns/ids/values", H5P_DEFAULT);
                H5Lcreate_external("other.h5", "/x", f, "columns/ids/values", H5P_DEFAULT, H5P_DEFAULT);
              }),
              StartsWith("error[H5007]"));
  EXPECT_THAT(changed([](hid_t f) {
                H5Lmove(f, "columns/ids/values", f, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
                H5Lcreate_soft("/elsewhere", f, "columns/ids/values", H5P_DEFAULT, H5P_DEFAULT);
              }),
              StartsWith("error[H5007]"));
  EXPECT_THAT(changed([](hid_t f) {
                H5Ldelete(f, "columns/ids", H5P_DEFAULT);
                H5Lcreate_external("other.h5", "/x", f, "columns/ids", H5P_DEFAULT, H5P_DEFAULT);
              }),
              StartsWith("error[H5007]"));
}

TEST_F(ForeignShard, OtherLayoutsTypesAndShapesAreRefused) {
  const auto none = [](hid_t) {};
  const hsize_t chunk = 8;
  const auto chunked = [&](hid_t p) { H5Pset_chunk(p, 1, &chunk); };
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_U16LE, chunked); }), StartsWith("error[H5008]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_U16LE, chunked, 0); }), StartsWith("error[H5008]"));
  EXPECT_THAT(
      changed([&](hid_t f) { replace(f, H5T_STD_U16LE, [](hid_t p) { H5Pset_layout(p, H5D_COMPACT); }); }),
      StartsWith("error[H5008]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_U16BE, none); }), StartsWith("error[H5010]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_I16LE, none); }), StartsWith("error[H5010]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_IEEE_F32LE, none); }), StartsWith("error[H5010]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_U16LE, none, 2); }), StartsWith("error[H5010]"));
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_U16LE, none); }),
              StartsWith("error[H5011]"));  // not allocated
  EXPECT_THAT(changed([&](hid_t f) { replace(f, H5T_STD_I64LE, none, 1, "columns/row/values"); }),
              StartsWith("error[H5011]"));
}

TEST_F(ForeignShard, MissingPartsAndWrongKindsAreRefused) {
  for (const char* name : {"columns", "columns/ids", "columns/ids/values", "columns/ids/values_xxh3",
                           "columns/ids/offsets", "columns/spans/offsets_xxh3", "columns/row/values"})
    EXPECT_THAT(changed([&](hid_t f) { H5Ldelete(f, name, H5P_DEFAULT); }), StartsWith("error[H5006]"))
        << name;
  EXPECT_THAT(changed([](hid_t f) {
                H5Ldelete(f, "columns/ids/values", H5P_DEFAULT);
                H5Gclose(H5Gcreate2(f, "columns/ids/values", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
              }),
              StartsWith("error[H5006]"));
  EXPECT_THAT(changed([](hid_t f) { H5Adelete(f, "rows"); }), StartsWith("error[H5005]"));
}

TEST_F(ForeignShard, CountsThatDoNotAgreeAreRefused) {
  const auto set = [](hid_t f, const char* name, std::uint64_t value) {
    const Hdf5Handle attribute(H5Aopen(f, name, H5P_DEFAULT), H5Aclose);
    H5Awrite(attribute, H5T_NATIVE_UINT64, &value);
  };
  for (const std::uint64_t rows :
       {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{7}, std::uint64_t{1} << 61, ~std::uint64_t{0}})
    EXPECT_THAT(changed([&](hid_t f) { set(f, "rows", rows); }), StartsWith("error[H5012]")) << rows;
  EXPECT_THAT(changed([&](hid_t f) { set(f, "vocab_size", 70000); }), StartsWith("error[H5012]"));
  EXPECT_THAT(changed([&](hid_t f) { set(f, "format_version", 2); }), StartsWith("error[H5014]"));
}

TEST(SampleShard, OtherFilesAreRefusedByTheirSignature) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      fakes::error_of([&] { SampleShard shard(folder.write("a", "PK\3\4" + std::string(100, 'x'))); }),
      StartsWith("error[H5002]"));
  EXPECT_THAT(fakes::error_of([&] { SampleShard shard(folder.write("b", "")); }), StartsWith("error[H5002]"));
  {
    const Hdf5Handle old(H5Fcreate((folder / "old.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
                         H5Fclose);
  }
  EXPECT_THAT(fakes::error_of([&] { SampleShard shard(folder / "old.h5"); }), StartsWith("error[H5003]"));
}

}  // namespace
}  // namespace hone::data
