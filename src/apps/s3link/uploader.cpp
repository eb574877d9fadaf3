#include "apps/s3link/uploader.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <pugixml.hpp>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::app {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kSinglePutBytes = 16 * kMiB;
constexpr std::uint64_t kSmallestPart = 16 * kMiB;
constexpr std::uint64_t kLargestStreamPart = 64 * kMiB;
constexpr unsigned kMaxParts = 10'000;

std::string header(const ports::HttpClientResponse& response, std::string_view name) {
  const std::string* const value = ports::find_field(response.fields, name);
  return value ? *value : std::string();
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

/// Of a document whose root has that child; empty when it has not.
std::string xml_value(const std::string& body, const char* child) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return {};
  return document.document_element().child_value(child);
}

/// Parts of a file: whole MiB, at least 16, and few enough.
std::uint64_t part_size_for(std::uint64_t file_bytes) {
  const std::uint64_t needed = (file_bytes + kMaxParts - 1) / kMaxParts;
  return std::max(kSmallestPart, (needed + kMiB - 1) / kMiB * kMiB);
}

/// Reads up to `max_bytes`; less only at the end. A slow writer does not keep a signal from being seen.
Awaitable<Result<std::vector<std::byte>>> read_stream(const InputFile& file, std::size_t max_bytes) {
  constexpr int kPollMilliseconds = 100;
  std::vector<std::byte> out;
  while (out.size() < max_bytes) {
    co_await asio::post(asio::use_awaitable);
    pollfd readable{.fd = file.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPollMilliseconds) <= 0) continue;
    const std::size_t before = out.size();
    out.resize(std::min(max_bytes, before + 256 * 1024));
    const ssize_t count = ::read(file.descriptor(), out.data() + before, out.size() - before);
    const int error = errno;
    out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && error != EINTR && error != EAGAIN) {
      co_return fail(ErrorKind::internal, fmt::format("cannot read {}: {}", file.name(), std::strerror(error)));
    }
    if (count == 0) break;
  }
  co_return out;
}

}  // namespace

/// A multipart upload on its way.
struct Uploader::Parts {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::uint64_t part_size = 0;  ///< of a file
  unsigned next = 0;            ///< index of the next part nobody sends yet
  std::vector<std::string> etags = {};
  std::optional<Error> error = {};  ///< the first
};

Uploader::Uploader(ApiClient& api, std::string bucket, OnSent on_sent)
    : api_(api), bucket_(std::move(bucket)), on_sent_(std::move(on_sent)) {}

Awaitable<Result<UploadedObject>> Uploader::upload(const InputFile& file, std::string key, std::string content_type) {
  using namespace asio::experimental::awaitable_operators;
  Parts parts{.key = key};
  if (file.size()) {
    if (*file.size() <= kSinglePutBytes) {
      auto piece = file_piece(file, 0, *file.size(), on_sent_);
      if (!piece) co_return std::unexpected(piece.error());
      co_return co_await put(std::move(*piece), key, content_type);
    }
    parts.size_bytes = *file.size();
    parts.part_size = part_size_for(parts.size_bytes);
    parts.etags.resize(static_cast<std::size_t>((parts.size_bytes + parts.part_size - 1) / parts.part_size));
    if (const Status begun = co_await begin(key, content_type); !begun) co_return std::unexpected(begun.error());
    co_await (send_file_parts(file, parts) && send_file_parts(file, parts) && send_file_parts(file, parts) &&
              send_file_parts(file, parts));
    co_return co_await finish(parts);
  }
  auto first = co_await read_stream(file, kSinglePutBytes);
  if (!first) co_return std::unexpected(first.error());
  if (first->size() < kSinglePutBytes) {
    co_return co_await put(memory_piece(std::move(*first), on_sent_), key, content_type);
  }
  if (const Status begun = co_await begin(key, content_type); !begun) co_return std::unexpected(begun.error());
  co_await send_stream_parts(file, std::move(*first), parts);
  co_return co_await finish(parts);
}

Awaitable<Result<UploadedObject>> Uploader::put(Piece piece, std::string key, std::string content_type) {
  ApiRequest request{.method = "PUT",
                     .path = path_of(key),
                     .query = {},
                     .fields = {{"Content-Type", content_type}},
                     .body = piece.open,
                     .body_length = piece.size_bytes,
                     .body_sha256 = piece.sha256};
  const Instant started = api_.now();
  // Whether a PUT whose answer was lost took place is looked up: a second one would mail the link twice.
  for (unsigned attempt = 1;; ++attempt) {
    const auto response = co_await api_.call(request, false, attempt == 1 ? kOnce : kPatient);
    if (response) {
      co_return UploadedObject{bucket_, key, piece.size_bytes, unquoted(header(*response, "ETag")),
                               header(*response, "x-s3link-sequencer")};
    }
    if (response.error().kind != ErrorKind::transient || response.error().code == "connection" || attempt > 3) {
      co_return std::unexpected(response.error());
    }
    auto stored = co_await find_stored(piece, key, started);
    if (!stored) co_return std::unexpected(stored.error());
    if (*stored) co_return std::move(**stored);
  }
}

