#include "apps/bootstrap/built_in_roots.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>
#include <string>

namespace s3link::bootstrap {
namespace {

std::string common_name(X509* certificate) {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

// Source: Amazon Trust Services, "Repository".
TEST(BuiltInRoots, AreThoseOfAmazonTrustServices) {
  const auto text = built_in_roots();
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                                                            BIO_free_all);
  std::set<std::string> names;
  while (X509* const certificate = PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr)) {
    names.insert(common_name(certificate));
    EXPECT_EQ(X509_self_signed(certificate, 1), 1) << common_name(certificate);
    EXPECT_EQ(X509_check_ca(certificate), 1) << common_name(certificate);
    X509_free(certificate);
  }
  EXPECT_EQ(names, (std::set<std::string>{"Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3",
                                          "Amazon Root CA 4", "Starfield Services Root Certificate Authority - G2"}));
}

}  // namespace
}  // namespace s3link::bootstrap
