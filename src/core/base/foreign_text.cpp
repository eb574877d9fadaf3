#include "core/base/foreign_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace s3link {
namespace {

/// One character after decoding, in lower case, and the bytes of the text that stand for it.
struct Unit {
  char value;
  std::size_t begin, end;
};
using Units = std::vector<Unit>;

constexpr std::string_view kRemoved = "(removed)";
/// Percent encoding of percent encoding, inside quoted-printable.
constexpr int kMaxLayers = 4;

/// Names of values that are credentials by themselves.
constexpr std::array<std::string_view, 3> kSignatureNames = {"x-amz-signature", "x-amz-credential",
                                                             "x-amz-security-token"};
constexpr std::array<std::string_view, 10> kSecretNames = {
    "access_token", "refresh_token", "id_token",       "client_secret", "client_assertion",
    "password",     "passwd",        "authorization:", "bearer",        "token"};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::optional<unsigned> hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

/// Decodes one layer of escapes; sets `changed` where there was one.
Units decode(const Units& in, bool& changed) {
  Units out;
  out.reserve(in.size());
  const auto at = [&](std::size_t i) { return i < in.size() ? in[i].value : '\0'; };
  const auto is = [&](std::size_t i, std::string_view text) {
    for (std::size_t k = 0; k < text.size(); ++k) {
      if (at(i + k) != text[k]) return false;
    }
    return true;
  };
  const auto take = [&](std::size_t& i, std::size_t count, char value) {
    out.push_back({lower(value), in[i].begin, in[i + count - 1].end});
    i += count;
    changed = true;
  };
  for (std::size_t i = 0; i < in.size();) {
    const char c = in[i].value;
    if (c == '%' || c == '=') {
      // "%3D", "=3D". In "a=ab…" of a value the pair is no escape; read as one it costs a name that was none.
      const auto high = hex_value(at(i + 1)), low = hex_value(at(i + 2));
      if (high && low) {
        const char value = static_cast<char>(*high * 16 + *low);
        if (c == '%' || value == '=' || value == '&' || value == '?' || value == '-' || value == '%' || value == '/' ||
            value == ':' || value == '.') {
          take(i, 3, value);
          continue;
        }
      }
    }
    if (c == '&' && is(i, "&amp;")) {
      take(i, 5, '&');
      continue;
    }
    if (c == '\\' && at(i + 1) == 'u' && at(i + 2) == '0' && at(i + 3) == '0') {
      const auto high = hex_value(at(i + 4)), low = hex_value(at(i + 5));
      if (high && low) {
        take(i, 6, static_cast<char>(*high * 16 + *low));
        continue;
      }
    }
    if (c == '\\' && (at(i + 1) == '/' || at(i + 1) == '"')) {
      take(i, 2, at(i + 1));
      continue;
    }
    out.push_back(in[i++]);
  }
  return out;
}

/// Without line breaks and blanks, of which `gap_before` tells, and without the "=" of a soft line break.
struct Compact {
  Units units;
  std::vector<bool> gap_before;
};
Compact compact(const Units& in) {
  Compact out;
  bool gap = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = in[i].value;
    if (c == '=' && i + 1 < in.size() && (in[i + 1].value == '\r' || in[i + 1].value == '\n')) {
      while (i + 1 < in.size() && (in[i + 1].value == '\r' || in[i + 1].value == '\n')) ++i;
      continue;
    }
    if (is_blank(c)) {
      gap = true;
      continue;
    }
    out.units.push_back(in[i]);
    out.gap_before.push_back(gap);
    gap = false;
  }
  return out;
}

/// What cannot be inside a URL or a value.
bool is_fence(char c) { return c == '<' || c == '>' || c == '"' || c == '\'' || c == '`' || c == '|'; }

class Cutter {
 public:
  explicit Cutter(const Compact& text) : units_(text.units), gap_(text.gap_before) {
    for (const Unit& unit : units_) plain_ += unit.value;
  }

