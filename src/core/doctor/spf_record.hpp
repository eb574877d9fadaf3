#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/result.hpp"

namespace s3link::doctor {

/// What a domain's SPF record says of mail from machines it does not name.
enum class SpfDefault {
  fail,       ///< "-all"
  soft_fail,  ///< "~all"
  neutral,    ///< "?all", or nothing is said
  pass,       ///< "+all": anybody may send
  redirect,   ///< another domain's record decides
};

/// A domain's policy of who may send its mail, as far as its text tells.
struct SpfRecord {
  std::string text;
  SpfDefault otherwise = SpfDefault::neutral;
  std::size_t lookups = 0;  ///< terms that cost a look-up, without those of the records they lead to

  /// More are a permanent error at every receiver, RFC 7208 §4.6.4.
  static constexpr std::size_t kMaxLookups = 10;
};

/// The SPF record among a domain's TXT records, RFC 7208 §4.5 and §4.6.
/// Errors: not_found (there is none), invalid_argument (more than one, a term that does not exist), which receivers
/// treat as if there were none, or worse.
Result<SpfRecord> find_spf(std::span<const std::string> texts);

}  // namespace s3link::doctor
