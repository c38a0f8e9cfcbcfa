#include "core/eval/text_metrics.h"

#include <gtest/gtest.h>

#include "core/base/json.h"
#include "core/eval/exact_match.h"
#include "core/eval/squad.h"

namespace hone::eval {
namespace {

const Json& golden() {
  static const Json file = parse_json_file(HONE_GOLDEN_DIR "/eval/text_metrics.json", "TS001");
  return file;
}

std::string text(const Json& row, const char* key) { return row.at(key).get<std::string>(); }

void expect_close(double ours, const Json& theirs, const Json& row) {
  EXPECT_NEAR(ours, theirs.get<double>(), 1e-12 * (1 + theirs.get<double>())) << row;
}

BleuStatistics statistics(const std::string& expected, const std::string& answer) {
  const std::string_view reference = expected;
  return bleu_statistics({&reference, 1}, answer);
}

TEST(Bleu, WordsEqualSacrebleus13aTokenizer) {
  ASSERT_GE(golden().at("rows").size(), 40u);
  for (const Json& row : golden().at("rows")) {
    const std::string answer = text(row, "answer");
    if (answer.empty() || answer.back() == '\n')
      continue;  // white space at the end goes before the tokenizer
    EXPECT_EQ(bleu_words(answer), row.at("words").get<std::vector<std::string>>()) << row;
  }
}

TEST(Bleu, OfSingleAnswersEqualsSacrebleu) {
  for (const Json& row : golden().at("rows"))
    expect_close(sentence_bleu(statistics(text(row, "expected"), text(row, "answer"))), row.at("bleu"), row);
}

TEST(Bleu, OfCorporaEqualsSacrebleu) {
  for (const Json& corpus : golden().at("corpora")) {
    BleuStatistics sums;
    for (std::size_t i = corpus.at("first"); i < corpus.at("last"); ++i) {
      const Json& row = golden().at("rows").at(i);
      sums += statistics(text(row, "expected"), text(row, "answer"));
    }
    expect_close(corpus_bleu(sums), corpus.at("bleu"), corpus);
  }
}

TEST(Bleu, AgainstSeveralReferencesEqualsSacrebleu) {
  const Json& several = golden().at("several_references");
  BleuStatistics sums;
  for (const Json& row : several.at("rows")) {
    const auto references = row.at("references").get<std::vector<std::string>>();
    const std::vector<std::string_view> views(references.begin(), references.end());
    const BleuStatistics one = bleu_statistics(views, text(row, "answer"));
    expect_close(sentence_bleu(one), row.at("bleu"), row);
    sums += one;
  }
  expect_close(corpus_bleu(sums), several.at("bleu"), several);
}

TEST(Squad, EqualsTorchmetricsOnHardPairs) {
  for (const Json& row : golden().at("rows")) {
    const SquadScore ours = squad(text(row, "expected"), text(row, "answer"));
    EXPECT_EQ(ours.exact_match, row.at("squad_exact_match").get<double>()) << row;
    EXPECT_NEAR(ours.f1, row.at("squad_f1").get<double>(), 1e-6) << row;  // theirs is fp32
  }
}

TEST(ExactMatch, IgnoresOuterWhiteSpaceOnly) {
  EXPECT_TRUE(exact_match("libs", " libs\n"));
  EXPECT_TRUE(exact_match("", " \t\n"));
  EXPECT_FALSE(exact_match("libs", "Libs"));
  EXPECT_FALSE(exact_match("a b", "a  b"));
  EXPECT_FALSE(exact_match("libs", "libs."));
}

TEST(TextMetrics, MeansAreOverAnswersAndBleuIsTheCorpuss) {
  TextMetrics metrics;
  double f1 = 0, exact = 0;
  for (const Json& row : golden().at("rows")) {
    const TextScores one = metrics.add(text(row, "expected"), text(row, "answer"));
    expect_close(one.bleu, row.at("bleu"), row);
    f1 += row.at("squad_f1").get<double>(), exact += row.at("squad_exact_match").get<double>();
  }
  const TextScores scores = metrics.scores();
  const auto rows = static_cast<double>(golden().at("rows").size());
  EXPECT_EQ(scores.examples, rows);
  EXPECT_NEAR(scores.squad_f1, f1 / rows, 1e-6);
  EXPECT_DOUBLE_EQ(scores.squad_exact_match, exact / rows);
  expect_close(scores.bleu, golden().at("corpora").at(0).at("bleu"), golden().at("corpora").at(0));
}

TEST(TextMetrics, APerfectAnswerScoresTheMostOfEveryMetric) {
  TextMetrics metrics;
  metrics.add("one two three four five", "one two three four five");
  const TextScores scores = metrics.scores();
  for (const TextMetric& metric : text_metrics())
    EXPECT_NEAR(scores.*metric.value, metric.most, 1e-12) << metric.key;
}

TEST(TextMetrics, OverNothingIsZero) {
  const TextScores scores = TextMetrics().scores();
  for (const TextMetric& metric : text_metrics()) EXPECT_EQ(scores.*metric.value, 0) << metric.key;
}

}  // namespace
}  // namespace hone::eval