  using Cuts = std::vector<std::pair<std::size_t, std::size_t>>;

  /// Ranges of the text to cut, which may overlap.
  Cuts signatures() {
    for (const std::string_view name : {kSignatureNames[0], kSignatureNames[2]}) {
      each(name, [&](std::size_t at) { cut_value(at + name.size()); });
    }
    return std::move(cuts_);
  }

  Cuts credentials() {
    for (const std::string_view name : kSignatureNames) {
      each(name, [&](std::size_t at) { cut(url_begin(at), signature_end(at + name.size())); });
    }
    for (const std::string_view name : kSecretNames) {
      each(name, [&](std::size_t at) { cut_secret(at, name); });
    }
    each("/d/", [&](std::size_t at) { cut_page(at); });
    return std::move(cuts_);
  }

 private:
  /// Every place but those that are cut out already, so that the work grows with the text, whatever it repeats.
  void each(std::string_view name, const auto& found) {
    cut_until_ = 0;
    for (auto at = plain_.find(name); at != std::string::npos; at = plain_.find(name, at + name.size())) {
      if (at >= cut_until_) found(at);
    }
  }
  void cut(std::size_t begin, std::size_t end) {
    if (begin >= end) return;
    cuts_.emplace_back(units_[begin].begin, units_[end - 1].end);
    cut_until_ = end;
  }

  /// Where the URL begins whose query holds what is at `at`; `at` where there is none.
  std::size_t url_begin(std::size_t at) const {
    std::size_t from = at;
    while (from > cut_until_ && !is_fence(plain_[from - 1])) --from;
    const std::string_view before = std::string_view(plain_).substr(from, at - from);
    const auto scheme = std::max(rfind(before, "http://"), rfind(before, "https://"));
    if (scheme > 0) return from + scheme - 1;
    // Mangled beyond its scheme: from the last gap on.
    while (at > from && !gap_[at]) --at;
    return at;
  }
  /// One more than the position; 0: none.
  static std::size_t rfind(std::string_view text, std::string_view what) {
    const auto found = text.rfind(what);
    return found == std::string_view::npos ? 0 : found + 1;
  }

  /// The end of the URL or value, with what line breaks have torn off: more of a query, more hexadecimal digits.
  std::size_t signature_end(std::size_t at) const {
    std::size_t end = at;
    while (true) {
      while (end < plain_.size() && !is_fence(plain_[end]) && (end == at || !gap_[end])) ++end;
      if (end >= plain_.size() || is_fence(plain_[end])) return end;
      std::size_t word = end + 1;
      while (word < plain_.size() && !gap_[word] && !is_fence(plain_[word])) ++word;
      const std::string_view next = std::string_view(plain_).substr(end, word - end);
      const bool more = next.contains("x-amz-") || next.contains('=') || next.contains('&') || is_hex_tail(next);
      if (!more) return end;
      at = end;
      end = word;
    }
  }
  static bool is_hex_tail(std::string_view word) {
    while (!word.empty() && (word.back() == '.' || word.back() == ',' || word.back() == ')')) word.remove_suffix(1);
    const bool has_digit = std::ranges::any_of(word, is_digit);
    return word.size() >= 4 && (has_digit || word.size() > 12) &&
           std::ranges::all_of(word, [](char c) { return hex_value(c).has_value(); });
  }

