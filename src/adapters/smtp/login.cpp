#include "adapters/smtp/login.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/encoding.hpp"
#include "core/base/foreign_text.hpp"
#include "core/base/secret.hpp"

namespace s3link::smtp {
namespace {

using mail::RelayAuth;

/// RFC 5321 §4.5.3.1.4, without the line end. RFC 4954 §4 lets nobody send a longer line before it is asked.
constexpr std::size_t kMaxCommand = 510;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!(text = trim(text)).empty()) {
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

Secret base64_secret(std::string&& text) {
  Secret whole(std::move(text));
  return Secret(base64_encode(whole.reveal()));
}

/// RFC 2195: the user, and the challenge's HMAC-MD5 under the password.
Secret cram_md5(std::string_view user, std::string_view password, std::string_view challenge) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_md5(), password.data(), static_cast<int>(password.size()),
       reinterpret_cast<const unsigned char*>(challenge.data()), challenge.size(), digest.data(), &size);
  return base64_secret(fmt::format("{} {}", user, hex_encode({reinterpret_cast<const char*>(digest.data()), size})));
}

/// One attempt by one mechanism.
class Attempt {
 public:
  Attempt(RelayDialog& dialog, const RelaySettings& settings, std::string_view secret)
      : dialog_(dialog), settings_(settings), user_(settings.url.user), secret_(secret) {}

  /// The relay's last word: 235 where it lets us in.
  Result<Reply> run(const std::string& mechanism) {
    if (mechanism == "PLAIN") return initial("PLAIN", base64_secret(fmt::format("{0}{1}{0}{2}", '\0', user_, secret_)));
    if (mechanism == "XOAUTH2") return xoauth2();
    if (mechanism == "LOGIN") return login();
    return challenge();
  }

 private:
  Result<Reply> say(std::string_view line) { return dialog_.command(line, settings_.timeouts.reply); }

  Result<Reply> initial(std::string_view mechanism, const Secret& response) {
    const Secret line(fmt::format("AUTH {} {}", mechanism, response.reveal()));
    if (line.reveal().size() <= kMaxCommand) return say(line.reveal());
    auto asked = say(fmt::format("AUTH {}", mechanism));
    if (!asked || asked->code != 334) return asked;
    return say(response.reveal());
  }

  Result<Reply> xoauth2() {
    auto answer = initial("XOAUTH2", base64_secret(fmt::format("user={}\x01"
                                                               "auth=Bearer {}\x01\x01",
                                                               user_, secret_)));
    if (!answer || answer->code != 334) return answer;
    // The challenge tells why the token is not taken, in JSON. An empty line asks for the refusal itself.
    const auto reason = base64_decode(answer->lines.empty() ? "" : trim(answer->lines.back()));
    auto refused = say("");
    if (refused && refused->code != 235 && reason && !reason->empty()) {
      refused->text = foreign_line(refused->text + " " + *reason, 500);
    }
    return refused;
  }

  Result<Reply> login() {
    auto answer = say("AUTH LOGIN");
    if (!answer || answer->code != 334) return answer;
    answer = say(base64_encode(user_));
    if (!answer || answer->code != 334) return answer;
    return say(base64_secret(std::string(secret_)).reveal());
  }

  Result<Reply> challenge() {
    auto answer = say("AUTH CRAM-MD5");
    if (!answer || answer->code != 334) return answer;
    const auto text = base64_decode(answer->lines.empty() ? "" : trim(answer->lines.back()));
    return say(text ? cram_md5(user_, secret_, *text).reveal() : "*");  // RFC 4954 §4: "*" breaks off
  }

  RelayDialog& dialog_;
  const RelaySettings& settings_;
  const std::string& user_;
  std::string_view secret_;
};

std::unexpected<Error> unusable(const RelaySettings& settings, std::string_view words) {
  return fail(ErrorKind::denied, fmt::format("relay {}: {}", relay_name(settings.url), words));
}

/// What a person can look at.
std::string advice(const RelaySettings& settings) {
  if (settings.auth == RelayAuth::xoauth2) {
    return fmt::format("(check {0}.oauth and the user in {0}.transport)", settings.section);
  }
  return fmt::format("(check {0}.password_file and the user in {0}.transport)", settings.section);
}

}  // namespace

std::vector<std::string> mechanisms_to_try(RelayAuth auth, std::string_view offered) {
  switch (auth) {
    case RelayAuth::none:
      return {};
    case RelayAuth::plain:
      return {"PLAIN"};
    case RelayAuth::login:
      return {"LOGIN"};
    case RelayAuth::xoauth2:
      return {"XOAUTH2"};
    case RelayAuth::automatic:
      break;
  }
  std::vector<std::string> out;
  const auto names = words_of(offered);
  for (const char* const known : {"PLAIN", "LOGIN", "CRAM-MD5"}) {
    // Each mechanism is one more attempt with a wrong password, and relays count them: the last one only by itself.
    if (known == std::string_view("CRAM-MD5") && !out.empty()) break;
    if (std::ranges::any_of(names, [&](const auto& name) { return equals_ignoring_case(name, known); })) {
      out.emplace_back(known);
    }
  }
  return out;
}

Result<std::string> log_in(RelayDialog& dialog, const RelaySettings& settings, std::string_view secret) {
  const mail::RelayUrl& url = settings.url;
  if (url.user.empty() || settings.auth == RelayAuth::none) return std::string();
  if (!dialog.encrypted() && !mail::is_this_machine(url.host)) {
    return unusable(settings, fmt::format("it does not encrypt, and no password is sent in clear to another machine "
                                          "(check starttls in {}.transport)",
                                          settings.section));
  }
  const auto offered = dialog.offer("AUTH");
  if (!offered) {
    return unusable(settings, fmt::format("it offers no login here (check port and starttls in {0}.transport, or leave "
                                          "out the user)",
                                          settings.section));
  }
  const auto mechanisms = mechanisms_to_try(settings.auth, *offered);
  if (mechanisms.empty()) {
    return unusable(settings, fmt::format("it offers no way to log in that is supported here, only {} (check "
                                          "{}.transport and email.auth)",
                                          fmt::join(words_of(*offered), ", "), settings.section));
  }
  std::optional<Reply> refusal;
  for (const std::string& mechanism : mechanisms) {
    const auto answer = Attempt(dialog, settings, secret).run(mechanism);
    if (!answer) {
      // Some relays hang up on the second try; then the first refusal is the reason.
      if (refusal && dialog.ended() == RelayDialog::End::closed) break;
      return std::unexpected(answer.error());
    }
    if (answer->code == 235) return mechanism;
    if (!answer->permanent()) {
      if (refusal && answer->code == 421) break;
      return fail(ErrorKind::transient, answer->text, std::to_string(answer->code));
    }
    // Where one mechanism is refused as such (504), the other's refusal says more.
    if (!refusal || refusal->code == 504) refusal = *answer;
  }
  return fail(ErrorKind::denied, fmt::format("{} {}", refusal->text, advice(settings)), std::to_string(refusal->code));
}

}  // namespace s3link::smtp
