#include <algorithm>
#include <map>

#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

/// The entries of a page in one line: keys as they are, common prefixes in brackets.
std::vector<std::string> entries(const ports::ListPage& page) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& info : page.objects) all.emplace_back(info.key.text(), info.key.text());
  for (const auto& prefix : page.common_prefixes) all.emplace_back(prefix, "[" + prefix + "]");
  std::ranges::sort(all);
  std::vector<std::string> out;
  for (auto& [order, text] : all) out.push_back(std::move(text));
  return out;
}

struct ListCase {
  std::string name, prefix, delimiter, start_after;
  std::size_t max_entries;
  std::vector<std::string> want;
  bool truncated;
  std::string last;
};

const std::vector<std::string> kKeys = {"a", "a/1", "a/2", "a/b/3", "a0", "b//x", "b/", "c/x", "c/y", "\xC3\xA9", "z"};

const std::vector<ListCase> kListCases = {
    {"all",
     "",
     "",
     "",
     1000,
     {"a", "a/1", "a/2", "a/b/3", "a0", "b/", "b//x", "c/x", "c/y", "z", "\xC3\xA9"},
     false,
     "\xC3\xA9"},
    {"delimiter", "", "/", "", 1000, {"a", "[a/]", "a0", "[b/]", "[c/]", "z", "\xC3\xA9"}, false, "\xC3\xA9"},
    {"prefix", "a", "", "", 1000, {"a", "a/1", "a/2", "a/b/3", "a0"}, false, "a0"},
    {"prefix_and_delimiter", "a/", "/", "", 1000, {"a/1", "a/2", "[a/b/]"}, false, "a/b/"},
    {"prefix_is_a_key", "b/", "/", "", 1000, {"b/", "[b//]"}, false, "b//"},
    {"first_page", "", "/", "", 2, {"a", "[a/]"}, true, "a/"},
    {"behind_a_common_prefix", "", "/", "a/", 2, {"a0", "[b/]"}, true, "b/"},
    {"behind_a_key", "", "", "a/2", 2, {"a/b/3", "a0"}, true, "a0"},
    {"start_inside_a_common_prefix", "", "/", "a/1", 2, {"[a/]", "a0"}, true, "a0"},
    {"start_before_the_prefix", "c", "", "a", 10, {"c/x", "c/y"}, false, "c/y"},
    {"start_behind_the_prefix", "c", "", "d", 10, {}, false, ""},
    {"start_is_no_key", "", "", "aa", 1, {"b/"}, true, "b/"},
    {"last_page_is_not_truncated", "c/", "", "", 2, {"c/x", "c/y"}, false, "c/y"},
    {"nothing_asked", "", "", "", 0, {}, false, ""},
    {"no_such_prefix", "nope", "/", "", 10, {}, false, ""},
    {"long_delimiter",
     "",
     "//",
     "",
     10,
     {"a", "a/1", "a/2", "a/b/3", "a0", "b/", "[b//]", "c/x", "c/y", "z"},
     true,
     "z"},
    {"prefix_of_ff", "\xff", "", "", 10, {}, false, ""},
};

class ListingContract : public BucketStoreContract {
 protected:
  Result<ports::ListPage> list(const std::string& prefix, const std::string& delimiter, const std::string& start_after,
                               std::size_t most) {
    return run_sync(store().list_objects({.bucket = bucket_name(),
                                          .prefix = prefix,
                                          .delimiter = delimiter,
                                          .start_after = start_after,
                                          .max_entries = most}));
  }
};

TEST_P(ListingContract, Table) {
  for (const auto& key : kKeys) ASSERT_TRUE(put_text(key, key));
  for (const auto& row : kListCases) {
    SCOPED_TRACE(row.name);
    const auto page = list(row.prefix, row.delimiter, row.start_after, row.max_entries);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(entries(*page), row.want);
    EXPECT_EQ(page->truncated, row.truncated);
    if (!row.want.empty()) EXPECT_EQ(page->last, row.last);
  }
}

TEST_P(ListingContract, ListedObjectsHaveSizeETagTimesAndSequencer) {
  ports::PutObject request = put_request("key");
  request.removed_at = subject_->clock.now() + std::chrono::hours(1);
  const auto made = run_sync(put(store(), request, "text"));
  ASSERT_TRUE(made);
  const auto page = list("", "", "", 10);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->objects.size(), 1U);
  const auto& info = page->objects.front();
  EXPECT_EQ(info.size_bytes, 4U);
  EXPECT_EQ(info.etag, made->etag);
  EXPECT_EQ(info.modified, made->modified);
  EXPECT_EQ(info.removed_at, made->removed_at);
  EXPECT_EQ(info.sequencer, made->sequencer);
}

TEST_P(ListingContract, OtherBucketsAreNotListed) {
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name("other"), at_second(1))));
  ASSERT_TRUE(run_sync(put(store(), put_request("theirs", "other"), "x")));
  ASSERT_TRUE(put_text("ours", "x"));
  EXPECT_EQ(entries(*list("", "", "", 10)), std::vector<std::string>{"ours"});
}

/// What S3 says a listing is, the slow way.
std::vector<std::string> model(const std::vector<std::string>& keys, const std::string& prefix,
                               const std::string& delimiter) {
  std::vector<std::string> out;
  for (const auto& key : keys) {
    if (!key.starts_with(prefix)) continue;
    const auto at = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    const std::string entry = at == std::string::npos ? key : "[" + key.substr(0, at + delimiter.size()) + "]";
    if (out.empty() || out.back() != entry) out.push_back(entry);
  }
  return out;
}

TEST_P(ListingContract, PagesOfRandomKeysAddUpToTheModel) {
  std::uint32_t state = 5;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
  };
  // Few letters, so that keys share prefixes; one folder is long enough to be skipped by seeking.
  std::vector<std::string> keys;
  const std::vector<std::string> letters = {"a", "b", "/", "/", "-", "\xC3\xBF", "\xF4\x8F\xBF\xBF", "0"};
  for (int i = 0; i < 150; ++i) {
    std::string key;
    for (std::uint32_t length = random(7) + 1; length > 0; --length) key += letters[random(8)];
    keys.push_back(key);
  }
  for (int i = 0; i < 60; ++i) keys.push_back("long/" + std::to_string(i));
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  for (const auto& key : keys) ASSERT_TRUE(put_text(key, ""));

  for (const std::string& prefix : {std::string(), std::string("a"), std::string("/"), std::string("a/"),
                                    std::string("long/"), std::string("\xC3\xBF"), std::string("\xF4\x8F\xBF\xBF")}) {
    for (const std::string& delimiter : {std::string(), std::string("/"), std::string("-"), std::string("b/")}) {
      for (const std::size_t page_size : {1U, 2U, 7U, 1000U}) {
        SCOPED_TRACE(prefix + " " + delimiter + " " + std::to_string(page_size));
        std::vector<std::string> all;
        std::string start_after;
        for (bool more = true; more;) {
          const auto page = list(prefix, delimiter, start_after, page_size);
          ASSERT_TRUE(page) << page.error().message;
          ASSERT_LE(page->objects.size() + page->common_prefixes.size(), page_size);
          for (auto& entry : entries(*page)) all.push_back(std::move(entry));
          more = page->truncated;
          ASSERT_TRUE(!more || page->last > start_after);
          start_after = page->last;
        }
        ASSERT_EQ(all, model(keys, prefix, delimiter));
      }
    }
  }
}

S3LINK_INSTANTIATE_CONTRACT(ListingContract);

}  // namespace
}  // namespace s3link::contract
