// Text as it comes: pieces that add up, whole characters, stop strings.
#include "data/text/answer_text.h"
#include "data/text/utf8.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using namespace text_test;

class AnswerTextTest : public testing::Test {
 protected:
  const std::unique_ptr<Tokenizer> tokenizer_ = load_tokenizer(golden("gpt2"));

  // Every piece as it is taken after each id; `last` is what was left at the end.
  struct Pieces {
    std::vector<std::string> during;
    std::string last, text;
    std::size_t ids = 0;
    bool stopped = false;
  };
  Pieces run(const std::string& text, const std::vector<std::string>& stops) const {
    AnswerText answer(*tokenizer_, stops);
    Pieces pieces;
    for (const std::int32_t id : tokenizer_->encode(text, false)) {
      ++pieces.ids;
      const bool over = answer.push(id);
      pieces.during.push_back(answer.take());
      if (over) break;
    }
    pieces.last = answer.take_rest();
    pieces.text = answer.text();
    pieces.stopped = answer.stopped();
    return pieces;
  }
  static std::string joined(const Pieces& pieces) {
    std::string all;
    for (const std::string& piece : pieces.during) all += piece;
    return all + pieces.last;
  }
};

TEST_F(AnswerTextTest, PiecesAddUpToTheDecodedTextAndEachIsWholeCharacters) {
  for (const std::string& text : hard_strings()) {
    const Pieces pieces = run(text, {"never there"});
    EXPECT_EQ(joined(pieces), tokenizer_->decode(tokenizer_->encode(text, false), true));
    EXPECT_EQ(joined(pieces), pieces.text);
    for (const std::string& piece : pieces.during) EXPECT_TRUE(is_valid_utf8(piece)) << piece;
    EXPECT_TRUE(is_valid_utf8(pieces.last));
  }
}

TEST_F(AnswerTextTest, AppearsAtOnceWhereNothingCanTakeItBack) {
  const Pieces pieces = run("abc def", {});
  EXPECT_EQ(pieces.last, "");
  for (const std::string& piece : pieces.during) EXPECT_NE(piece, "");
}

TEST_F(AnswerTextTest, EndsBeforeTheFirstStopStringWhicheverIdsItIsMadeOf) {
  const std::string text = "one two\nUser: three User: four";
  const Pieces pieces = run(text, {"four", "", "\nUser:"});
  EXPECT_TRUE(pieces.stopped);
  EXPECT_EQ(pieces.text, "one two");
  EXPECT_EQ(joined(pieces), "one two");
  EXPECT_LT(pieces.ids, tokenizer_->encode(text, false).size())
      << "with the id that completed it, and no more";
}

TEST_F(AnswerTextTest, WhatOnlyBeginsLikeAStopStringAppearsInTheEnd) {
  const Pieces pieces = run("ab###a##", {"###b"});
  EXPECT_FALSE(pieces.stopped);
  EXPECT_EQ(pieces.text, "ab###a##");
  EXPECT_EQ(joined(pieces), "ab###a##");
  EXPECT_EQ(pieces.last, "##");
}

TEST_F(AnswerTextTest, TheEarliestOfTwoThatComeTogetherCounts) {
  EXPECT_EQ(run("x yz", {"z", "y"}).text, "x ");
}

}  // namespace
}  // namespace hone::data
