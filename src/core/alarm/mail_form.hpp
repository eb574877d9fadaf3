#pragma once

#include <string>
#include <utility>
#include <vector>

namespace s3link::alarm {

/// What stands in an alarm mail, before it is laid out. All texts are UTF-8, and none needs escaping yet.
struct MailForm {
  struct Command {
    std::string purpose;  ///< "To look at them"
    std::string command;  ///< as a shell takes it
  };

  std::string title;                                       ///< one line
  std::vector<std::pair<std::string, std::string>> facts;  ///< name and value; no name: more about the one before
  std::vector<std::string> paragraphs;                     ///< lines that end by LF, for the text; HTML runs them on
  std::vector<std::string> reasons;                        ///< the most frequent
  std::vector<Command> commands;
};

/// For mail programs that show text only; LF line ends.
std::string as_text(const MailForm& form);
/// The same, as a page of its own: no script, nothing fetched from elsewhere, light and dark.
std::string as_html(const MailForm& form);

}  // namespace s3link::alarm
