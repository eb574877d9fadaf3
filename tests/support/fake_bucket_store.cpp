#include "support/fake_bucket_store.hpp"

#include <algorithm>
#include <utility>

#include "core/base/digest.hpp"
#include "core/event/event_record.hpp"

namespace s3link::test_support {
namespace {

std::unexpected<Error> no_such_upload() { return fail(ErrorKind::not_found, "", "NoSuchUpload"); }

/// The common prefix `key` is listed under, or "".
std::string rolled_up(const std::string& key, const std::string& prefix, const std::string& delimiter) {
  if (delimiter.empty()) return {};
  const auto at = key.find(delimiter, prefix.size());
  return at == std::string::npos ? std::string() : key.substr(0, at + delimiter.size());
}

}  // namespace

class FakeBucketStore::Writer final : public ports::BodyWriter {
 public:
  explicit Writer(FakeBucketStore& store) : store_(store) { ++store_.open_bodies; }
  ~Writer() override { --store_.open_bodies; }

  Awaitable<Status> write(std::span<const std::byte> data) override {
    if (auto failure = store_.ordered("write"); !failure) co_return failure;
    bytes += as_text(data);
    co_return Status{};
  }
  Awaitable<Result<ports::BodyDigests>> finish() override {
    if (auto failure = store_.ordered("finish"); !failure) co_return std::unexpected(failure.error());
    co_return ports::BodyDigests{bytes.size(), md5(bytes), sha256(bytes)};
  }

  std::string bytes;

 private:
  FakeBucketStore& store_;
};

class FakeBucketStore::Reader final : public ports::BodyReader {
 public:
  Reader(FakeBucketStore& store, std::shared_ptr<const std::string> bytes) : store_(store), bytes_(std::move(bytes)) {}

  Awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    if (auto failure = store_.ordered("read_at"); !failure) co_return std::unexpected(failure.error());
    if (offset >= bytes_->size()) co_return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(out.size(), bytes_->size() - offset);
    std::ranges::copy(as_bytes(std::string_view(*bytes_).substr(offset, count)), out.begin());
    co_return count;
  }

 private:
  FakeBucketStore& store_;
  std::shared_ptr<const std::string> bytes_;
};

Status FakeBucketStore::ordered(const std::string& method) {
  auto& queue = failures[method];
  if (queue.empty()) return {};
  Error error = std::move(queue.front());
  queue.pop_front();
  return std::unexpected(std::move(error));
}

Result<FakeBucketStore::Bucket*> FakeBucketStore::find(const s3::BucketName& bucket) {
  const auto at = buckets_.find(bucket.text());
  if (at == buckets_.end()) return fail(ErrorKind::not_found, "", "NoSuchBucket");
  return &at->second;
}

Result<FakeBucketStore::Upload*> FakeBucketStore::find(const s3::BucketName& bucket, const s3::ObjectKey& key,
                                                       const std::string& upload_id) {
  const auto home = find(bucket);
  if (!home) return std::unexpected(home.error());
  const auto at = (*home)->uploads.find({key.text(), upload_id});
  if (at == (*home)->uploads.end()) return no_such_upload();
  return &at->second;
}

FakeBucketStore::Object* FakeBucketStore::find(Bucket& bucket, const std::string& key) {
  const auto at = bucket.objects.find(key);
  if (at == bucket.objects.end()) return nullptr;
  const auto& removed_at = at->second.info.removed_at;
  return removed_at && *removed_at <= clock_.now() ? nullptr : &at->second;
}

Status FakeBucketStore::check(Bucket& bucket, const s3::ObjectKey& key, const ports::WriteCondition& condition) {
  const Object* const present = find(bucket, key.text());
  if (condition.if_none_exists && present != nullptr) return fail(ErrorKind::conflict, "", "PreconditionFailed");
  if (!condition.if_match) return {};
  if (present == nullptr) return fail(ErrorKind::not_found, "", "NoSuchKey");
  if (*condition.if_match != "*" && present->info.etag != *condition.if_match) {
    return fail(ErrorKind::conflict, "", "PreconditionFailed");
  }
  return {};
}

