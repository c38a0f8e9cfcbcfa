#include "core/eval/rouge.h"

#include <gtest/gtest.h>

#include "core/base/json.h"
#include "core/eval/porter_stemmer.h"

namespace hone::eval {
namespace {

const Json& golden() {
  static const Json file = parse_json_file(HONE_GOLDEN_DIR "/eval/rouge.json", "TS001");
  return file;
}

void expect_equal(const RougeScore& ours, const Json& theirs, const std::string& pair) {
  EXPECT_DOUBLE_EQ(ours.precision, theirs.at(0).get<double>()) << pair;
  EXPECT_DOUBLE_EQ(ours.recall, theirs.at(1).get<double>()) << pair;
  EXPECT_DOUBLE_EQ(ours.f, theirs.at(2).get<double>()) << pair;
}

RougeScores scores_of(const Json& row, bool stem) {
  return rouge(row.at("target").get<std::string>(), row.at("prediction").get<std::string>(), stem);
}

TEST(Rouge, EqualsGooglesPackageOnHardPairs) {
  ASSERT_GE(golden().at("rows").size(), 50u);
  for (const Json& row : golden().at("rows")) {
    const RougeScores ours = scores_of(row, false);
    expect_equal(ours.rouge1, row.at("rouge1"), row.dump());
    expect_equal(ours.rouge2, row.at("rouge2"), row.dump());
    expect_equal(ours.rouge_l, row.at("rougeL"), row.dump());
    expect_equal(ours.rouge_lsum, row.at("rougeLsum"), row.dump());
  }
}

TEST(Rouge, WithTheStemmerEqualsGooglesPackage) {
  int changed = 0;
  for (const Json& row : golden().at("rows")) {
    const RougeScores ours = scores_of(row, true);
    const Json& theirs = row.at("stemmed_f");
    EXPECT_DOUBLE_EQ(ours.rouge1.f, theirs.at("rouge1").get<double>()) << row;
    EXPECT_DOUBLE_EQ(ours.rouge2.f, theirs.at("rouge2").get<double>()) << row;
    EXPECT_DOUBLE_EQ(ours.rouge_l.f, theirs.at("rougeL").get<double>()) << row;
    EXPECT_DOUBLE_EQ(ours.rouge_lsum.f, theirs.at("rougeLsum").get<double>()) << row;
    if (theirs.at("rouge1") != row.at("rouge1").at(2)) ++changed;
  }
  EXPECT_GE(changed, 3) << "the pairs must be such that stemming matters";
}

TEST(PorterStemmer, EqualsNltksOnEveryRule) {
  ASSERT_GE(golden().at("stems").size(), 400u);
  for (const auto& [word, stem] : golden().at("stems").items()) EXPECT_EQ(porter_stem(word), stem) << word;
}

TEST(Rouge, BrokenUtf8IsSplitLikeAnyOtherSign) {
  EXPECT_EQ(rouge_words("a\xFF"
                        "b\xC4",
                        false),
            (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace hone::eval
