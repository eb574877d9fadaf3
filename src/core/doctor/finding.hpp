#pragma once

#include <string>
#include <string_view>

namespace s3link::doctor {

enum class Verdict {
  ok,
  warning,  ///< it works, but probably not as is wanted, or not for long
  failed,   ///< something that is configured does not work
  skipped,  ///< not looked at, for the reason that the message gives
};

/// The name as it is printed: "ok", "warning", "failed", "skipped".
std::string_view to_string(Verdict verdict) noexcept;

/// What one check found. No text holds a secret.
struct Finding {
  std::string check;  ///< what was looked at: "relay", "data folder"
  Verdict verdict = Verdict::ok;
  std::string message;
  std::string fix;  ///< what to do, naming the setting; empty where there is nothing to do
};

/// "warning  clock: this machine is 40 s ahead of …", and the fix in a second line where there is one; with a newline
/// at the end. Control characters, which a peer may have sent, are replaced by '?'.
std::string finding_text(const Finding& finding);

/// {"check":…,"result":…,"message":…,"fix":…}; `fix` is null where there is none.
std::string finding_json(const Finding& finding);

}  // namespace s3link::doctor
