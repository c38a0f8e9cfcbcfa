#include "launcher/report/html.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

TEST(Html, MarkupInTextIsText) {
  EXPECT_EQ(escaped("<script>alert(\"1\" & '2')</script>"),
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
}

TEST(Html, GoodUtf8Stays) {
  const std::string text = "naïve 日本語 \U0001F600\n\ttab";
  EXPECT_EQ(escaped(text), text);
}

TEST(Html, ControlsAndBrokenUtf8BecomeTheReplacementCharacter) {
  const std::string r = "\uFFFD";
  EXPECT_EQ(escaped(std::string("a\0b", 3)), "a" + r + "b");
  EXPECT_EQ(escaped("\x1b[31m"), r + "[31m");
  EXPECT_EQ(escaped("line\r\n"), "line\n");
  EXPECT_EQ(escaped("\xFF"), r);
  EXPECT_EQ(escaped("\xC3"), r);
  EXPECT_EQ(escaped("\xC0\xBC"), r + r);  // '<' in an overlong form
  EXPECT_EQ(escaped("\xE0\x80\xBC"), r + r + r);
  EXPECT_EQ(escaped("\xED\xA0\x80"), r + r + r);          // a surrogate
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), r + r + r + r);  // beyond Unicode
  EXPECT_EQ(escaped("\xC2\x85"), r + r);                  // a control character
}

TEST(Html, AttributesAreEscapedAndEmptyOnesLeftOut) {
  Html html;
  html.leaf("p", {{"title", "\"><script>"}, {"class", ""}}, "x < y");
  EXPECT_EQ(html.str(), "<p title=\"&quot;&gt;&lt;script&gt;\">x &lt; y</p>");
}

}  // namespace
}  // namespace hone::report
