#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <tuple>

#include "data/source/jsonl_source.h"
#include "tests/base/bad_inputs.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using fakes::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<Example> read(const std::string& content, const std::string& format = "auto") {
  const TemporaryFolder folder;
  return read_examples({folder.write("rows.jsonl", content)}, format);
}

TEST(JsonLines, AByteOrderMarkCrlfAndBlankLinesAreNoPartOfRows) {
  const auto rows = read("\xEF\xBB\xBF{\"text\":\"a\"}\r\n\n  \r\n{\"text\":\"b\\r\\n\"}");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].completion_text, "a");
  EXPECT_EQ(rows[1].completion_text, "b\r\n");
  EXPECT_EQ(rows[1].row, 1);
}

TEST(JsonLines, EscapesAndRawUtf8GiveTheSameText) {
  const auto rows =
      read("{\"text\":\"\\u00e9\\ud83d\\ude00\\u0000\"}\n{\"text\":\"\xC3\xA9\xF0\x9F\x98\x80\\u0000\"}\n");
  EXPECT_EQ(rows[0].completion_text, rows[1].completion_text);
  EXPECT_EQ(rows[0].completion_text.size(), 7u);
}

struct BadRow {
  const char* name;
  std::string row;
  const char* code;
  const char* says;
};

std::vector<BadRow> bad_rows() {
  const std::string good_key = "\"text\":\"a\"";
  return {
      {"NotJson", "hello", "DS003", ""},
      {"Unclosed", "{\"text\":\"a\"", "DS003", ""},
      {"TwoValues", "{\"text\":\"a\"} {\"text\":\"b\"}", "DS003", ""},
      {"TrailingComma", "{\"text\":\"a\",}", "DS003", ""},
      {"SingleQuotes", "{'text':'a'}", "DS003", ""},
      {"Comment", "// {\"text\":\"a\"}", "DS003", ""},
      {"NaN", "{\"text\":\"a\",\"x\":NaN}", "DS003", ""},
      {"HugeNumber", "{\"text\":\"a\",\"x\":1e400}", "DS003", ""},
      {"HugeInteger", "{\"text\":\"a\",\"x\":99999999999999999999999}", "DS003", ""},
      {"RawNul", std::string("{\"text\":\"a\0b\"}", 14), "DS003", "NUL at byte 10"},
      {"RawTab", "{\"text\":\"a\tb\"}", "DS003", ""},
      {"BadUtf8", "{\"text\":\"\xC3\x28\"}", "DS003", "UTF-8"},
      {"OverlongUtf8", "{\"text\":\"\xC0\xAF\"}", "DS003", "UTF-8"},
      {"Utf16", std::string("\xFF\xFE{\0\"\0", 6), "DS003", ""},
      {"BadEscape", "{\"text\":\"\\x41\"}", "DS003", ""},
      {"LoneHighSurrogate", "{\"text\":\"\\ud83d\"}", "DS00", ""},
      {"LoneLowSurrogate", "{\"text\":\"\\ude00 a\"}", "DS00", ""},
      {"BomInTheMiddle", "\xEF\xBB\xBF{\"text\":\"a\"}", "DS003", ""},
      {"ListAtTheTop", "[1]", "DS003", "object"},
      {"StringAtTheTop", "\"a\"", "DS003", "object"},
      {"TooDeep", "{\"text\":\"a\",\"x\":" + std::string(100, '[') + std::string(100, ']') + "}", "DS003",
       "too deep"},
      {"VeryDeep", std::string(1000000, '['), "DS003", ""},
      {"DuplicateKey", "{" + good_key + "," + good_key + "}", "DS004", "\"text\""},
      {"DuplicateEscapedKey", "{\"text\":\"a\",\"\\u0074ext\":\"b\"}", "DS004", "\"text\""},
      {"DuplicateNestedKey", "{\"text\":\"a\",\"m\":[{\"b\":{\"k\":1,\"k\":2}}]}", "DS004", "\"k\""},
      {"MissingKey", "{\"texts\":\"a\"}", "DS006", "its keys: texts"},
      {"EmptyObject", "{}", "DS006", "its keys: none"},
      {"NotAString", "{\"text\":5}", "DS006", "must be a string"},
      {"Null", "{\"text\":null}", "DS006", "must be a string"},
      {"TooLong", "{\"text\":\"" + std::string(kMaxLineBytes, 'a') + "\"}", "DS002", "limit"},
  };
}

