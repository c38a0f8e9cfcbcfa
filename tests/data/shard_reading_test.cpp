// How rows longer than max_length become samples: cut, or in chunks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "core/base/json.h"
#include "data/load/loader.h"
#include "data/load/prepared_set.h"
#include "data/shard/prepare.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using ::testing::EndsWith;
using Span = std::array<std::int64_t, 2>;

Reading chunks_of(std::int64_t max_length, std::int64_t overlap) {
  return {.max_length = max_length, .chunk = true, .chunk_overlap = overlap};
}

Span span(const RowWindow& window) { return {window.begin, window.end}; }

TEST(Windows, AreWhereTheTokenizersPackageCuts) {
  for (const Json& one : parse_json_file(std::string(HONE_GOLDEN_DIR) + "/text/chunks.json", "TEST")) {
    const std::int64_t length = one["length"], max_length = one["max_length"];
    const Reading chunks = chunks_of(max_length, one["stride"]);
    std::vector<Span> spans;
    for (std::int64_t number = 0; number < window_count(length, chunks); ++number)
      spans.push_back(span(window_of(length, number, chunks)));
    EXPECT_EQ(spans, one["chunks"].get<std::vector<Span>>()) << one;
    const Reading right{.max_length = max_length};
    const Reading left{.max_length = max_length, .truncation_side = TruncationSide::left};
    EXPECT_EQ(span(window_of(length, 0, right)), one["right"].get<Span>()) << one;
    EXPECT_EQ(span(window_of(length, 0, left)), one["left"].get<Span>()) << one;
  }
}

// With overlap every token but the first is a target once; without, each chunk's first is none.
TEST(Windows, NoTokenIsATargetTwice) {
  for (const std::int64_t length : {2, 11, 12, 13, 30, 100, 101})
    for (const std::int64_t overlap : {0, 1, 5, 11}) {
      const Reading reading = chunks_of(12, overlap);
      std::vector<int> targets(length, 0);
      for (std::int64_t number = 0; number < window_count(length, reading); ++number) {
        const RowWindow window = window_of(length, number, reading);
        EXPECT_TRUE(overlap == 0 || window.first_target() < window.end) << "chunk without anything new";
        for (std::int64_t i = window.first_target(); i < window.end; ++i) ++targets[i];
      }
      for (std::int64_t i = 0; i < length; ++i)
        EXPECT_EQ(targets[i], overlap > 0 ? i > 0 : i % 12 > 0) << length << " " << overlap << " " << i;
    }
}

class ReadingTest : public ::testing::Test {
 protected:
  // Rows of 30, 5 and 14 tokens.
  PreparedSet open(const Reading& reading) {
    const std::string path = folder_.write("a.jsonl",
                                           "{\"text\":\"abcdefghijklmnopqrstuvwxyzAB<e>\"}\n"
                                           "{\"text\":\"abc<e>\"}\n"
                                           "{\"text\":\"ABCDEFGHIJKL<e>\"}\n");
    PrepareJob job{
        .inputs = {path}, .reading = reading, .tokenizer = &tokenizer_, .chat_template = &template_};
    std::string folder;
    fakes::ThreadRanks(1).run(
        [&](Communicator& comm) { folder = prepare_inputs(job, folder_ / "cache", comm).folders.at(0); });
    return PreparedSet({folder}, {tokenizer_.fingerprint(), template_.fingerprint(), tokenizer_.vocab_size()},
                       reading);
  }
  // "text|mask"
  std::string shown(const Sample& sample) {
    std::string mask;
    for (const std::uint8_t one : sample.supervised) mask += one ? '1' : '0';
    return tokenizer_.decode(sample.ids, false) + "|" + mask;
  }

  fakes::TemporaryFolder folder_;
  fakes::ByteTokenizer tokenizer_;
  fakes::LetterTemplate template_;
};

