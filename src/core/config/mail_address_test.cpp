#include "core/config/mail_address.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::config {
namespace {

struct AddressCase {
  std::string name, text, want;  // empty: refused
};
const std::vector<AddressCase> kAddressCases = {
    {"plain", "files@example.org", "files@example.org"},
    {"umlaut_domain", "files@bücher.example", "files@xn--bcher-kva.example"},
    {"upper_case_domain", "files@BÜCHER.example", "files@xn--bcher-kva.example"},
    {"combining_form", "files@bu\u0308cher.example", "files@xn--bcher-kva.example"},
    {"sharp_s", "files@faß.example", "files@xn--fa-hia.example"},
    {"cyrillic_and_top_level", "почта@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"},
    {"ideographic_full_stop", "files@例え。テスト", "files@xn--r8jz45g.xn--zckzah"},
    {"local_part", "grüße@example.org", "grüße@example.org"},
    {"a_labels_stay", "files@xn--bcher-kva.example", "files@xn--bcher-kva.example"},
    {"case_of_the_domain", "Files@Example.ORG", "Files@example.org"},
    {"a_labels_in_upper_case", "files@XN--BCHER-KVA.Example", "files@xn--bcher-kva.example"},
    {"full_width", "files@Ｂücher．example", "files@xn--bcher-kva.example"},
    {"literal", "files@[192.0.2.1]", "files@[192.0.2.1]"},
    {"no_domain", "files@", ""},
    {"no_at", "bücher.example", ""},
    {"no_letter", "files@☃\u200e.example", ""},
    {"not_utf8",
     "files@b\xfc"
     "cher.example",
     ""},
    {"local_not_utf8",
     "gr\xfc\xdf"
     "e@example.org",
     ""},
    {"control_in_local_part", "a\u0085b@example.org", ""},
    {"blank", "grüße an@example.org", ""},
    {"line_end", "grüße\r\nBcc@example.org", ""},
    {"zero_byte", std::string("a\0b@example.org", 15), ""},
    {"long_label", "files@" + std::string(63, 'a') + "ü.example", ""},
    {"long_local_part", std::string(65, 'a') + "ü@example.org", ""},
};
class MailAddressTest : public testing::TestWithParam<AddressCase> {};
TEST_P(MailAddressTest, IsWhatSmtpTakes) {
  const auto got = parse_mail_address(GetParam().text);
  EXPECT_EQ(got ? got->text() : "", GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, MailAddressTest, testing::ValuesIn(kAddressCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::config