Awaitable<Result<std::optional<UploadedObject>>> Uploader::find_stored(const Piece& piece, std::string key,
                                                                       Instant since) {
  const auto response = co_await api_.call({.method = "HEAD", .path = path_of(key)}, true, kPatient);
  if (!response) {
    if (response.error().kind == ErrorKind::not_found) co_return std::nullopt;
    co_return std::unexpected(response.error());
  }
  const auto modified = parse_http_date(header(*response, "Last-Modified"));
  const bool is_older = modified && *modified + std::chrono::seconds(5) < since;  // the same bytes, sent before
  if (is_older || unquoted(header(*response, "ETag")) != piece.md5) co_return std::nullopt;
  co_return UploadedObject{bucket_, key, piece.size_bytes, piece.md5, header(*response, "x-s3link-sequencer")};
}

Awaitable<Status> Uploader::begin(std::string key, std::string content_type) {
  const auto response = co_await api_.call(
      {.method = "POST", .path = path_of(key), .query = {{"uploads", ""}}, .fields = {{"Content-Type", content_type}}},
      false, kOnce);
  if (!response) co_return std::unexpected(response.error());
  std::string upload_id = xml_value(response->body, "UploadId");
  if (upload_id.empty()) co_return fail(ErrorKind::internal, "the server named no UploadId");
  open_ = OpenUpload{key, std::move(upload_id)};
  co_return Status{};
}

Awaitable<void> Uploader::send_file_parts(const InputFile& file, Parts& parts) {
  while (!parts.error && parts.next < parts.etags.size()) {
    const unsigned index = parts.next++;
    const std::uint64_t offset = index * parts.part_size;
    auto piece = file_piece(file, offset, std::min(parts.part_size, parts.size_bytes - offset), on_sent_);
    auto etag = piece ? co_await put_part(std::move(*piece), index + 1) : std::unexpected(piece.error());
    if (etag) {
      parts.etags[index] = std::move(*etag);
    } else if (!parts.error) {
      parts.error = etag.error();
    }
  }
}

Awaitable<void> Uploader::send_stream_parts(const InputFile& file, std::vector<std::byte> first, Parts& parts) {
  auto bytes = std::move(first);
  while (!bytes.empty()) {
    const unsigned number = static_cast<unsigned>(parts.etags.size()) + 1;
    if (number > kMaxParts) {
      parts.error =
          Error{ErrorKind::invalid_argument, "standard input is too long for 10,000 parts; send it as a file", {}};
      co_return;
    }
    parts.size_bytes += bytes.size();
    auto etag = co_await put_part(memory_piece(std::move(bytes), on_sent_), number);
    if (!etag) {
      parts.error = etag.error();
      co_return;
    }
    parts.etags.push_back(std::move(*etag));
    // Larger parts once it is known to be long: 10,000 of them reach 600 GiB.
    const std::uint64_t wanted = number < 100 ? kSmallestPart : kLargestStreamPart;
    auto next = co_await read_stream(file, wanted);
    if (!next) {
      parts.error = next.error();
      co_return;
    }
    bytes = std::move(*next);
  }
}

Awaitable<Result<std::string>> Uploader::put_part(Piece piece, unsigned number) {
  const auto response =
      co_await api_.call({.method = "PUT",
                          .path = path_of(open_->key),
                          .query = {{"partNumber", std::to_string(number)}, {"uploadId", open_->upload_id}},
                          .body = piece.open,
                          .body_length = piece.size_bytes,
                          .body_sha256 = piece.sha256},
                         true, kPatient);
  if (!response) co_return std::unexpected(response.error());
  co_return unquoted(header(*response, "ETag"));
}

Awaitable<Result<UploadedObject>> Uploader::finish(const Parts& parts) {
  auto completed = parts.error ? std::unexpected(*parts.error) : co_await complete(parts);
  if (!completed) co_await abort(api_, bucket_, *open_);
  open_.reset();
  co_return completed;
}

Awaitable<Result<UploadedObject>> Uploader::complete(const Parts& parts) {
  std::string body = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < parts.etags.size(); ++i) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", i + 1, parts.etags[i]);
  }
  body += "</CompleteMultipartUpload>";
  const auto bytes = as_bytes(body);
  Piece piece = memory_piece({bytes.begin(), bytes.end()}, {});
  // Repeating is safe: the server answers a completion that took place with the same object.
  const auto response = co_await api_.call({.method = "POST",
                                            .path = path_of(parts.key),
                                            .query = {{"uploadId", open_->upload_id}},
                                            .fields = {{"Content-Type", "application/xml"}},
                                            .body = piece.open,
                                            .body_length = piece.size_bytes,
                                            .body_sha256 = piece.sha256},
                                           true, kPatient);
  if (!response) co_return std::unexpected(response.error());
  const std::string etag = unquoted(xml_value(response->body, "ETag"));
  // S3 may find out after it has sent the 200 that it cannot complete.
  if (etag.empty()) co_return std::unexpected(ApiClient::to_error(*response));
  co_return UploadedObject{bucket_, parts.key, parts.size_bytes, etag, header(*response, "x-s3link-sequencer")};
}

Awaitable<Status> Uploader::abort(ApiClient& api, std::string bucket, OpenUpload upload) {
  const auto response = co_await api.call(
      {.method = "DELETE", .path = "/" + bucket + "/" + upload.key, .query = {{"uploadId", upload.upload_id}}}, true,
      3);
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace s3link::app
