#include "core/eval/text_metrics.h"

#include <gtest/gtest.h>

#include "core/base/json.h"
#include "core/eval/exact_match.h"
#include "core/eval/rouge.h"

namespace hone::eval {
namespace {

void expect_equal(const RougeScore& ours, const Json& theirs, const std::string& pair) {
  EXPECT_DOUBLE_EQ(ours.precision, theirs.at(0).get<double>()) << pair;
  EXPECT_DOUBLE_EQ(ours.recall, theirs.at(1).get<double>()) << pair;
  EXPECT_DOUBLE_EQ(ours.f, theirs.at(2).get<double>()) << pair;
}

TEST(Rouge, EqualsGooglesPackageOnHardPairs) {
  const Json golden = parse_json_file(HONE_GOLDEN_DIR "/eval/rouge.json", "TS001");
  ASSERT_GE(golden.at("rows").size(), 40u);
  for (const Json& row : golden.at("rows")) {
    const RougeScores ours =
        rouge(row.at("target").get<std::string>(), row.at("prediction").get<std::string>());
    expect_equal(ours.rouge1, row.at("rouge1"), row.dump());
    expect_equal(ours.rouge2, row.at("rouge2"), row.dump());
    expect_equal(ours.rouge_l, row.at("rougeL"), row.dump());
  }
}

TEST(Rouge, BrokenUtf8IsSplitLikeAnyOtherSign) {
  EXPECT_EQ(rouge_words("a\xFF"
                        "b\xC4"),
            (std::vector<std::string>{"a", "b"}));
}

TEST(ExactMatch, IgnoresOuterWhiteSpaceOnly) {
  EXPECT_TRUE(exact_match("libs", " libs\n"));
  EXPECT_TRUE(exact_match("", " \t\n"));
  EXPECT_FALSE(exact_match("libs", "Libs"));
  EXPECT_FALSE(exact_match("a b", "a  b"));
  EXPECT_FALSE(exact_match("libs", "libs."));
}

TEST(TextMetrics, SharesOfRanksAddUpToTheWhole) {
  TextMetrics all, first, second;
  all.add("libs", "libs"), all.add("net", "web"), all.add("a b", "b");
  first.add("libs", "libs");
  second.add("net", "web"), second.add("a b", "b");
  TextMetrics::Sums sums = first.sums();
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += second.sums()[i];
  const TextScores together = TextMetrics(sums).means();
  EXPECT_DOUBLE_EQ(together.exact_match, all.means().exact_match);
  EXPECT_DOUBLE_EQ(together.rouge_l, all.means().rouge_l);
  EXPECT_DOUBLE_EQ(together.examples, 3);
  EXPECT_DOUBLE_EQ(together.exact_match, 1.0 / 3);
  EXPECT_NEAR(together.rouge1, (1 + 0 + 2.0 / 3) / 3, 1e-15);
}

TEST(TextMetrics, OverNothingIsZero) {
  EXPECT_EQ(TextMetrics().means().exact_match, 0);
}

}  // namespace
}  // namespace hone::eval
