#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link::s3 {

/// What a downloaded object is called: the last part of the key that is not empty ("folder/" has bytes, too), or
/// "download" when there is none.
std::string file_name_of(std::string_view key);

/// The name in at most `max_bytes` bytes of UTF-8, cut between characters, before the extension (a short one: up to 16
/// bytes with its dot). Empty where not even a character and the extension fit.
std::string cut_file_name(std::string_view file_name, std::size_t max_bytes);

/// `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`: makes browsers save instead of show. `filename` is
/// ASCII with '_' for what old clients misread; `filename*` is the name in UTF-8, exact but for '_' in place of
/// characters that are not seen and change how the rest is read: controls, bidirectional overrides, zero-width ones
/// ("report<U+202E>fdp.exe" looks like a PDF). Source: RFC 6266 §4.3 and appendix D, RFC 8187 §3.2.
std::string attachment_disposition(std::string_view file_name);

/// The same, percent-encoded in no more than `max_bytes`: the name is cut. Where none fits, `attachment` alone: then
/// browsers take the name from the path. The result is not encoded.
std::string attachment_disposition(std::string_view file_name, std::size_t max_encoded_bytes);

}  // namespace s3link::s3
