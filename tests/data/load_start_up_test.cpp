// What opening prepared folders and making a loader reads: counted, not timed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/load/loader.h"
#include "data/load/prepared_set.h"
#include "tests/data/fakes.h"
#include "tests/data/shard_samples.h"

namespace hone::data {
namespace {

using fakes::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Fingerprint kFingerprint{11, 22, 1000};

// Of 3 to 12 tokens, the last of which are supervised.
std::vector<Sample> some_samples(int count) {
  std::vector<Sample> samples(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    Sample& sample = samples[static_cast<std::size_t>(row)];
    sample.row = row;
    sample.ids.assign(static_cast<std::size_t>(3 + row * 7 % 10), row % 1000);
    sample.supervised.assign(sample.ids.size(), 0);
    std::fill(sample.supervised.begin() + 1 + row % 2, sample.supervised.end(), 1);
  }
  return samples;
}

std::vector<Reading> some_readings() {
  std::vector<Reading> readings;
  for (const std::int64_t max_length : {0, 2, 3, 5, 8, 12, 100})
    for (const TrainOn train_on : {TrainOn::completion, TrainOn::all}) {
      readings.push_back({.max_length = max_length, .train_on = train_on});
      readings.push_back(
          {.max_length = max_length, .train_on = train_on, .truncation_side = TruncationSide::left});
      if (max_length > 0) readings.push_back({.max_length = max_length, .train_on = train_on, .chunk = true});
      if (max_length > 0)
        readings.push_back(
            {.max_length = max_length, .train_on = train_on, .chunk = true, .chunk_overlap = 1});
    }
  return readings;
}

std::shared_ptr<const PreparedSet> open(const std::string& folder, const Reading& reading = {}) {
  return std::make_shared<PreparedSet>(std::vector{folder}, kFingerprint, reading);
}

TEST(StartUp, TouchesNoRowOfAnyNumberOfRows) {
  const TemporaryFolder folder;
  for (const int rows : {40, 640}) {
    const auto set = open(write_folder(folder / std::to_string(rows), some_samples(rows), kFingerprint, 20),
                          {.max_length = 8});
    Loader loader(set, {.batch_size = 4});
    EXPECT_EQ(loader.sample_count(), rows);
    EXPECT_EQ(loader.steps_in(1), rows / 4);
    EXPECT_GT(loader.tokens_per_epoch(), 3 * rows);
    loader.seek({0, rows / 2});
    EXPECT_EQ(set->longest(), 8);
    EXPECT_EQ(set->touched().shards, 0);
    EXPECT_EQ(set->touched().blocks, 0);
    loader.next_step();
    EXPECT_LE(set->touched().shards, 4);
    EXPECT_LE(set->touched().blocks, 4 * 5);
  }
}

TEST(StartUp, OnlyAShardWithRowsThatMayLackATargetIsLookedAt) {
  const TemporaryFolder folder;
  auto samples = some_samples(200);
  samples[47].supervised.assign(samples[47].ids.size(), 0);
  samples[105].supervised.assign(samples[105].ids.size(), 0);
  samples[105].ids.resize(12), samples[105].supervised.resize(12, 1);  // its first target comes too late
  const std::string path = write_folder(folder / "rows", samples, kFingerprint, 20);
  for (const std::int64_t max_length : {0, 5}) {
    const auto set = open(path, {.max_length = max_length});
    const Loader loader(set, {});
    EXPECT_EQ(set->touched().shards, max_length == 0 ? 1 : 2);
    EXPECT_EQ(loader.sample_count(), max_length == 0 ? 199 : 198);
    EXPECT_EQ(loader.order().first_dropped(), 47);
  }
  const auto set = open(path, {.max_length = 8, .chunk = true});
  EXPECT_EQ(set->touched().shards, 10);  // all have longer rows, whose chunks are to be counted
  EXPECT_LE(set->touched().blocks, 10 * 2);
}

TEST(StartUp, TheIndexSaysWhatReadingEveryRowSays) {
  const TemporaryFolder folder;
  auto samples = some_samples(90);
  samples[7].ids.resize(1), samples[7].supervised.resize(1);
  samples[30].supervised.assign(samples[30].ids.size(), 0);
  samples[60].ids.clear(), samples[60].supervised.clear();
  const std::string known = write_folder(folder / "known", samples, kFingerprint, 30),
                    older = write_folder(folder / "older", samples, kFingerprint, 30, /*bounds=*/false);
  for (const Reading& reading : some_readings()) {
    const auto a = open(known, reading), b = open(older, reading);
    ASSERT_EQ(a->size(), b->size());
    EXPECT_EQ(a->longest(), b->longest());
    EXPECT_EQ(a->tokens(), b->tokens());
    const auto longer = std::ranges::count_if(
        samples, [&](const Sample& s) { return std::ssize(s.ids) > reading.max_length; });
    const bool cuts = reading.max_length > 0 && !reading.chunk;
    EXPECT_EQ(a->truncated(), cuts ? longer : 0);
    EXPECT_EQ(b->truncated(), cuts ? -1 : 0);
    EXPECT_EQ(a->longest(), a->SampleSet::longest());
    EXPECT_EQ(a->tokens(), a->SampleSet::tokens());
    EXPECT_EQ(a->without_target(0, a->size()), a->SampleSet::without_target(0, a->size()));
    EXPECT_EQ(a->without_target(10, a->size() - 7), b->SampleSet::without_target(10, a->size() - 7));
    for (std::int64_t i = 0; i < a->size(); ++i) {
      EXPECT_EQ(a->row(i), b->row(i));
      EXPECT_TRUE(same({a->read(i)}, {b->read(i)}));
    }
  }
  EXPECT_EQ(open(known)->fingerprint(), open(older)->fingerprint());
}

TEST(StartUp, FoldersKeepTheirBegins) {
  const TemporaryFolder folder;
  const PreparedSet set({write_folder(folder / "a", some_samples(25), kFingerprint, 10),
                         write_folder(folder / "b", some_samples(7), kFingerprint, 10)},
                        kFingerprint, {.max_length = 4, .chunk = true});
  ASSERT_EQ(set.folder_begins().size(), 3u);
  EXPECT_EQ(set.row(set.folder_begins()[1]), 25);
  EXPECT_EQ(set.row(set.folder_begins()[1] - 1), 24);
  EXPECT_EQ(set.folder_begins()[2], set.size());
}

TEST(StartUp, AMissingOrShortShardIsRefusedBeforeTheFirstRow) {
  const TemporaryFolder folder;
  const std::string path = write_folder(folder / "rows", some_samples(60), kFingerprint, 20);
  const std::string shard = path + "/shard-1.h5", good = read_text_file(shard);
  write_file_atomic(shard, good.substr(0, good.size() - 1));
  EXPECT_THAT(fakes::error_of([&] { open(path); }),
              ::testing::AllOf(StartsWith("error[DS012]: shard and index differ"), HasSubstr("shard-1.h5")));
  std::filesystem::remove(shard);
  EXPECT_THAT(fakes::error_of([&] { open(path); }),
              ::testing::AllOf(StartsWith("error[FS0"), HasSubstr("shard-1.h5")));
}

TEST(StartUp, AnotherTokenizerIsRefusedBeforeTheFirstRow) {
  const TemporaryFolder folder;
  const std::string path = write_folder(folder / "rows", some_samples(60), kFingerprint, 20);
  EXPECT_THAT(fakes::error_of([&] { PreparedSet({path}, {12, 22, 1000}, {}); }), StartsWith("error[DS010]"));
}

TEST(StartUp, AnIndexThatLiesIsFoundWhenItMatters) {
  const TemporaryFolder folder;
  const std::string path = write_folder(folder / "rows", some_samples(20), kFingerprint, 20);
  const std::string index = path + "/" + kIndexName, good = read_text_file(index);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    write_file_atomic(index, bad);
  };
  with("\"longest\": 12", "\"longest\": 11");
  EXPECT_THAT(fakes::error_of([&] {
                Loader loader(open(path), {.batch_size = 20, .micro_tokens = 11});
                loader.next_step();
              }),
              StartsWith("error[DS012]: shard and index differ"));
  with("\"first_target\": 2", "\"first_target\": 1");
  EXPECT_THAT(fakes::error_of([&] { open(path)->verify(); }), StartsWith("error[DS012]"));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"12\": 2", "\"13\": 2"},
                                                        {"\"12\": 2", "\"x\": 2"},
                                                        {"\"12\": 2", "\"12\": 2000"},
                                                        {"\"12\": 2", "\"12\": -2"},
                                                        {"\"shortest\"", "\"shortes\""},
                                                        {"\"longest\": 12", "\"longest\": -1"}}) {
    with(from, to);
    EXPECT_THAT(fakes::error_of([&] { open(path); }), StartsWith("error[DS012]")) << to;
  }
  write_file_atomic(index, good);
  EXPECT_EQ(fakes::error_of([&] { open(path)->verify(); }), "");
}

}  // namespace
}  // namespace hone::data