void FakeBucketStore::decide_removal(const Bucket& bucket, ports::ObjectInfo& object) {
  const auto* const rule = s3::expiration_rule(bucket.rules, object.key.text());
  if (rule == nullptr) return;
  object.removed_at = object.modified + *rule->expiration;
  object.removal_rule = rule->id;
}

void FakeBucketStore::commit(Bucket& bucket, Object object, const std::optional<ports::EventOrigin>& event) {
  if (event) events.push_back({*event, object.info});
  const std::string key = object.info.key.text();
  bucket.objects.insert_or_assign(key, std::move(object));
}

Awaitable<Result<std::vector<ports::BucketInfo>>> FakeBucketStore::list_buckets() {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("list_buckets"); !failure) co_return std::unexpected(failure.error());
  std::vector<ports::BucketInfo> out;
  for (const auto& [name, bucket] : buckets_) out.push_back({*s3::BucketName::parse(name), bucket.created});
  co_return out;
}

Awaitable<Result<ports::BucketInfo>> FakeBucketStore::head_bucket(s3::BucketName bucket) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("head_bucket"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  co_return ports::BucketInfo{bucket, (*home)->created};
}

Awaitable<Status> FakeBucketStore::create_bucket(s3::BucketName bucket, Instant created) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("create_bucket"); !failure) co_return failure;
  const auto [at, is_new] = buckets_.try_emplace(bucket.text());
  if (!is_new) co_return fail(ErrorKind::conflict, "", "BucketAlreadyOwnedByYou");
  at->second.created = created;
  co_return Status{};
}

Awaitable<Status> FakeBucketStore::delete_bucket(s3::BucketName bucket) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("delete_bucket"); !failure) co_return failure;
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  if (!(*home)->objects.empty()) co_return fail(ErrorKind::conflict, "", "BucketNotEmpty");
  buckets_.erase(bucket.text());
  co_return Status{};
}

Awaitable<Result<std::unique_ptr<ports::BodyWriter>>> FakeBucketStore::create_body(std::optional<std::uint64_t>) {
  if (auto failure = ordered("create_body"); !failure) co_return std::unexpected(failure.error());
  co_return std::make_unique<Writer>(*this);
}

Awaitable<Result<ports::ObjectInfo>> FakeBucketStore::put_object(ports::PutObject put,
                                                                 std::unique_ptr<ports::BodyWriter> body) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("put_object"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(put.bucket);
  if (!home) co_return std::unexpected(home.error());
  if (auto held = check(**home, put.key, put.condition); !held) co_return std::unexpected(held.error());
  auto bytes = std::make_shared<const std::string>(std::move(dynamic_cast<Writer&>(*body).bytes));
  ports::ObjectInfo info{.bucket = put.bucket,
                         .key = put.key,
                         .size_bytes = bytes->size(),
                         .etag = hex_encode(md5(*bytes)),
                         .modified = put.modified,
                         .removed_at = put.removed_at,
                         .removal_rule = {},
                         .sequencer = event::sequencer_of(++commits_),
                         .headers = put.headers,
                         .checksum = put.checksum,
                         .sha256 = sha256(*bytes),
                         .part_sizes = {}};
  decide_removal(**home, info);
  commit(**home, {info, std::move(bytes)}, put.event);
  co_return info;
}

Awaitable<Result<ports::ObjectInfo>> FakeBucketStore::head_object(s3::BucketName bucket, s3::ObjectKey key) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("head_object"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  const Object* const object = find(**home, key.text());
  if (object == nullptr) co_return fail(ErrorKind::not_found, "", "NoSuchKey");
  co_return object->info;
}

