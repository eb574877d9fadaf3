#pragma once

#include <string>

#include "core/doctor/finding.hpp"

namespace s3link::doctor {

/// What came back for a presigned GET of an object that does not exist.
struct LinkAnswer {
  std::string public_url;  ///< for messages
  std::string sent_path;   ///< as it was sent, percent-encoded
  unsigned status = 0;
  std::string location = {};  ///< of a redirect
  std::string body;           ///< S3's error document, where it is the server's answer
};

/// 404 NoSuchKey is right: the signature was good. Everything else is a link that would not open for its recipient, and
/// the fix names what is in the way: a proxy that changes Host or path, another server, a redirect, a clock.
Finding judge_link_answer(const LinkAnswer& answer);

}  // namespace s3link::doctor
