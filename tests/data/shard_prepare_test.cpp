#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file_system.h"
#include "data/load/prepared_set.h"
#include "data/shard/prepare.h"
#include "data/shard/shard_index.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using fakes::ByteTokenizer;
using fakes::LetterTemplate;
using fakes::TemporaryFolder;
using fakes::ThreadRanks;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PrepareTest : public ::testing::Test {
 protected:
  PrepareJob job(std::vector<std::string> inputs) const {
    PrepareJob job;
    job.inputs = std::move(inputs);
    job.tokenizer = &tokenizer_;
    job.chat_template = &template_;
    return job;
  }
  PrepareReport run(const PrepareJob& job, const std::string& output, int world) const {
    std::vector<PrepareReport> reports(world);
    ThreadRanks(world).run([&](Communicator& comm) { reports[comm.rank()] = prepare(job, output, comm); });
    for (const PrepareReport& report : reports) EXPECT_EQ(to_json(report).dump(), to_json(reports[0]).dump());
    return reports[0];
  }
  std::string rows(int count, int from = 0) const {
    std::string text;
    for (int i = from; i < from + count; ++i)
      text += "{\"question\":\"" + std::string(200 + i % 50, 'q') + "\",\"answer\":\"" + std::to_string(i) +
              "\"}\n";
    return text;
  }
  Fingerprint fingerprint() const {
    return {tokenizer_.fingerprint(), template_.fingerprint(), tokenizer_.vocab_size()};
  }
  std::string bytes_of(const std::string& folder) const {
    std::string all;
    for (const std::string& name : list_directory(folder))
      all += name + "\n" + read_text_file(folder + "/" + name) + "\n";
    return all;
  }

  TemporaryFolder folder_;
  ByteTokenizer tokenizer_;
  LetterTemplate template_;
};

TEST_F(PrepareTest, AnyNumberOfRanksWritesTheSameBytes) {
  const auto input = job({folder_.write("a.jsonl", rows(2500)), folder_.write("b.jsonl", rows(700, 2500))});
  const PrepareReport one = run(input, folder_ / "w1", 1);
  EXPECT_EQ(one.rows, 3200);
  EXPECT_GE(one.shards, 3);
  for (const int world : {2, 3}) {
    const std::string output = folder_ / ("w" + std::to_string(world));
    EXPECT_EQ(to_json(run(input, output, world)).dump(), to_json(one).dump());
    EXPECT_EQ(bytes_of(output), bytes_of(folder_ / "w1"));
  }
  const PreparedSet set({folder_ / "w3"}, fingerprint(), {});
  set.verify();
  ASSERT_EQ(set.size(), 3200);
  for (const std::int64_t row : {0, 1, 1777, 2500, 3199}) {
    const Sample sample = set.read(row);
    EXPECT_EQ(sample.row, row);
    EXPECT_THAT(tokenizer_.decode(sample.ids, false), HasSubstr("A:" + std::to_string(row) + "<e>"));
  }
}