Awaitable<Result<FakeBucketStore::OpenObject>> FakeBucketStore::open_object(s3::BucketName bucket, s3::ObjectKey key) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("open_object"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  const Object* const object = find(**home, key.text());
  if (object == nullptr) co_return fail(ErrorKind::not_found, "", "NoSuchKey");
  co_return OpenObject{object->info, std::make_unique<Reader>(*this, object->bytes)};
}

Awaitable<Result<std::string>> FakeBucketStore::object_sha256(s3::BucketName bucket, s3::ObjectKey key,
                                                              std::string sequencer) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("object_sha256"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  const Object* const object = find(**home, key.text());
  if (object == nullptr || object->info.sequencer != sequencer) {
    co_return fail(ErrorKind::not_found, "gone or replaced", "NoSuchKey");
  }
  co_return sha256(*object->bytes);
}

Awaitable<Result<std::vector<FakeBucketStore::DeleteOutcome>>> FakeBucketStore::delete_objects(
    s3::BucketName bucket, std::vector<s3::ObjectKey> keys) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("delete_objects"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  std::vector<DeleteOutcome> out;
  for (auto& key : keys) {
    const bool existed = find(**home, key.text()) != nullptr;
    (*home)->objects.erase(key.text());
    out.push_back({std::move(key), existed});
  }
  co_return out;
}

Awaitable<Result<ports::ListPage>> FakeBucketStore::list_objects(ports::ListRequest request) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("list_objects"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(request.bucket);
  if (!home) co_return std::unexpected(home.error());
  ports::ListPage page;
  for (const auto& [key, object] : (*home)->objects) {
    if (key <= request.start_after || !key.starts_with(request.prefix)) continue;
    if (find(**home, key) == nullptr) continue;
    const std::string common = rolled_up(key, request.prefix, request.delimiter);
    if (!common.empty() && (common == request.start_after || common == page.last)) continue;
    if (page.objects.size() + page.common_prefixes.size() == request.max_entries) {
      page.truncated = request.max_entries > 0;
      break;
    }
    if (common.empty()) {
      ports::ObjectInfo info = object.info;
      info.headers = {};
      info.checksum.reset();
      info.sha256.reset();
      info.part_sizes.clear();
      info.removal_rule.clear();
      page.objects.push_back(std::move(info));
      page.last = key;
    } else {
      page.common_prefixes.push_back(common);
      page.last = common;
    }
  }
  co_return page;
}

Awaitable<Result<ports::UploadInfo>> FakeBucketStore::create_upload(s3::BucketName bucket, ports::UploadInfo upload) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("create_upload"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  if (upload.upload_id.empty()) upload.upload_id = "upload-" + event::sequencer_of(++uploads_begun_);
  const Instant abort_at = upload.initiated + s3::incomplete_upload_age((*home)->rules, upload.key.text());
  (*home)->uploads.insert_or_assign({upload.key.text(), upload.upload_id}, Upload{upload, {}, abort_at});
  co_return upload;
}

Awaitable<Result<ports::PartInfo>> FakeBucketStore::put_part(s3::BucketName bucket, s3::ObjectKey key,
                                                             std::string upload_id, unsigned number,
                                                             std::optional<ports::ObjectChecksum> checksum,
                                                             Instant modified,
                                                             std::unique_ptr<ports::BodyWriter> body) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("put_part"); !failure) co_return std::unexpected(failure.error());
  const auto upload = find(bucket, key, upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  Part part;
  part.bytes = std::move(dynamic_cast<Writer&>(*body).bytes);
  part.info = {number, part.bytes.size(), hex_encode(md5(part.bytes)), modified, std::move(checksum)};
  const ports::PartInfo info = part.info;
  (*upload)->parts.insert_or_assign(number, std::move(part));
  co_return info;
}

Awaitable<Result<ports::UploadInfo>> FakeBucketStore::head_upload(s3::BucketName bucket, s3::ObjectKey key,
                                                                  std::string upload_id) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("head_upload"); !failure) co_return std::unexpected(failure.error());
  const auto upload = find(bucket, key, upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  co_return (*upload)->info;
}