TEST(JsonLines, EveryBadRowIsOneErrorNamingFileAndLine) {
  for (const BadRow& bad : bad_rows()) {
    SCOPED_TRACE(bad.name);
    const std::string error = fakes::error_of([&] { read("{\"text\":\"fine\"}\n\n" + bad.row + "\n"); });
    EXPECT_THAT(error, StartsWith(std::string("error[") + bad.code));
    EXPECT_THAT(error, HasSubstr("rows.jsonl:3: "));
    EXPECT_THAT(error, HasSubstr(bad.says));
    EXPECT_LT(error.size(), 600u);
  }
  print_bad_inputs("rows", bad_rows().size());
}

TEST(JsonLines, BadMessagesAreOneErrorNamingFileAndLine) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"\"hi\"", "DS006"},
      {"[]", "DS006"},
      {"[1]", "DS006"},
      {"[{\"role\":\"user\"}]", "DS006"},
      {"[{\"content\":\"a\"}]", "DS006"},
      {"[{\"role\":\"user\",\"content\":null}]", "DS006"},
      {"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]", "DS006"},
      {"[{\"role\":1,\"content\":\"a\"}]", "DS006"},
      {"[{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{}]}]", "DS006"},
      {"[{\"role\":\"human\",\"content\":\"a\"}]", "DS007"},
      {"[{\"role\":\"\",\"content\":\"a\"}]", "DS007"}};
  for (const auto& [messages, code] : rows) {
    const std::string error = fakes::error_of([&] { read("{\"messages\":" + messages + "}\n"); });
    EXPECT_THAT(error, StartsWith("error[" + code)) << messages;
    EXPECT_THAT(error, HasSubstr("rows.jsonl:1: ")) << messages;
  }
  print_bad_inputs("messages", rows.size());
}

TEST(JsonLines, AFileOfAnotherKindIsNamed) {
  const std::vector<std::pair<std::string, std::string>> files{
      {std::string("\x1f\x8b\x08\x00", 4), "gunzip"},
      {"PAR1\x15\x04", "Parquet"},
      {"[{\"text\":\"a\"},\n{\"text\":\"b\"}]", "jq -c"},
      {"prompt,completion\na,b\n", "CSV"}};
  for (const auto& [text, hint] : files) {
    const std::string error = fakes::error_of([&] { read(text); });
    EXPECT_THAT(error, StartsWith("error[DS003]")) << hint;
    EXPECT_THAT(error, HasSubstr(hint)) << error;
  }
  EXPECT_THAT(fakes::error_of([] { read("{\"text\":\"a\"}\nno row\n"); }), Not(HasSubstr("CSV")));
  EXPECT_THAT(fakes::error_of([&] { read_examples({"/tmp"}, "auto"); }), StartsWith("error[DS025]"));
}

TEST(JsonLines, AnInputWithoutRowsIsRefused) {
  EXPECT_THAT(fakes::error_of([] { read(""); }), StartsWith("error[DS001]"));
  EXPECT_THAT(fakes::error_of([] { read("\n \n"); }), StartsWith("error[DS001]"));
  EXPECT_THAT(fakes::error_of([] { read_examples({"/nowhere/x.jsonl"}, "auto"); }),
              StartsWith("error[FS001]"));
}

TEST(RowFormats, EachIsRecognisedByItsKeys) {
  EXPECT_EQ(
      read(R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"prompt":"p"})")
          [0]
              .messages[1]
              .content,
      "a");
  const Example plain = read(R"({"prompt":"p","completion":"c","id":7})")[0];
  EXPECT_EQ(plain.kind, RowKind::plain);
  EXPECT_EQ(plain.prompt_text + "|" + plain.completion_text, "p|c");
  const Example chat = read(
      R"({"prompt":[{"role":"user","content":"p"}],"completion":[{"role":"assistant","content":"c"}]})")[0];
  EXPECT_EQ(chat.kind, RowKind::chat);
  EXPECT_EQ(chat.prompt[0].content + "|" + chat.messages[0].content, "p|c");
  const auto alpaca = read(
      "{\"instruction\":\"i\",\"input\":\"n\",\"output\":\"o\"}\n{\"instruction\":\"i\",\"input\":\"\","
      "\"output\":\"o\"}");
  EXPECT_EQ(alpaca[0].messages[0].content, "i\n\nn");
  EXPECT_EQ(alpaca[0].instruction + "|" + alpaca[0].input, "i|n");
  EXPECT_EQ(alpaca[1].messages[0].content, "i");
  EXPECT_EQ(alpaca[1].messages[1].content, "o");
  EXPECT_EQ(read(R"({"question":"q","answer":"a"})")[0].messages[1].content, "a");
  EXPECT_EQ(read(R"({"text":"t"})")[0].completion_text, "t");
}

