#include "core/mail/local_variables.hpp"

#include "core/mail/local_words.hpp"

namespace s3link::mail {

std::array<std::pair<std::string_view, std::string>, kLocalVariables.size()> local_variables(const LinkMailData& data) {
  const auto words = [&](Instant when) { return moment_in_words(when, data.now, data.language, data.utc_offset); };
  const std::string expires = words(data.deadline);
  std::string removed = removed_later(data) ? words(*data.removed_at) : std::string();
  if (removed == expires) removed.clear();
  std::array<std::string, kLocalVariables.size()> values = {
      size_in_words(data.size_bytes, data.language), expires,
      moment_in_short(data.deadline, data.now, data.language, data.utc_offset), std::move(removed),
      std::string(to_string(data.language))};
  std::array<std::pair<std::string_view, std::string>, kLocalVariables.size()> out;
  for (std::size_t i = 0; i < out.size(); ++i) out.at(i) = {kLocalVariables.at(i), std::move(values.at(i))};
  return out;
}

}  // namespace s3link::mail
