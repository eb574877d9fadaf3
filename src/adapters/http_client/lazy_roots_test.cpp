#include "adapters/http_client/lazy_roots.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "support/test_certificate.hpp"

namespace s3link::http_client {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

class LazyRootsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "s3link-roots-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// A new self-signed certificate, PEM.
  std::string certificate(const std::string& name) {
    test_support::write_certificate(folder / "cert.pem", folder / "key.pem", "DNS:localhost", name);
    std::ifstream file(folder / "cert.pem");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string file_of(const std::string& text) {
    const auto path = folder / "bundle.pem";
    std::ofstream(path) << text;
    return path;
  }
  /// OpenSSL's verdict on a certificate, by its issuer in the store.
  int verdict(const std::string& pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                             BIO_free_all);
    const Certificate subject(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), X509_free);
    const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                                  X509_STORE_CTX_free);
    X509_STORE_CTX_init(context.get(), store.get(), subject.get(), nullptr);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
  }
  int parsed() const { return sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())); }

  std::filesystem::path folder;
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store{X509_STORE_new(), X509_STORE_free};
};

TEST_F(LazyRootsTest, OnlyTheRootThatIsAskedForIsParsed) {
  const std::string first = certificate("First Root");
  const std::string second = certificate("Second Root");
  const std::string all = first + second + certificate("Third Root");
  add_lazy_roots(store.get(), {.text = all, .file = {}});
  EXPECT_EQ(parsed(), 0);
  EXPECT_EQ(verdict(second), X509_V_OK);
  EXPECT_EQ(verdict(second), X509_V_OK);
  EXPECT_EQ(parsed(), 1);
  EXPECT_EQ(verdict(first), X509_V_OK);
  EXPECT_EQ(parsed(), 2);
}

TEST_F(LazyRootsTest, ARootThatIsNotThereIsNotTrusted) {
  const std::string all = certificate("First Root");
  add_lazy_roots(store.get(), {.text = all, .file = {}});
  EXPECT_EQ(verdict(certificate("Stranger")), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  EXPECT_EQ(parsed(), 0);
}

TEST_F(LazyRootsTest, TheNameAloneDoesNotMakeARoot) {
  const std::string all = certificate("Root");
  add_lazy_roots(store.get(), {.text = all, .file = {}});
  EXPECT_NE(verdict(certificate("Root")), X509_V_OK) << "another key of the same name";
}

TEST_F(LazyRootsTest, OfTwoRootsWithOneNameEachIsFound) {
  const std::string old_root = certificate("Root");
  const std::string new_root = certificate("Root");
  const std::string all = old_root + new_root;
  add_lazy_roots(store.get(), {.text = all, .file = {}});
  EXPECT_EQ(verdict(new_root), X509_V_OK);
  EXPECT_EQ(verdict(old_root), X509_V_OK);
}

TEST_F(LazyRootsTest, TheFileIsAskedForWhatTheTextDoesNotHold) {
  const std::string in_text = certificate("In the text");
  const std::string in_file = certificate("In the file");
  add_lazy_roots(store.get(), {.text = in_text, .file = {}});
  add_lazy_roots(store.get(), {.text = {}, .file = file_of(in_file)});
  EXPECT_EQ(verdict(in_text), X509_V_OK);
  EXPECT_EQ(verdict(in_file), X509_V_OK);
  EXPECT_EQ(verdict(certificate("In neither")), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST_F(LazyRootsTest, WhatIsNoCertificateIsPassedOver) {
  const std::string root = certificate("Root");
  const std::string all = "# comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" +
                          std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") + root;
  add_lazy_roots(store.get(), {.text = {}, .file = file_of(all)});
  EXPECT_EQ(verdict(root), X509_V_OK);
}

TEST_F(LazyRootsTest, AFileThatCannotBeReadHoldsNoRoot) {
  add_lazy_roots(store.get(), {.text = {}, .file = folder / "none.pem"});
  EXPECT_EQ(verdict(certificate("Root")), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

}  // namespace
}  // namespace s3link::http_client