TEST_F(PrepareTest, TheReportNamesWhatIsWrong) {
  auto input = job({folder_.write("a.jsonl",
                                  "{\"prompt\":\"abc\",\"completion\":\"d\"}\n"       // <b>abc d<e>: 6
                                  "{\"prompt\":\"abcdefgh\",\"completion\":\"i\"}\n"  // 11, answer cut off
                                  "{\"prompt\":\"abc\",\"completion\":\"d\"}\n"
                                  "{\"prompt\":\"ab\",\"completion\":\" \"}\n")});
  input.reading.max_length = 8;
  const PrepareReport report = run(input, folder_ / "out", 2);
  EXPECT_EQ(report.rows, 4);
  EXPECT_EQ(report.tokens, 6 + 11 + 6 + 5);
  EXPECT_EQ(report.supervised_tokens, 8);
  EXPECT_EQ(report.length_min, 5);
  EXPECT_EQ(report.length_p50, 6);
  EXPECT_EQ(report.length_max, 11);
  EXPECT_EQ(report.longer_than_max.first, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(report.without_target.first, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(report.duplicates.first, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(report.empty_answers.first, (std::vector<std::int64_t>{3}));
}

TEST_F(PrepareTest, ABadRowStopsAllRanksWithTheSameErrorAndLeavesNothing) {
  const auto input =
      job({folder_.write("a.jsonl", rows(2000) + "{\"question\":1}\n" + rows(500) + "oops\n")});
  for (const int world : {1, 3}) {
    std::vector<std::string> errors(world);
    ThreadRanks(world).run([&](Communicator& comm) {
      errors[comm.rank()] = fakes::error_of([&] { prepare(input, folder_ / "out", comm); });
    });
    for (const std::string& error : errors) EXPECT_EQ(error, errors[0]);
    EXPECT_THAT(errors[0], StartsWith("error[DS006]: row does not fit: "));
    EXPECT_THAT(errors[0], HasSubstr("a.jsonl:2001: "));
    std::filesystem::remove(folder_ / "a.jsonl.none");
    int left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / ""))
      left += entry.path().filename() != "a.jsonl";
    EXPECT_EQ(left, 0);
  }
}

TEST_F(PrepareTest, ARowThatCannotBeEncodedNamesItsPlace) {
  const auto input = job({folder_.write(
      "a.jsonl",
      R"({"prompt":[{"role":"user","content":"p"}],"completion":[{"role":"user","content":"c"}]})")});
  EXPECT_THAT(
      fakes::error_of([&] { run(input, folder_ / "out", 1); }),
      ::testing::AllOf(StartsWith("error[DS015]: row cannot be encoded: "), HasSubstr("a.jsonl:1: ")));
}

TEST_F(PrepareTest, AnExistingOutputIsNeverTouched) {
  const auto input = job({folder_.write("a.jsonl", rows(3))});
  run(input, folder_ / "out", 1);
  const std::string before = bytes_of(folder_ / "out");
  EXPECT_THAT(fakes::error_of([&] { run(input, folder_ / "out", 2); }), StartsWith("error[DS019]"));
  EXPECT_EQ(bytes_of(folder_ / "out"), before);
}

TEST_F(PrepareTest, TheCacheIsKeyedByContentFormatTokenizerAndTemplate) {
  const auto a = job({folder_.write("a.jsonl", rows(3))}), copy = job({folder_.write("copy.jsonl", rows(3))}),
             other = job({folder_.write("other.jsonl", rows(4))});
  const ByteTokenizer another(99);
  auto retokenized = a, explicit_format = a;
  retokenized.tokenizer = &another;
  explicit_format.format = "qa";
  const std::string root = folder_ / "run";
  const std::string key = prepared_cache_dir(root, a);
  EXPECT_THAT(key, StartsWith(root + "/hone-cache/"));
  EXPECT_EQ(prepared_cache_dir(root, copy), key);
  EXPECT_NE(prepared_cache_dir(root, other), key);
  EXPECT_NE(prepared_cache_dir(root, retokenized), key);
  EXPECT_NE(prepared_cache_dir(root, explicit_format), key);
}

TEST_F(PrepareTest, RawFilesArePreparedOnceAndPreparedFoldersAreTaken) {
  run(job({folder_.write("a.jsonl", rows(3))}), folder_ / "ready", 1);
  const auto inputs =
      job({folder_.write("b.jsonl", rows(2, 3)), folder_.write("c.jsonl", rows(2, 5)), folder_ / "ready"});
  std::vector<Prepared> first(2), second(2);
  ThreadRanks(2).run(
      [&](Communicator& comm) { first[comm.rank()] = prepare_inputs(inputs, folder_ / "run", comm); });
  ThreadRanks(2).run(
      [&](Communicator& comm) { second[comm.rank()] = prepare_inputs(inputs, folder_ / "run", comm); });
  EXPECT_EQ(first[0].folders.size(), 2u);
  EXPECT_EQ(first[0].folders, second[1].folders);
  EXPECT_EQ(first[0].reports.size(), 1u);
  EXPECT_EQ(second[0].reports.size(), 0u);
  const PreparedSet set(first[0].folders, fingerprint(), {});
  EXPECT_EQ(set.size(), 7);
  EXPECT_THAT(tokenizer_.decode(set.read(3).ids, false), HasSubstr("A:6<e>"));
  EXPECT_THAT(tokenizer_.decode(set.read(4).ids, false), HasSubstr("A:0<e>"));
}

TEST_F(PrepareTest, DuplicatesAreFoundAcrossRanksAndTheFirstTwentyListed) {
  std::string text = rows(1500);
  for (int i = 0; i < 30; ++i) text += rows(1, 40 * i);
  text += rows(1500, 1500) + rows(1, 7);
  const auto input = job({folder_.write("a.jsonl", text)});
  for (const int world : {1, 2, 4}) {
    const PrepareReport report = run(input, folder_ / ("w" + std::to_string(world)), world);
    EXPECT_EQ(report.duplicates.count, 31);
    ASSERT_EQ(report.duplicates.first.size(), 20u);
    EXPECT_EQ(report.duplicates.first.front(), 1500);
    EXPECT_EQ(report.duplicates.first.back(), 1519);
  }
}

TEST_F(PrepareTest, AnIndexOfTheFirstVersionIsStillRead) {
  run(job({folder_.write("a.jsonl", rows(3))}), folder_ / "out", 1);
  const std::string path = folder_ / "out/index.json";
  std::string text = read_text_file(path);
  for (const auto& [now, once] :
       {std::pair<std::string, std::string>{"\"format_version\": 2", "\"format_version\": 1"},
        {"blocks_xxh3", "xxh3"}})
    text.replace(text.find(now), now.size(), once);
  write_file_atomic(path, text);
  EXPECT_EQ(read_shard_index(folder_ / "out").sources.at(0).rows, 3);
  PreparedSet({folder_ / "out"}, fingerprint(), {}).verify();
}

TEST_F(PrepareTest, ADamagedIndexIsRefused) {
  run(job({folder_.write("a.jsonl", rows(3))}), folder_ / "out", 1);
  const std::string path = folder_ / "out/index.json", good = read_text_file(path);
  const std::vector<std::pair<std::string, std::string>> changes{
      {"\"rows\": 3", "\"rows\": 4"},
      {"\"rows\": 3", "\"rows\": -3"},
      {"\"rows\": 3", "\"rows\": \"3\""},
      {"\"format_version\": 2", "\"format_version\": 3"},
      {"\"format_version\": 2", "\"format_version\": 0"},
      {"blocks_xxh3", "xxh3"},
      {"\"shards\"", "\"shard\""},
      {"shard-000000.h5", "../shard-000000.h5"},
      {"shard-000000.h5", "/etc/passwd"},
      {"\"xxh3\": \"", "\"xxh3\": \"zz"},
      {"{", "["}};
  for (const auto& [from, to] : changes) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    write_file_atomic(path, bad);
    EXPECT_THAT(fakes::error_of([&] { read_shard_index(folder_ / "out"); }), StartsWith("error[DS012]"))
        << to;
  }
  std::filesystem::remove(path);
  EXPECT_THAT(fakes::error_of([&] { PreparedSet({folder_ / "out"}, fingerprint(), {}); }),
              StartsWith("error["));
}

TEST_F(PrepareTest, VerifyComparesWholeFilesWithTheIndex) {
  run(job({folder_.write("a.jsonl", rows(3))}), folder_ / "out", 1);
  run(job({folder_.write("b.jsonl", rows(3, 7))}), folder_ / "other", 1);
  std::filesystem::copy_file(folder_ / "other/shard-000000.h5", folder_ / "out/shard-000000.h5",
                             std::filesystem::copy_options::overwrite_existing);
  const PreparedSet set({folder_ / "out"}, fingerprint(), {});
  EXPECT_THAT(fakes::error_of([&] { set.verify(); }), StartsWith("error[H5013]"));
}

}  // namespace
}  // namespace hone::data
