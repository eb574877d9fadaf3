#include "core/doctor/dmarc_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3link::doctor {
namespace {

using testing::ElementsAre;
using Texts = std::vector<std::string>;

TEST(FindDmarc, ReadsPolicyAndReports) {
  // RFC 7489, appendix B.2.1 and B.2.2.
  auto record = find_dmarc(Texts{"v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com"});
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->policy, "none");
  EXPECT_TRUE(record->has_reports);
  record = find_dmarc(Texts{"site=1", "v = DMARC1;p=Reject;"});
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->policy, "reject");
  EXPECT_FALSE(record->has_reports);
}

TEST(FindDmarc, SaysWhatIsWrong) {
  EXPECT_EQ(find_dmarc(Texts{}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(find_dmarc(Texts{"v=dmarc1; p=none"}).error().kind, ErrorKind::not_found);
  EXPECT_EQ(find_dmarc(Texts{"v=DMARC1; p=none", "v=DMARC1; p=none"}).error().kind, ErrorKind::not_found);
  for (const char* const wrong : {"v=DMARC1", "v=DMARC1; p=maybe", "v=DMARC1; p=none; p=none", "v=DMARC1; reject"}) {
    const auto refused = find_dmarc(Texts{wrong});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument) << wrong;
  }
}

TEST(DmarcNames, WalkUpToTheLastDomainWithADot) {
  EXPECT_THAT(dmarc_names("files.eu.example.org"),
              ElementsAre("_dmarc.files.eu.example.org", "_dmarc.eu.example.org", "_dmarc.example.org"));
  EXPECT_THAT(dmarc_names("example.org"), ElementsAre("_dmarc.example.org"));
}

}  // namespace
}  // namespace s3link::doctor
