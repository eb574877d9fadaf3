#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/encoding.hpp"
#include "ports/bucket_store.hpp"

/// Short forms of the calls that tests of a bucket store make all the time.
namespace s3link::test_support {

inline s3::BucketName bucket_name(std::string_view text = "bucket") { return *s3::BucketName::parse(text); }
inline s3::ObjectKey object_key(std::string_view text) { return *s3::ObjectKey::parse(text); }
inline Instant at_second(std::int64_t seconds) { return from_unix_ms(seconds * 1000); }

/// Bytes that do not repeat within a package, so that exchanged packages differ.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

/// Writes a body in pieces of `step` bytes.
inline Awaitable<Result<std::unique_ptr<ports::BodyWriter>>> write_body(ports::BucketStore& store, std::string bytes,
                                                                        std::size_t step = 100'000) {
  auto body = co_await store.create_body(bytes.size());
  if (!body) co_return body;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto written = co_await (*body)->write(as_bytes(std::string_view(bytes).substr(at, step)));
    if (!written) co_return std::unexpected(written.error());
  }
  const auto finished = co_await (*body)->finish();
  if (!finished) co_return std::unexpected(finished.error());
  co_return body;
}

inline ports::PutObject put_request(std::string_view key, std::string_view bucket = "bucket") {
  return {.bucket = bucket_name(bucket),
          .key = object_key(key),
          .headers = {},
          .checksum = std::nullopt,
          .modified = at_second(1'700'000'000),
          .removed_at = std::nullopt,
          .event = std::nullopt,
          .condition = {}};
}

inline Awaitable<Result<ports::ObjectInfo>> put(ports::BucketStore& store, ports::PutObject request,
                                                std::string bytes) {
  auto body = co_await write_body(store, std::move(bytes));
  if (!body) co_return std::unexpected(body.error());
  co_return co_await store.put_object(std::move(request), std::move(*body));
}

/// The whole object, read in pieces of `step` bytes.
inline Awaitable<Result<std::string>> get(ports::BucketStore& store, std::string key, std::size_t step = 256 * 1024) {
  auto object = co_await store.open_object(bucket_name(), object_key(key));
  if (!object) co_return std::unexpected(object.error());
  std::string bytes(static_cast<std::size_t>(object->info.size_bytes), '\0');
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const auto room = std::as_writable_bytes(std::span(bytes)).subspan(offset);
    const auto got = co_await object->body->read_at(offset, room.first(std::min(step, room.size())));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail(ErrorKind::corrupt, "the object ends early");
    offset += *got;
  }
  co_return bytes;
}

}  // namespace s3link::test_support
