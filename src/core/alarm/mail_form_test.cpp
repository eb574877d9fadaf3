#include "core/alarm/mail_form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3link::alarm {
namespace {

using testing::HasSubstr;
using testing::Not;

MailForm filled() {
  return {.title = "[s3link] ALARM: 7 dead letters, more than 5",
          .facts = {{"State", "ALARM since today"}, {"", "It was OK before"}},
          .paragraphs = {"One line\nand another.\n", "More.\n"},
          .reasons = {"6 x denied: 550 <script>alert(1)</script> & \"more\""},
          .commands = {{"To look at them", "s3link dlq list --data-dir '/srv/my data'"}}};
}

TEST(AlarmMailForm, TextKeepsItsLinesAndColumns) {
  EXPECT_EQ(as_text(filled()),
            "State:     ALARM since today\n"
            "           It was OK before\n"
            "\n"
            "One line\nand another.\nMore.\n"
            "\n"
            "The most frequent reasons:\n"
            "  6 x denied: 550 <script>alert(1)</script> & \"more\"\n"
            "\n"
            "To look at them:\n"
            "  s3link dlq list --data-dir '/srv/my data'\n");
}

TEST(AlarmMailForm, WithoutReasonsNoHeading) {
  MailForm form = filled();
  form.reasons.clear();
  EXPECT_THAT(as_text(form), Not(HasSubstr("reasons")));
  EXPECT_THAT(as_html(form), Not(HasSubstr("reasons")));
}

TEST(AlarmMailForm, PageSaysTheSameEscaped) {
  const std::string html = as_html(filled());
  EXPECT_THAT(html, HasSubstr("<title>[s3link] ALARM: 7 dead letters, more than 5</title>"));
  EXPECT_THAT(html, HasSubstr(">ALARM since today</td>"));
  EXPECT_THAT(html, HasSubstr(">It was OK before</td>"));
  EXPECT_THAT(html, HasSubstr(">One line and another.</p>"));
  EXPECT_THAT(html, HasSubstr("<li>6 x denied: 550 &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;</li>"));
  EXPECT_THAT(html, HasSubstr(">s3link dlq list --data-dir &#39;/srv/my data&#39;</pre>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("http")));  // nothing is fetched
}

}  // namespace
}  // namespace s3link::alarm
