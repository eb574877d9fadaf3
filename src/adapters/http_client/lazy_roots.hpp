#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

namespace s3link::http_client {

/// Where root certificates stand as PEM: a text, which must outlive the store, or a file.
struct RootsSource {
  std::string_view text;
  std::string file;  ///< where `text` is empty
};

/// Makes the store look for issuers in the source too, when what it has does not do. Only the roots that a chain asks
/// for are parsed: each costs some 0.2 ms, and a system's bundle holds 150. The source is read with the first question;
/// one that cannot be read holds no root.
///
/// A root is found by the encoding of its name, which what it issued has to repeat byte for byte (RFC 5280 §4.1.2.6).
void add_lazy_roots(X509_STORE* store, RootsSource source);

}  // namespace s3link::http_client
