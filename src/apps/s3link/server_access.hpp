#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "core/config/load.hpp"
#include "core/sigv4/credentials.hpp"

namespace s3link::app {

/// Where the server answers and with what key: what an operator's command needs to know.
struct ServerAccess {
  std::string scheme;  ///< "http" or "https"
  config::HostPort address;
  std::string public_url;  ///< what links start with
  std::string region;      ///< requests are signed for
  sigv4::Credentials credentials;
  std::string advice;  ///< what to do where nothing answers: "start the server with: …"

  std::string endpoint() const;
};

/// `endpoint` (--endpoint) where it is given. Else the running server's data_dir/listen; else a configured public URL
/// (a server on another machine); else, where neither data_dir nor public URL is configured, AWS_ENDPOINT_URL_S3 or
/// AWS_ENDPOINT_URL; else server.listen.
/// The key: the configuration's, data_dir/credentials, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in this order; for
/// an endpoint elsewhere the AWS variables before the folder, unless the folder is configured. There AWS_REGION and
/// AWS_DEFAULT_REGION stand in for server.region.
/// Errors: invalid_argument (no URL of a server), not_found (no server was started on that folder, no key), and those
/// of reading the files.
Result<ServerAccess> find_server(const config::Loaded& loaded, const std::string& endpoint = {});

/// Prints the error of find_server(); returns the exit status: wrong use for an endpoint that is none.
int complain_of_access(const Error& error);

/// The same of the server of the data folder, without looking for a key: `credentials` stay empty. Errors: not_found
/// (no server was started on that folder), and those of reading data_dir/listen.
Result<ServerAccess> find_server_without_key(const config::Loaded& loaded);

}  // namespace s3link::app
