#pragma once

#include <string_view>

#include "core/base/instant.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::page {

/// Why a link did not open, as far as its reader is concerned.
enum class LinkTrouble {
  expired,      ///< its time is over
  removed,      ///< the file is gone, or was never there
  incomplete,   ///< parts of the address are missing, mostly because a mail program cut it off
  changed,      ///< the address is not the one that was signed
  key_gone,     ///< signed by a key that is not in use (any more)
  unavailable,  ///< our trouble, which may pass
};

/// Whether that request target can have been meant as a link to a file: it names a bucket and a key, or holds a part of
/// a signature, also one that a mail program has garbled. `host_is_bucket`: the host names the bucket.
bool may_be_link(std::string_view target, bool host_is_bucket);

/// What to tell of the answer to such a request, which carried no Authorization field. A reader is helped by the
/// likeliest cause; it says nothing about keys that the status does not.
LinkTrouble trouble_of(std::string_view target, const s3::ErrorAnswer& answer, Instant now);

}  // namespace s3link::page
