// What the program writes about itself: completions, manual pages, the reference of all options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file_system.h"
#include "launcher/commands.h"
#include "launcher/options/completion.h"
#include "launcher/options/manual.h"
#include "launcher/options/option_table.h"

namespace hone::launcher {
namespace {

using testing::HasSubstr;

std::string with_roff_dashes(std::string text) {
  for (std::size_t at = 0; (at = text.find('-', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text;
}

TEST(Documents, EveryOptionOfEveryCommandIsInItsManualPageAndInAllCompletions) {
  const std::string bash = completion_script("bash", commands()), zsh = completion_script("zsh", commands()),
                    fish = completion_script("fish", commands());
  for (const Command& command : commands()) {
    const std::string page = command_manual(command, "1");
    EXPECT_THAT(page, HasSubstr(with_roff_dashes(command.line)));
    const OptionTable table(command);
    for (const Field& field : table.all()) {
      EXPECT_THAT(page, HasSubstr("\\fB" + with_roff_dashes("--" + field.key()) + "\\fR"));
      EXPECT_THAT(bash, HasSubstr("--" + field.key() + " ")) << command.name;
      EXPECT_THAT(zsh, HasSubstr("'--" + field.key() + ":")) << command.name;
      EXPECT_THAT(fish, HasSubstr("seen_subcommand_from " + command.name + "' -l " + field.key() + " "));
      for (const std::string& value : values_of(field))
        for (const std::string& script : {bash, zsh, fish}) EXPECT_THAT(script, HasSubstr(value));
    }
    for (const std::string& script : {bash, zsh, fish}) EXPECT_THAT(script, HasSubstr(command.name));
    EXPECT_THAT(general_manual(commands(), "1"), HasSubstr(".BR hone\\-" + command.name + " (1)"));
  }
}

TEST(Documents, TheReferenceInDocsIsCurrent) {
  EXPECT_EQ(read_text_file(HONE_GOLDEN_DIR "/../../docs/options.md"), options_reference(commands()))
      << "renew it: build/launcher/hone man --format markdown > docs/options.md";
}

TEST(Documents, NoTextOfAnOptionBreaksAManualPage) {
  const Command odd{
      .name = "odd", .line = ".starts with a dot and has a \\ in it", .examples = {"'quoted' -x"}};
  const std::string page = command_manual(odd, "1");
  EXPECT_THAT(page, HasSubstr("odd \\- \\&.starts with a dot and has a \\e in it\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&'quoted' \\-x\n"));
}

}  // namespace
}  // namespace hone::launcher
