#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/s3link/api_client.hpp"
#include "apps/s3link/piece.hpp"

namespace s3link::app {

struct UploadedObject {
  std::string bucket, key;
  std::uint64_t size_bytes = 0;
  std::string etag;
  std::string sequencer;  ///< names this version in the delivery log
};

/// A multipart upload that was begun and neither completed nor aborted.
struct OpenUpload {
  std::string key, upload_id;
};

/// Uploads one file after the other. Memory does not grow with the file: up to 16 MiB go in one request, more in parts
/// of 16 MiB or what 10,000 parts need, four at a time; standard input in parts of 16 to 64 MiB, one at a time.
class Uploader {
 public:
  Uploader(ApiClient& api, std::string bucket, OnSent on_sent);

  /// A failure aborts the multipart upload. Errors: those of ApiClient::call and of reading the file.
  Awaitable<Result<UploadedObject>> upload(const InputFile& file, std::string key, std::string content_type);

  /// What an interrupted upload() left open, for abort().
  const std::optional<OpenUpload>& open_upload() const noexcept { return open_; }
  static Awaitable<Status> abort(ApiClient& api, std::string bucket, OpenUpload upload);

 private:
  struct Parts;
  Awaitable<Result<UploadedObject>> put(Piece piece, std::string key, std::string content_type);
  Awaitable<Result<std::optional<UploadedObject>>> find_stored(const Piece& piece, std::string key, Instant since);
  Awaitable<Status> begin(std::string key, std::string content_type);
  Awaitable<void> send_file_parts(const InputFile& file, Parts& parts);
  Awaitable<void> send_stream_parts(const InputFile& file, std::vector<std::byte> first, Parts& parts);
  Awaitable<Result<std::string>> put_part(Piece piece, unsigned number);
  Awaitable<Result<UploadedObject>> complete(const Parts& parts);
  Awaitable<Result<UploadedObject>> finish(const Parts& parts);
  std::string path_of(const std::string& key) const { return "/" + bucket_ + "/" + key; }

  ApiClient& api_;
  std::string bucket_;
  OnSent on_sent_;
  std::optional<OpenUpload> open_;
};

/// By the extension of the name; application/octet-stream where that says nothing.
std::string content_type_of(std::string_view name);

}  // namespace s3link::app