TEST(RowFormats, OtherTasksRowsAreNotTakenForTheseOnes) {
  for (const char* row : {R"({"prompt":"p","chosen":"c","rejected":"r"})", R"({"text":"t","label":"l"})",
                          R"({"tokens":["a"],"tags":["O"]})", R"({"sentence1":"a","sentence2":"b"})"}) {
    const std::string error = fakes::error_of([&] { read(row); });
    EXPECT_THAT(error, StartsWith("error[DS005]")) << row;
    EXPECT_THAT(error, HasSubstr("rows.jsonl:1: keys: ")) << row;
  }
  EXPECT_EQ(read(R"({"text":"t","label":"l"})", "text")[0].completion_text, "t");
}

TEST(RowFormats, AMixedFileIsRefusedAtTheFirstRowThatDiffers) {
  const std::string error =
      fakes::error_of([] { read("{\"question\":\"q\",\"answer\":\"a\"}\n{\"text\":\"t\"}\n"); });
  EXPECT_THAT(error, StartsWith("error[DS006]"));
  EXPECT_THAT(error, HasSubstr("rows.jsonl:2: format qa needs question, answer, the row is text ("));
  EXPECT_THAT(fakes::error_of([] { read(R"({"prompt":"p","completion":[]})"); }), HasSubstr("must both be"));
}

TEST(JsonlSource, RangesCoverEveryRowOnceInOrder) {
  const TemporaryFolder folder;
  std::string big;
  for (int i = 0; i < 3000; ++i)
    big += "{\"text\":\"" + std::string(300, 'x') + std::to_string(i) + "\"}\n" + (i % 7 ? "" : "\n");
  const JsonlSource source({folder.write("a.jsonl", "\xEF\xBB\xBF{\"text\":\"first\"}\n"),
                            folder.write("b.jsonl", big), folder.write("c.jsonl", ""),
                            folder.write("d.jsonl", "{\"text\":\"last\"}")});
  EXPECT_EQ(source.rows(), 3002);
  EXPECT_GT(source.ranges().size(), 4u);
  std::int64_t row = 0;
  std::string last;
  for (const RowRange& range : source.ranges()) {
    ExampleReader reader = source.read(range, source.format("auto"));
    while (const auto example = reader.next()) {
      EXPECT_EQ(example->row, row++);
      last = example->completion_text;
    }
  }
  EXPECT_EQ(row, 3002);
  EXPECT_EQ(last, "last");
  EXPECT_EQ(source.files()[1].rows, 3000);
  EXPECT_EQ(source.files()[2].rows, 0);
}

// Lines of every length around where ranges are cut, blank ones and CR LF among them.
std::string uneven_lines(std::mt19937& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    const std::size_t to_cut = kSourceBlock - text.size() % kSourceBlock;
    const std::size_t length = random() % 4 == 0 ? to_cut + random() % 5 : random() % 90'000;
    if (length > 12 && random() % 8)
      text += "{\"text\":\"" + std::string(length - std::min<std::size_t>(length, 12), 'x') + "\"}";
    text += random() % 3 ? "\n" : "\r\n";
  }
  return text;
}

std::vector<std::pair<std::int64_t, std::size_t>> lines_of(const JsonlSource& source,
                                                           const std::string& file) {
  const std::string text = read_text_file(file);
  std::vector<std::pair<std::int64_t, std::size_t>> lines;
  for (const RowRange& range : source.ranges()) {
    LineReader reader(file, std::string_view(text).substr(range.begin, range.end - range.begin),
                      range.first_line);
    std::int64_t rows = 0;
    for (; const auto line = reader.next(); ++rows) lines.emplace_back(line->number, line->text.size());
    EXPECT_EQ(rows, range.rows);
  }
  return lines;
}

