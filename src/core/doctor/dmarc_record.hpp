#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace s3link::doctor {

/// What a domain asks receivers to do with mail that is not from it.
struct DmarcRecord {
  std::string policy;        ///< "none", "quarantine", "reject"
  bool has_reports = false;  ///< somebody reads the reports (rua=)
};

/// The DMARC record among the TXT records of _dmarc.DOMAIN.
/// Errors: not_found (none, or more than one, which counts as none), invalid_argument (not of the form).
/// Source: RFC 7489 §6.3 and §6.6.3.
Result<DmarcRecord> find_dmarc(std::span<const std::string> texts);

/// Where to look, first to last: _dmarc.DOMAIN, then the same of each domain above it that has a dot. The
/// organisation's own domain is among them, whatever the list of public suffixes says today.
std::vector<std::string> dmarc_names(std::string_view domain);

}  // namespace s3link::doctor