TEST_F(ReadingTest, ChunksCoverEachRowAndKnowIt) {
  const PreparedSet set = open(chunks_of(12, 3));
  const std::vector<std::string> expected{"<b>abcdefghijk|111111111111", "ijklmnopqrst|000111111111",
                                          "rstuvwxyzAB<e>|000111111111", "<b>abc<e>|11111",
                                          "<b>ABCDEFGHIJK|111111111111", "IJKL<e>|00011"};
  ASSERT_EQ(set.size(), static_cast<std::int64_t>(expected.size()));
  EXPECT_EQ(set.row_count(), 3);
  const std::vector<std::int64_t> rows{0, 0, 0, 1, 2, 2};
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const Sample sample = set.read(i);
    EXPECT_EQ(shown(sample), expected[i]);
    EXPECT_EQ(set.length(i), static_cast<std::int64_t>(sample.ids.size()));
    EXPECT_EQ(sample.row, rows[i]);
    EXPECT_EQ(set.row(i), rows[i]);
    EXPECT_TRUE(set.has_target(i));
    EXPECT_THAT(set.where(i), EndsWith("a.jsonl: row " + std::to_string(rows[i])));
  }
}

TEST_F(ReadingTest, EitherSideMayBeCut) {
  EXPECT_EQ(shown(open({.max_length = 4}).read(0)), "<b>abc|1111");
  const PreparedSet left = open({.max_length = 4, .truncation_side = TruncationSide::left});
  EXPECT_EQ(shown(left.read(0)), "zAB<e>|1111");
  EXPECT_EQ(left.size(), 3);
}

// Chunks are samples like others: each once an epoch, in any order, and a cursor finds its place again.
TEST_F(ReadingTest, TheLoaderDealsChunksAndResumesAmongThem) {
  auto set = std::make_shared<PreparedSet>(open(chunks_of(12, 3)));
  const LoaderRules rules{.batch_size = 4, .micro_tokens = 24, .seed = 3};
  Loader straight(set, rules), resumed(set, rules);
  EXPECT_EQ(straight.sample_count(), 6);
  EXPECT_EQ(straight.steps_in(1), 2);
  std::multiset<std::vector<std::int32_t>> seen;
  const auto sequences = [](const StepPlan& plan) {
    std::vector<std::vector<std::int32_t>> all;
    for (const TokenBatch& bin : plan.bins)
      for (std::int64_t s = 0; s < bin.sequence_count(); ++s)
        all.emplace_back(bin.tokens.begin() + bin.cu_seqlens[s], bin.tokens.begin() + bin.cu_seqlens[s + 1]);
    return all;
  };
  for (int step = 0; step < 2; ++step)
    for (auto& sequence : sequences(straight.next_step())) seen.insert(std::move(sequence));
  std::multiset<std::vector<std::int32_t>> all;
  for (std::int64_t i = 0; i < set->size(); ++i) all.insert(set->read(i).ids);
  EXPECT_EQ(seen, all);
  straight.next_step();
  resumed.seek(straight.cursor());
  EXPECT_EQ(sequences(resumed.next_step()), sequences(straight.next_step()));
}

// What a row without chunks loses is not missed by the report.
TEST_F(ReadingTest, TheReportCountsTargetsOfWhatIsRead) {
  const std::string path = folder_.write("b.jsonl", "{\"prompt\":\"abcdefgh\",\"completion\":\"i\"}\n");
  const auto report = [&](const Reading& reading, const std::string& name) {
    PrepareJob job{
        .inputs = {path}, .reading = reading, .tokenizer = &tokenizer_, .chat_template = &template_};
    PrepareReport result;
    fakes::ThreadRanks(1).run([&](Communicator& comm) { result = prepare(job, folder_ / name, comm); });
    return result;
  };
  EXPECT_EQ(report({.max_length = 8}, "right").without_target.count, 1);
  EXPECT_EQ(report({.max_length = 8, .truncation_side = TruncationSide::left}, "left").without_target.count,
            0);
  EXPECT_EQ(report(chunks_of(8, 2), "chunks").without_target.count, 0);
}

}  // namespace
}  // namespace hone::data