TEST(JsonlSource, RangesAreCutAtTheSameLinesAsTheWholeFile) {
  const TemporaryFolder folder;
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    const std::string text = uneven_lines(random, 3'000'000), file = folder.write("a.jsonl", text);
    std::vector<std::pair<std::int64_t, std::size_t>> whole;
    LineReader reader(file, text);
    while (const auto line = reader.next()) whole.emplace_back(line->number, line->text.size());
    const JsonlSource source({file});
    EXPECT_GT(source.ranges().size(), 5u);
    EXPECT_EQ(lines_of(source, file), whole);
    EXPECT_EQ(source.rows(), static_cast<std::int64_t>(whole.size()));
  }
}

TEST(JsonlSource, RanksShareTheScanAndSeeTheSameSource) {
  const TemporaryFolder folder;
  std::mt19937 random(8);
  const std::vector<std::string> files{
      folder.write("a.jsonl", "\xEF\xBB\xBF" + uneven_lines(random, 2'000'000)), folder.write("b.jsonl", ""),
      folder.write("c.jsonl", uneven_lines(random, 1'500'000))};
  const JsonlSource alone(files);
  for (const int world : {1, 2, 3, 4}) {
    std::vector<std::size_t> scanned(world);
    fakes::ThreadRanks(world).run([&](Communicator& comm) {
      const JsonlSource source(files, comm);
      scanned[comm.rank()] = source.scanned_bytes();
      ASSERT_EQ(source.ranges().size(), alone.ranges().size());
      for (std::size_t i = 0; i < alone.ranges().size(); ++i) {
        const RowRange &mine = source.ranges()[i], &theirs = alone.ranges()[i];
        EXPECT_EQ(std::tie(mine.file, mine.begin, mine.end, mine.first_line, mine.first_row, mine.rows),
                  std::tie(theirs.file, theirs.begin, theirs.end, theirs.first_line, theirs.first_row,
                           theirs.rows));
      }
      for (std::size_t file = 0; file < files.size(); ++file)
        EXPECT_EQ(source.files()[file].digest, alone.files()[file].digest);
    });
    EXPECT_EQ(std::accumulate(scanned.begin(), scanned.end(), std::size_t{0}), alone.scanned_bytes());
    EXPECT_LT(*std::max_element(scanned.begin(), scanned.end()),
              alone.scanned_bytes() / world + 2 * kSourceBlock);
  }
}

TEST(JsonlSource, ALineThatIsTooLongIsNamedByItsNumberWhereverItLies) {
  const TemporaryFolder folder;
  const std::string row = "{\"text\":\"" + std::string(100'000, 'x') + "\"}\n";
  for (const std::size_t length : {kMaxLineBytes + 1, kMaxLineBytes + kSourceBlock, 2 * kMaxLineBytes}) {
    const std::string file =
        folder.write("a.jsonl", row + row + "\n" + row + row + std::string(length, 'y') + "\n" + row);
    for (const int world : {1, 2, 4}) {
      std::vector<std::string> errors(world);
      fakes::ThreadRanks(world).run([&](Communicator& comm) {
        errors[comm.rank()] = fakes::error_of([&] { JsonlSource({file}, comm); });
      });
      for (const std::string& error : errors)
        EXPECT_THAT(error, StartsWith("error[DS002]: line too long: " + file + ":6: "));
    }
  }
}

TEST(JsonlSource, FilesThatDifferBetweenRanksAreRefused) {
  const TemporaryFolder folder;
  const std::string one = folder.write("a.jsonl", "{\"text\":\"a\"}\n"),
                    other = folder.write("b.jsonl", "{\"text\":\"ab\"}\n");
  std::vector<std::string> errors(3);
  fakes::ThreadRanks(3).run([&](Communicator& comm) {
    errors[comm.rank()] = fakes::error_of([&] { JsonlSource({comm.rank() == 1 ? other : one}, comm); });
  });
  for (const std::string& error : errors)
    EXPECT_THAT(error, ::testing::MatchesRegex("error.DS022.: input is not the same for all ranks: .*jsonl: "
                                               "13 bytes for rank 0, 14 for rank 1"));
}

TEST(RealData, EverySupervisedFileParsesWithItsCountOfRows) {
  const std::string folder = HONE_REAL_DATA_DIR "/sft/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "REAL DATA IS NOT HERE: " << folder;
  const std::vector<std::pair<std::string, std::size_t>> files{
      {"alpaca_en.jsonl", 999}, {"gsm8k_train.jsonl", 7473}, {"chat_multiturn_en.jsonl", 147}};
  for (const auto& [name, rows] : files)
    EXPECT_EQ(read_examples({folder + name}, "auto").size(), rows) << name;
}

}  // namespace
}  // namespace hone::data
