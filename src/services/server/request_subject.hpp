#pragma once

#include <string>
#include <string_view>

#include "ports/http_handler.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// What a request is about, for those who write down what was asked for.
struct RequestSubject {
  std::string operation;  ///< S3's name: "PutObject"; of a request that was refused before it had one, and is none that
                          ///< is performed, that of S3's access logs: "REST.PUT.OBJECT"; a path of ours; empty: another
  std::string bucket;     ///< empty: none
  std::string key;        ///< decoded; empty: none
};

/// That of the record; where the request was refused before it was taken apart, what its head alone asks for. Bucket
/// and key are then any text, as long as the target. `domain`: of virtual-host style.
RequestSubject subject_of(const ports::HttpRequestHead& request, const RequestRecord& record, std::string_view domain);

/// Bucket and key only, which costs less.
RequestSubject names_of(const ports::HttpRequestHead& request, const RequestRecord& record, std::string_view domain);

/// A bucket or a key for the log: at most 1,024 bytes, without the signatures of links that were mangled.
std::string shown_name(std::string name);

}  // namespace s3link::server