  void cut_secret(std::size_t at, std::string_view name) {
    if (at > 0 && plain_[at - 1] >= 'a' && plain_[at - 1] <= 'z' && !gap_[at]) return;  // part of another word
    std::size_t from = at + name.size();
    const bool by_itself = name == "bearer" || name == "authorization:";
    bool separated = by_itself && from < plain_.size() && (gap_[from] || name.back() == ':');
    while (from < plain_.size() && (plain_[from] == '=' || plain_[from] == ':' || is_fence(plain_[from]))) {
      separated = separated || plain_[from] == '=' || plain_[from] == ':';
      ++from;
    }
    if (!separated || from >= plain_.size()) return;
    if (name == "authorization:" && gap_[from]) {
      // A scheme and its credentials: to the end of the line, as far as that can be known.
      std::size_t end = from;
      while (end < plain_.size() && !is_fence(plain_[end])) ++end;
      cut(from, end);
      return;
    }
    std::size_t end = from;
    while (end < plain_.size() && !is_fence(plain_[end]) && plain_[end] != '&' && plain_[end] != ',' &&
           plain_[end] != '}' && (end == from || !gap_[end])) {
      ++end;
    }
    cut(from, end);
  }

  /// Up to the next parameter. "-" is what stands for a value that was cut out before.
  void cut_value(std::size_t from) {
    if (from >= plain_.size() || (plain_[from] != '=' && plain_[from] != ':')) return;
    std::size_t end = ++from;
    while (end < plain_.size() && !is_fence(plain_[end]) && plain_[end] != '&') ++end;
    if (plain_.substr(from, end - from) != "-") cut(from, end);
  }

  /// "/d/" and 26 letters and digits.
  void cut_page(std::size_t at) {
    constexpr std::size_t kToken = 26;
    std::size_t end = at + 3;
    while (end < plain_.size() && (is_digit(plain_[end]) || (plain_[end] >= 'a' && plain_[end] <= 'z')) &&
           end < at + 3 + kToken) {
      ++end;
    }
    if (end == at + 3 + kToken) cut(url_begin(at), end);
  }

  const Units& units_;
  const std::vector<bool>& gap_;
  std::string plain_;
  std::size_t cut_until_ = 0;  ///< by the present name
  std::vector<std::pair<std::size_t, std::size_t>> cuts_;
};

}  // namespace

namespace {

std::string without(std::string_view text, Cutter::Cuts (Cutter::*cuts_of)()) {
  Units units;
  units.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) units.push_back({lower(text[i]), i, i + 1});

  std::vector<std::pair<std::size_t, std::size_t>> cuts;
  for (int layer = 0; layer <= kMaxLayers; ++layer) {
    const Compact view = compact(units);
    for (const auto& range : (Cutter(view).*cuts_of)()) cuts.push_back(range);
    bool changed = false;
    units = decode(units, changed);
    if (!changed) break;
  }
  if (cuts.empty()) return std::string(text);

  std::ranges::sort(cuts);
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < cuts.size();) {
    const std::size_t begin = cuts[i].first;
    std::size_t end = cuts[i].second;
    for (++i; i < cuts.size() && cuts[i].first <= end; ++i) end = std::max(end, cuts[i].second);
    out += text.substr(done, begin - done);
    out += kRemoved;
    done = end;
  }
  out += text.substr(done);
  return out;
}

/// Whether the name of a signature may be in it, plain or in some encoding; quick, and rather yes than no.
bool may_name_a_signature(std::string_view text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') return true;
    if (lower(c) == 'm' && lower(text[i + 1]) == 'z') return true;
    if (c != '%' && c != '=') continue;
    const auto high = hex_value(lower(text[i + 1])), low = hex_value(lower(text[i + 2]));
    if (!high || !low) continue;
    const char decoded = lower(static_cast<char>(*high * 16 + *low));
    if ((decoded >= 'a' && decoded <= 'z') || decoded == '%' || decoded == '-') return true;
  }
  return false;
}

}  // namespace

std::string cut_credentials(std::string_view text) { return without(text, &Cutter::credentials); }

std::string cut_signatures(std::string_view text) {
  return may_name_a_signature(text) ? without(text, &Cutter::signatures) : std::string(text);
}

std::string foreign_line(std::string_view text, std::size_t max_size) {
  std::string out = cut_credentials(text);
  if (out.size() > max_size) out.resize(max_size);
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

}  // namespace s3link
