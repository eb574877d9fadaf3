#include "adapters/http_client/lazy_roots.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace s3link::http_client {

namespace {

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;

// OpenSSL's allocator is a macro.
struct OpensslFree {
  void operator()(void* bytes) const noexcept { OPENSSL_free(bytes); }
};

/// The roots of one source, as DER that nobody has looked into yet.
class LazyRoots {
 public:
  explicit LazyRoots(RootsSource source) : source_(std::move(source)) {}

  /// Puts the roots with that name into the store; returns one of them, which the store keeps, or null.
  X509* add_named(X509_STORE* store, const X509_NAME* name) {
    const unsigned char* encoded = nullptr;
    std::size_t length = 0;
    if (X509_NAME_get0_der(name, &encoded, &length) != 1) return nullptr;
    const std::string_view wanted(reinterpret_cast<const char*>(encoded), length);
    X509* found = nullptr;
    for (const std::string& der : roots()) {
      if (!der.contains(wanted)) continue;
      const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
      const Certificate root(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
      if (!root || X509_NAME_cmp(X509_get_subject_name(root.get()), name) != 0) continue;
      if (X509_STORE_add_cert(store, root.get()) == 1) found = root.get();
    }
    ERR_clear_error();
    return found;
  }

 private:
  const std::vector<std::string>& roots() {
    if (!roots_) roots_ = read();
    return *roots_;
  }

  std::vector<std::string> read() const {
    std::vector<std::string> out;
    const Bio input(source_.text.empty() ? BIO_new_file(source_.file.c_str(), "r")
                                         : BIO_new_mem_buf(source_.text.data(), static_cast<int>(source_.text.size())));
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (input && PEM_read_bio(input.get(), &name, &header, &data, &size) == 1) {
      const std::unique_ptr<char, OpensslFree> owned_name(name);
      const std::unique_ptr<char, OpensslFree> owned_header(header);
      const std::unique_ptr<unsigned char, OpensslFree> owned_data(data);
      if (std::string_view(name) == PEM_STRING_X509) {
        out.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
      }
    }
    ERR_clear_error();
    return out;
  }

  const RootsSource source_;
  std::optional<std::vector<std::string>> roots_;
};

int get_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* out) {
  if (type != X509_LU_X509) return 0;
  auto* const roots = static_cast<LazyRoots*>(X509_LOOKUP_get_method_data(lookup));
  X509* const found = roots->add_named(X509_LOOKUP_get_store(lookup), name);
  if (found == nullptr || X509_OBJECT_set1_X509(out, found) != 1) return 0;
  // As OpenSSL's own methods: what is handed out is the store's, and whoever asked counts up for himself.
  X509_free(found);
  return 1;
}

void free_roots(X509_LOOKUP* lookup) { delete static_cast<LazyRoots*>(X509_LOOKUP_get_method_data(lookup)); }

// One for the process: OpenSSL keeps the pointer. A store takes each method once, so there are as many as a store can
// have sources.
X509_LOOKUP_METHOD* make_method(const char* name) {
  X509_LOOKUP_METHOD* const method = X509_LOOKUP_meth_new(name);
  if (method != nullptr) {
    X509_LOOKUP_meth_set_get_by_subject(method, get_by_subject);
    X509_LOOKUP_meth_set_free(method, free_roots);
  }
  return method;
}

}  // namespace

void add_lazy_roots(X509_STORE* store, RootsSource source) {
  static X509_LOOKUP_METHOD* const of_text = make_method("s3link roots of a text");
  static X509_LOOKUP_METHOD* const of_file = make_method("s3link roots of a file");
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, source.text.empty() ? of_file : of_text);
  if (lookup == nullptr || X509_LOOKUP_get_method_data(lookup) != nullptr) return;
  X509_LOOKUP_set_method_data(lookup, std::make_unique<LazyRoots>(std::move(source)).release());
}

}  // namespace s3link::http_client
