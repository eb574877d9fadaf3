#include "core/doctor/link_answer.hpp"

#include <fmt/format.h>

#include <string_view>

namespace s3link::doctor {
namespace {

constexpr const char* kCheck = "link";
constexpr const char* kProxy = "pass requests on as they come; docs/reverse-proxy.md has blocks that do";

/// The text of the first element of that name; empty where there is none. Enough for a document of one level.
std::string_view element(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
  const auto begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const auto end = xml.find(close, begin);
  if (end == std::string_view::npos) return {};
  return xml.substr(begin + open.size(), end - begin - open.size());
}

Finding failed(std::string message, std::string fix) {
  return {kCheck, Verdict::failed, std::move(message), std::move(fix)};
}

Finding judge_signature(const LinkAnswer& answer) {
  const std::string_view arrived = element(answer.body, "Resource");
  if (!arrived.empty() && arrived != answer.sent_path) {
    return failed(
        fmt::format("links do not open (403 SignatureDoesNotMatch): something in front of the server rewrites "
                    "their path; {} arrives as {}",
                    answer.sent_path, arrived.substr(0, 200)),
        fmt::format("{} (nginx: proxy_pass without a path or slash at its end; Apache: nocanon)", kProxy));
  }
  return failed(
      fmt::format("links do not open (403 SignatureDoesNotMatch): something in front of {} changes the Host field "
                  "or the query",
                  answer.public_url),
      fmt::format("{} (nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On), and set "
                  "server.public_url to what recipients reach",
                  kProxy));
}

Finding judge_denial(const LinkAnswer& answer) {
  const std::string_view code = element(answer.body, "Code");
  const std::string_view message = element(answer.body, "Message");
  if (code == "SignatureDoesNotMatch") return judge_signature(answer);
  if (code == "InvalidAccessKeyId") {
    return failed(fmt::format("links do not open (403 InvalidAccessKeyId): the server at {} has another access key",
                              answer.public_url),
                  "it is another server, or this one has to read its key again: systemctl reload s3link; correct "
                  "server.public_url or server.data_dir");
  }
  if (code == "RequestTimeTooSkewed" || message.contains("expired") || message.contains("not valid yet")) {
    return failed(fmt::format("links do not open (403 {}): {}", code, message),
                  "the clocks of this machine and the server differ: set them by NTP");
  }
  if (code.empty()) {
    return failed(fmt::format("links do not open: {} answers 403, and not as s3link does", answer.public_url),
                  "a firewall or a proxy in front refuses them: let GET and HEAD of every path and query through");
  }
  return failed(fmt::format("links do not open (403 {}): {}", code, message), kProxy);
}

}  // namespace

Finding judge_link_answer(const LinkAnswer& answer) {
  const std::string_view code = element(answer.body, "Code");
  if (answer.status == 404 && code == "NoSuchKey") {
    return {kCheck, Verdict::ok, fmt::format("a presigned URL passes through {} unchanged", answer.public_url), ""};
  }
  if (answer.status == 403) return judge_denial(answer);
  if (answer.status == 400 && code == "InvalidURI") {
    return failed(
        "links do not open (400 InvalidURI): something in front of the server rewrites their path: it decodes "
        "percent signs",
        fmt::format("{} (nginx: proxy_pass without a path or slash at its end; Apache: nocanon)", kProxy));
  }
  if (answer.status >= 300 && answer.status < 400) {
    return failed(fmt::format("links are redirected ({}) to {}, and signatures hold for one host only", answer.status,
                              answer.location.substr(0, answer.location.find('?')).substr(0, 200)),
                  "set server.public_url to where it leads");
  }
  if (answer.status == 502 || answer.status == 503 || answer.status == 504) {
    return failed(fmt::format("links do not open: {} answers {}", answer.public_url, answer.status),
                  "the proxy does not reach the server: compare its address with server.listen, and look into its log");
  }
  if (answer.status == 404 && code == "NoSuchBucket") {
    return failed(fmt::format("the server at {} does not have the bucket", answer.public_url),
                  "it is another server: correct server.public_url, or set bucket.name as it does");
  }
  return failed(fmt::format("links do not open: {} answers {}{}{}, where the server says 404 NoSuchKey",
                            answer.public_url, answer.status, code.empty() ? "" : " ", code),
                code.empty() ? "something in front of the server answers in its place: let every path and query through"
                             : kProxy);
}

}  // namespace s3link::doctor
