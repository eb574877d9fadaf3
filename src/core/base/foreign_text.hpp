#pragma once

#include <string>
#include <string_view>

namespace s3link {

/// Cuts out what is a credential for whoever reads it, and leaves "(removed)" in its place: a presigned URL as a whole,
/// also one that was mangled; the values of X-Amz-Signature, X-Amz-Credential and X-Amz-Security-Token without one; the
/// address of a page "…/d/TOKEN"; tokens, secrets and passwords that are named as such. It sees through percent
/// encoding (also twice), quoted-printable, HTML and JSON escapes, line breaks and blanks inside, and either case.
///
/// For every text that others wrote and that is kept, logged or shown: a relay's reply, the answer of a webhook, a
/// collector or a token endpoint, a request's fields.
std::string cut_credentials(std::string_view text);

/// Cuts out the values of X-Amz-Signature and X-Amz-Security-Token only, and sees through the same: for a request's key
/// and fields, which may be a link that was mangled ("photo.jpg%3FX-Amz-…"), and are of use besides.
std::string cut_signatures(std::string_view text);

/// cut_credentials() as one line of printable ASCII ('?' for other bytes) of at most `max_size` bytes.
std::string foreign_line(std::string_view text, std::size_t max_size);

}  // namespace s3link
