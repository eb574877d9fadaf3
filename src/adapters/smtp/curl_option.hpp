#pragma once

#include <curl/curl.h>
#include <fmt/format.h>

#include <stdexcept>

namespace s3link::smtp {

/// Throws std::runtime_error for an option that this libcurl does not have: a bug, or another library than ours.
void set(CURL* easy, CURLoption option, auto value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK)
    throw std::runtime_error(fmt::format("libcurl option {}: {}", int(option), curl_easy_strerror(code)));
}

}  // namespace s3link::smtp
