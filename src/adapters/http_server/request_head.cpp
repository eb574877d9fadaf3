#include "adapters/http_server/request_head.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <optional>

#include "core/base/encoding.hpp"

namespace s3link::http_server {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::unexpected<Refusal> refuse(unsigned status, std::string_view code, std::string message) {
  return std::unexpected(Refusal{status, code, std::move(message)});
}

std::unexpected<Refusal> bad_request(std::string message) { return refuse(400, "InvalidRequest", std::move(message)); }

// Beast's tokenizer writing straight into our types, instead of its own field container.
class Tokenizer final : public http::basic_parser<true> {
 public:
  ports::HttpRequestHead head;
  unsigned version = 0;  // 10 or 11

 private:
  void on_request_impl(http::verb, BeastView method, BeastView target, int parsed_version, error_code&) override {
    head.method = std::string(method);
    head.target = std::string(target);
    version = static_cast<unsigned>(parsed_version);
  }
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(http::field, BeastView name, BeastView value, error_code&) override {
    head.fields.emplace_back(std::string(name), std::string(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
};

bool is_control(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte < 0x20 && byte != '\t') || byte == 0x7F;
}

// Whether the comma-separated list in `value` holds `token`, in any case.
bool list_holds(std::string_view value, std::string_view token) {
  while (true) {
    const auto comma = value.find(',');
    if (equals_ignoring_case(trim(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

// A Host value or an authority: nothing that could begin a path, a query, user information or another host.
bool is_host(std::string_view host) {
  return std::ranges::none_of(host, [](char character) {
    return static_cast<unsigned char>(character) <= 0x20 || std::string_view("/?#@\\,<>\"").contains(character);
  });
}

// "http://host/path" to "/path"; the host must be that of the Host field.
std::optional<std::string> origin_form(std::string_view target, std::string_view host) {
  const auto colon = target.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) return std::nullopt;
  const std::string_view rest = target.substr(colon + 3);
  const auto path = rest.find_first_of("/?");
  if (!equals_ignoring_case(rest.substr(0, path), host)) return std::nullopt;
  if (path == std::string_view::npos) return "/";
  return (rest[path] == '?' ? "/" : "") + std::string(rest.substr(path));
}

struct NamedFields {
  const std::string* host = nullptr;
  const std::string* content_length = nullptr;
  const std::string* transfer_encoding = nullptr;
  const std::string* expect = nullptr;
  bool connection_close = false;
};

std::expected<NamedFields, Refusal> pick_fields(const ports::HttpFields& fields) {
  NamedFields named;
  const auto once = [](const std::string*& slot, const std::string& value) {
    return std::exchange(slot, &value) == nullptr;
  };
  for (const auto& [name, value] : fields) {
    if (std::ranges::any_of(value, is_control)) return bad_request("A header field holds a control character.");
    bool single = true;
    switch (name.size()) {
      case 4:
        if (equals_ignoring_case(name, "Host")) single = once(named.host, value);
        break;
      case 6:
        if (equals_ignoring_case(name, "Expect")) single = once(named.expect, value);
        break;
      case 10:
        if (equals_ignoring_case(name, "Connection")) named.connection_close |= list_holds(value, "close");
        break;
      case 14:
        if (equals_ignoring_case(name, "Content-Length")) single = once(named.content_length, value);
        break;
      case 17:
        if (equals_ignoring_case(name, "Transfer-Encoding")) single = once(named.transfer_encoding, value);
        break;
      default:
        break;
    }
    if (!single) return bad_request("The header field " + name + " is there more than once.");
  }
  return named;
}

std::expected<Framing, Refusal> frame(const NamedFields& named, unsigned version) {
  Framing framing;
  framing.keep_alive = version == 11 && !named.connection_close;
  if (named.transfer_encoding != nullptr) {
    if (named.content_length != nullptr) return bad_request("Both Content-Length and Transfer-Encoding are given.");
    if (version == 10) return bad_request("Transfer-Encoding is not known in HTTP/1.0.");
    if (!equals_ignoring_case(trim(*named.transfer_encoding), "chunked")) {
      return refuse(501, "NotImplemented", "The only Transfer-Encoding known here is chunked.");
    }
    framing.chunked = true;
  }
  if (named.content_length != nullptr) {
    const std::string_view text = *named.content_length;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), framing.content_length);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return bad_request("Content-Length is not a whole number.");
    }
  }
  // An empty field states no expectation; some clients clear the header so.
  if (named.expect != nullptr && !trim(*named.expect).empty() && version == 11) {
    if (!equals_ignoring_case(trim(*named.expect), "100-continue")) {
      return refuse(417, "ExpectationFailed", "The only Expect known here is 100-continue.");
    }
    framing.expects_continue = framing.chunked || named.content_length != nullptr;
  }
  return framing;
}

// Whether the third word of the request line names a version at all: if not, the line is malformed.
bool names_version(std::string_view head) {
  const auto target = head.find(' ');
  const auto version = target == std::string_view::npos ? target : head.find(' ', target + 1);
  return version != std::string_view::npos && head.substr(version + 1).starts_with("HTTP/");
}

std::unexpected<Refusal> refuse_token(const error_code& error, std::string_view head) {
  if (error == http::error::bad_version && names_version(head)) {
    return refuse(505, "HTTPVersionNotSupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  }
  if (error == http::error::bad_version || error == http::error::bad_method || error == http::error::bad_target) {
    return bad_request("The request line is malformed.");
  }
  if (error == http::error::bad_content_length || error == http::error::bad_transfer_encoding) {
    return bad_request("The length of the body is not told clearly.");
  }
  return bad_request("The header fields are malformed.");
}

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view data) {
  while (true) {
    const auto newline = data.find('\n', position_);
    if (newline == std::string_view::npos) {
      position_ = data.size();
      return State::incomplete;
    }
    if (newline == line_ || data[newline - 1] != '\r') return State::malformed;
    const bool empty_line = newline - line_ == 1;
    position_ = line_ = newline + 1;
    if (empty_line) return State::complete;
  }
}

std::expected<ParsedHead, Refusal> parse_head(std::string_view head) {
  if (head.contains("\r\n ") || head.contains("\r\n\t")) return bad_request("Header fields may not be folded.");

  Tokenizer tokenizer;
  tokenizer.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  tokenizer.body_limit(boost::none);
  tokenizer.skip(true);
  error_code error;
  tokenizer.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error) {
    // Beast itself refuses two lengths that disagree and a Transfer-Encoding that is repeated.
    return refuse_token(error, head);
  }
  if (!tokenizer.is_header_done()) return bad_request("The header fields are malformed.");

  ParsedHead parsed{std::move(tokenizer.head), {}};
  const auto named = pick_fields(parsed.head.fields);
  if (!named) return std::unexpected(named.error());
  if (named->host == nullptr && tokenizer.version == 11) return bad_request("The header field Host is missing.");
  if (named->host != nullptr && !is_host(*named->host)) return bad_request("The header field Host is malformed.");
  const auto framing = frame(*named, tokenizer.version);
  if (!framing) return std::unexpected(framing.error());
  parsed.framing = *framing;

  if (!parsed.head.target.starts_with('/') && parsed.head.target != "*") {
    auto target = origin_form(parsed.head.target, named->host != nullptr ? std::string_view(*named->host) : "");
    if (!target) return bad_request("The request target is neither a path nor a URL of this host.");
    parsed.head.target = std::move(*target);
  }
  return parsed;
}

}  // namespace s3link::http_server
