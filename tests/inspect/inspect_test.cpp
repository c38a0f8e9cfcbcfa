#include "launcher/inspect/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

const std::string kModel = HONE_GOLDEN_DIR "/core/tiny_llama";
const std::string kTokenizer = HONE_GOLDEN_DIR "/text/gguf_smollm.gguf";

// The JSON lines that `act` writes.
std::vector<Json> lines_of(const std::function<void(TextOutput&)>& act) {
  std::FILE* file = std::tmpfile();
  TextOutput out(file);
  act(out);
  out.flush();
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
  std::vector<Json> rows;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) rows.push_back(Json::parse(line));
  return rows;
}

Exit exit_of(const std::function<void(TextOutput&)>& act) {
  try {
    lines_of(act);
  } catch (const Error& error) {
    return error.exit();
  }
  return Exit::done;
}

TEST(Inspect, TokensGivesARowPerLineThatEndsAtLfAlone) {
  const TemporaryFolder folder;
  const auto rows = [&](const std::string& text) {
    const std::string path = folder.write("in.txt", text);
    return lines_of([&](TextOutput& out) { inspect_tokens(kTokenizer, path, false, out); });
  };
  EXPECT_EQ(rows("").size(), 0u);
  EXPECT_EQ(rows("a").size(), 1u);
  EXPECT_EQ(rows("a\n").size(), 1u);
  EXPECT_EQ(rows("\n").size(), 1u);
  EXPECT_EQ(rows("a\n\nb\n").size(), 3u);
  EXPECT_EQ(rows("a\rb\xE2\x80\xA8"
                 "c\n")
                .size(),
            1u);
  const auto two = rows("12\n\n");
  EXPECT_EQ(two[0]["tokens"], Json({"1", "2"}));  // this tokenizer takes each digit alone
  EXPECT_EQ(two[0]["ids"].size(), 2u);
  EXPECT_EQ(two[1], Json({{"ids", Json::array()}, {"tokens", Json::array()}}));
}

TEST(Inspect, ChatGivesTextIdsAndMaskPerRow) {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "rows.jsonl", R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]})"
                    "\n");
  const auto rows = lines_of([&](TextOutput& out) { inspect_chat(kTokenizer, "chatml", path, out); });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["text"], "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n");
  EXPECT_EQ(rows[0]["ids"].size(), rows[0]["supervised"].size());
  EXPECT_EQ(rows[0]["supervised"].back(), 0);  // the line end after the end of the turn
}

TEST(Inspect, ModelCountsParametersAndBytes) {
  const auto rows = lines_of([&](TextOutput& out) { inspect_model(kModel, out); });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["family"], "llama");
  const auto parameters = rows[0]["parameters"].get<std::int64_t>();
  EXPECT_GT(parameters, 0);
  EXPECT_EQ(rows[0]["weight_bytes"]["fp32"].get<std::int64_t>(), 4 * parameters);
  EXPECT_LT(rows[0]["weight_bytes"]["nf4"], rows[0]["weight_bytes"]["bf16"]);
}

TEST(Inspect, WhatIsNotThereIsExitThree) {
  const TemporaryFolder folder;
  const std::string nowhere = folder.file("nowhere");
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_model(nowhere, out); }), Exit::input);
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_tokens(kTokenizer, nowhere, true, out); }), Exit::input);
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_chat(kTokenizer, "chatml", nowhere, out); }), Exit::input);
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_data(nowhere, out); }), Exit::input);
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_checkpoint(nowhere, out); }), Exit::input);
}

TEST(Inspect, AFolderThatIsNoCheckpointIsExitFourAndNoPreparedDataExitThree) {
  const TemporaryFolder folder;
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_checkpoint(folder.path(), out); }), Exit::checkpoint);
  EXPECT_EQ(exit_of([&](TextOutput& out) { inspect_data(folder.path(), out); }), Exit::input);
}

}  // namespace
}  // namespace hone::launcher