Awaitable<Result<std::vector<ports::PartInfo>>> FakeBucketStore::list_parts(s3::BucketName bucket, s3::ObjectKey key,
                                                                            std::string upload_id, unsigned after,
                                                                            std::size_t max_parts) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("list_parts"); !failure) co_return std::unexpected(failure.error());
  const auto upload = find(bucket, key, upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  std::vector<ports::PartInfo> out;
  for (auto at = (*upload)->parts.upper_bound(after); at != (*upload)->parts.end() && out.size() < max_parts; ++at) {
    out.push_back(at->second.info);
  }
  co_return out;
}

Awaitable<Result<ports::UploadsPage>> FakeBucketStore::list_uploads(ports::ListUploadsRequest request) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("list_uploads"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(request.bucket);
  if (!home) co_return std::unexpected(home.error());
  ports::UploadsPage page;
  for (const auto& [id, upload] : (*home)->uploads) {
    const auto& [key, upload_id] = id;
    if (!key.starts_with(request.prefix) || key < request.key_marker) continue;
    if (key == request.key_marker && (request.upload_id_marker.empty() || upload_id <= request.upload_id_marker)) {
      continue;
    }
    const std::string common = rolled_up(key, request.prefix, request.delimiter);
    if (!common.empty() &&
        (common == request.key_marker || (!page.common_prefixes.empty() && common == page.common_prefixes.back()))) {
      continue;
    }
    if (page.uploads.size() + page.common_prefixes.size() == request.max_uploads) {
      page.truncated = request.max_uploads > 0;
      break;
    }
    if (common.empty()) {
      page.uploads.push_back(upload.info);
    } else {
      page.common_prefixes.push_back(common);
    }
  }
  co_return page;
}

Awaitable<Result<ports::ObjectInfo>> FakeBucketStore::complete_upload(ports::CompleteUpload complete) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("complete_upload"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(complete.bucket);
  if (!home) co_return std::unexpected(home.error());
  const std::pair id(complete.key.text(), complete.upload_id);
  if (const auto done = (*home)->completed.find(id); done != (*home)->completed.end()) co_return done->second.info;
  const auto upload = find(complete.bucket, complete.key, complete.upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  if (complete.parts.empty()) co_return fail(ErrorKind::invalid_argument, "", "InvalidPart");

  auto bytes = std::make_shared<std::string>();
  std::string digests;
  std::vector<std::uint64_t> sizes;
  unsigned previous = 0;
  for (const auto& named : complete.parts) {
    if (named.number <= previous) co_return fail(ErrorKind::invalid_argument, "", "InvalidPartOrder");
    previous = named.number;
    const auto at = (*upload)->parts.find(named.number);
    if (at == (*upload)->parts.end() || at->second.info.etag != named.etag) {
      co_return fail(ErrorKind::invalid_argument, "", "InvalidPart");
    }
    if (&named != &complete.parts.back() && at->second.bytes.size() < min_part_bytes) {
      co_return fail(ErrorKind::invalid_argument, "", "EntityTooSmall");
    }
    *bytes += at->second.bytes;
    sizes.push_back(at->second.bytes.size());
    digests += *hex_decode(at->second.info.etag);
  }
  if (auto held = check(**home, complete.key, complete.condition); !held) co_return std::unexpected(held.error());
  ports::ObjectInfo info{.bucket = complete.bucket,
                         .key = complete.key,
                         .size_bytes = bytes->size(),
                         .etag = hex_encode(md5(digests)) + "-" + std::to_string(sizes.size()),
                         .modified = complete.modified,
                         .removed_at = complete.removed_at,
                         .removal_rule = {},
                         .sequencer = event::sequencer_of(++commits_),
                         .headers = (*upload)->info.headers,
                         .checksum = complete.checksum,
                         .sha256 = std::nullopt,
                         .part_sizes = sizes};
  decide_removal(**home, info);
  const Object object{info, std::move(bytes)};
  (*home)->uploads.erase(id);
  (*home)->completed.insert_or_assign(id, object);
  commit(**home, object, complete.event);
  co_return info;
}

Awaitable<Status> FakeBucketStore::abort_upload(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("abort_upload"); !failure) co_return failure;
  const auto upload = find(bucket, key, upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  buckets_.at(bucket.text()).uploads.erase({key.text(), upload_id});
  co_return Status{};
}

Awaitable<Result<std::size_t>> FakeBucketStore::remove_expired(Instant now, std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("remove_expired"); !failure) co_return std::unexpected(failure.error());
  std::size_t count = 0;
  for (auto& [name, bucket] : buckets_) {
    std::erase_if(bucket.objects, [&](const auto& entry) {
      const auto& removed_at = entry.second.info.removed_at;
      const bool due = count < limit && removed_at && *removed_at <= now;
      count += due ? 1U : 0U;
      return due;
    });
  }
  co_return count;
}

