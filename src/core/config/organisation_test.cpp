#include "core/config/organisation.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/config/mail_address.hpp"

namespace s3link::config {
namespace {

struct OrganisationCase {
  std::string name, address, want;
};
const std::vector<OrganisationCase> kCases = {
    {"plain", "files@example.org", "example"},
    {"below_a_host", "s3link@files.mail.acme.de", "acme"},
    {"suffix_of_two_labels", "files@mail.acme.co.uk", "acme"},
    {"private_suffix", "files@acme.github.io", "acme"},
    {"upper_case", "files@Mail.ACME.com", "acme"},
    {"hyphens", "files@foo-bar.test", "foo-bar"},
    {"unlisted_suffix", "files@corp.internal", "corp"},
    {"outside_ascii", "files@bücher.example", "bücher"},
    {"as_a_label", "files@mail.XN--Bcher-kva.example", "bücher"},
    {"ukrainian", "files@пошта.укр", "пошта"},
    {"no_a_label", "files@xn--99999999.example", "s3link"},
    {"this_machine", "s3link@localhost", "s3link"},
    {"this_machine_of_old", "root@localhost.localdomain", "s3link"},
    {"one_label", "s3link@intranet", "s3link"},
    {"public_suffix", "files@co.uk", "s3link"},
    {"address_literal", "files@[192.0.2.1]", "s3link"},
    {"ipv6_literal", "files@[IPv6:2001:db8::1]", "s3link"},
    {"address", "root@127.0.0.1", "s3link"},
};
class OrganisationTest : public testing::TestWithParam<OrganisationCase> {};
TEST_P(OrganisationTest, IsTheLabelBeforeThePublicSuffix) {
  const auto address = parse_mail_address(GetParam().address);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(organisation_of(*address), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, OrganisationTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::config
