#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/base/instant.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"

namespace s3link::test_support {

/// The far end of an upload: keeps objects and multipart uploads by their encoded paths, and fails to order. Signatures
/// are not checked, payload hashes are.
class FakeS3Client final : public ports::HttpClient {
 public:
  explicit FakeS3Client(ports::Clock& clock) : clock_(clock) {}

  /// What happens to the next request whose "METHOD target" contains `match`.
  struct Failure {
    std::string match;
    Error error = {};           ///< given instead of the answer, when `status` is 0
    unsigned status = 0;        ///< answered without doing anything
    bool after_acting = false;  ///< the request takes place, its answer is lost
  };
  std::deque<Failure> failures;
  std::map<std::string, std::string> objects;                      ///< by path
  std::map<std::string, std::map<unsigned, std::string>> uploads;  ///< parts by upload id
  std::vector<std::string> requests;                               ///< "PUT /bucket/key?partNumber=1&uploadId=u1"
  std::size_t at_once = 0, most_at_once = 0;

  Awaitable<Result<ports::HttpClientResponse>> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                                                        std::chrono::milliseconds) override {
    requests.push_back(request.method + " " + request.target);
    Failure failure;
    if (!failures.empty() && requests.back().contains(failures.front().match)) {
      failure = failures.front();
      failures.pop_front();
    }
    const bool fails = !failure.match.empty();
    if (fails && failure.status == 0 && !failure.after_acting) co_return std::unexpected(failure.error);

    most_at_once = std::max(most_at_once, ++at_once);
    std::string body;
    while (source) {
      const auto piece = co_await source->next();
      if (!piece) {
        --at_once;
        co_return std::unexpected(piece.error());
      }
      if (piece->empty()) break;
      body += as_text(*piece);
      co_await clock_.sleep_until(clock_.now());  // lets others run in between
    }
    --at_once;
    if (fails && failure.status != 0) co_return ports::HttpClientResponse{failure.status, {}, {}};
    const std::string* const hash = ports::find_field(request.fields, "x-amz-content-sha256");
    if (!hash || *hash != hex_encode(sha256(body)) || body.size() != request.body_length) {
      co_return ports::HttpClientResponse{400, {}, "<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"};
    }
    auto answer = act(request, std::move(body));
    if (fails) co_return std::unexpected(failure.error);
    co_return answer;
  }

 private:
  ports::HttpClientResponse act(const ports::HttpClientRequest& request, std::string body) {
    const auto mark = request.target.find('?');
    const std::string path = request.target.substr(0, mark);
    const std::string query = mark == std::string::npos ? "" : request.target.substr(mark + 1);
    const auto upload = query.find("uploadId=");
    const std::string upload_id = upload == std::string::npos ? "" : query.substr(upload + 9);
    if (!upload_id.empty() && !uploads.contains(upload_id)) {
      return {404, {}, "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>"};
    }
    if (request.method == "POST" && query == "uploads=") {
      const std::string id = "u" + std::to_string(++made_);
      uploads[id];
      return {
          200, {}, "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
    }
    if (request.method == "PUT" && query.starts_with("partNumber=")) {
      const std::string etag = hex_encode(md5(body));
      uploads[upload_id][static_cast<unsigned>(std::stoul(query.substr(11)))] = std::move(body);
      return {200, {{"ETag", "\"" + etag + "\""}}, {}};
    }
    if (request.method == "POST") {
      std::string whole;
      for (const auto& [number, part] : uploads[upload_id]) whole += part;
      uploads.erase(upload_id);
      return stored(path, std::move(whole),
                    "<CompleteMultipartUploadResult><ETag>\"multi-1\"</ETag></CompleteMultipartUploadResult>");
    }
    if (request.method == "DELETE") {
      uploads.erase(upload_id);
      return {204, {}, {}};
    }
    if (request.method == "PUT") return stored(path, std::move(body), {});
    if (request.method == "HEAD") {
      if (!objects.contains(path)) return {404, {}, {}};
      return {200,
              {{"ETag", "\"" + hex_encode(md5(objects[path])) + "\""},
               {"Last-Modified", http_date(modified_)},
               {"x-s3link-sequencer", std::to_string(sequencer_)}},
              {}};
    }
    return {501, {}, {}};
  }

  ports::HttpClientResponse stored(const std::string& path, std::string body, std::string answer) {
    const std::string etag = hex_encode(md5(body));
    objects[path] = std::move(body);
    modified_ = clock_.now();
    return {
        200, {{"ETag", "\"" + etag + "\""}, {"x-s3link-sequencer", std::to_string(++sequencer_)}}, std::move(answer)};
  }

  ports::Clock& clock_;
  Instant modified_;
  unsigned made_ = 0, sequencer_ = 0;
};

}  // namespace s3link::test_support