Awaitable<Result<std::optional<Instant>>> FakeBucketStore::next_removal() {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("next_removal"); !failure) co_return std::unexpected(failure.error());
  std::optional<Instant> next;
  for (const auto& [name, bucket] : buckets_) {
    for (const auto& [key, object] : bucket.objects) {
      const auto& removed_at = object.info.removed_at;
      if (removed_at && (!next || *removed_at < *next)) next = removed_at;
    }
  }
  co_return next;
}

Awaitable<Result<s3::LifecycleRules>> FakeBucketStore::lifecycle(s3::BucketName bucket) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("lifecycle"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  co_return (*home)->rules;
}

Awaitable<Status> FakeBucketStore::put_lifecycle(s3::BucketName bucket, s3::LifecycleRules rules) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("put_lifecycle"); !failure) co_return failure;
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  (*home)->rules = std::move(rules);
  (*home)->rules_applied_to = "";
  if (lifecycle_changed_) lifecycle_changed_();
  co_return Status{};
}

Awaitable<Result<bool>> FakeBucketStore::apply_lifecycle(s3::BucketName bucket, std::chrono::seconds otherwise,
                                                         std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("apply_lifecycle"); !failure) co_return std::unexpected(failure.error());
  const auto home = find(bucket);
  if (!home) co_return std::unexpected(home.error());
  Bucket& its = **home;
  if (!its.rules_applied_to) co_return false;
  std::size_t count = 0;
  for (auto at = its.objects.upper_bound(*its.rules_applied_to); at != its.objects.end(); ++at) {
    if (count++ == limit) co_return true;
    its.rules_applied_to = at->first;
    ports::ObjectInfo& object = at->second.info;
    if (object.removed_at && *object.removed_at <= clock_.now()) continue;
    if (!object.removal_rule.empty()) object.removed_at = object.modified + otherwise;
    object.removal_rule.clear();
    decide_removal(its, object);
  }
  for (auto& [id, upload] : its.uploads) {
    upload.abort_at = upload.info.initiated + s3::incomplete_upload_age(its.rules, id.first);
  }
  its.rules_applied_to.reset();
  co_return false;
}

Awaitable<Result<std::size_t>> FakeBucketStore::abort_old_uploads(Instant now, std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  if (auto failure = ordered("abort_old_uploads"); !failure) co_return std::unexpected(failure.error());
  std::size_t count = 0;
  for (auto& [name, bucket] : buckets_) {
    std::erase_if(bucket.uploads, [&](const auto& entry) {
      const bool due = count < limit && entry.second.abort_at <= now;
      count += due ? 1U : 0U;
      return due;
    });
  }
  co_return count;
}

void FakeBucketStore::on_lifecycle_change(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  lifecycle_changed_ = std::move(wake);
}

Awaitable<Status> FakeBucketStore::check_quota(AnnouncedBody body) {
  announced.push_back(std::move(body));
  co_return ordered("check_quota");
}

Status FakeBucketStore::writable() const {
  if (unwritable) return std::unexpected(*unwritable);
  return {};
}

}  // namespace s3link::test_support
