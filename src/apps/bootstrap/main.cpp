#include <openssl/crypto.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#ifdef __GLIBC__
#include <nss.h>
#endif

#include "apps/bootstrap/process.hpp"

int main() {
#ifdef __GLIBC__
  // Before a name is looked up: what else nsswitch.conf asks for would be loaded from the system's libraries, which
  // belong to another glibc than the one inside this program, and end it.
  __nss_configure_lookup("hosts", "files dns");
#endif
  // An openssl.cnf could name providers to load.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  const auto variable = [](std::string_view name) {
    const char* const value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return std::string(value == nullptr ? "" : value);
  };
  return s3link::bootstrap::run(variable, STDOUT_FILENO);
}
