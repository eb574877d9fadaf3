#pragma once

namespace s3link::mail {

/// How we log in at a relay (email.auth). Automatic: XOAUTH2 where tokens are set up, else PLAIN, then LOGIN, as
/// far as the relay offers them; CRAM-MD5 where it offers neither.
enum class RelayAuth { automatic, plain, login, xoauth2, none };

}  // namespace s3link::mail
