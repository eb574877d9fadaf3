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
  sigv4::Credentials credentials;
  std::string hint;  ///< how to start the server, for when nothing answers

  std::string endpoint() const;
};

/// The running server's data_dir/listen; else a configured public URL (a server on another machine); else
/// server.listen. The key: the configuration's, data_dir/credentials, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in
/// this order. Errors: not_found (no server was started on that folder, no key), and those of reading the files.
Result<ServerAccess> find_server(const config::Loaded& loaded);

/// The same without looking for a key: `credentials` stay empty. Errors: not_found (no server was started on that
/// folder), and those of reading data_dir/listen.
Result<ServerAccess> find_server_without_key(const config::Loaded& loaded);

}  // namespace s3link::app
