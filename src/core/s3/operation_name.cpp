#include "core/s3/operation_name.hpp"

#include <array>
#include <optional>
#include <type_traits>
#include <variant>

namespace s3link::s3 {
namespace {

std::string_view name_of(const ListBuckets&) { return "ListBuckets"; }
std::string_view name_of(const CreateBucket&) { return "CreateBucket"; }
std::string_view name_of(const DeleteBucket&) { return "DeleteBucket"; }
std::string_view name_of(const HeadBucket&) { return "HeadBucket"; }
std::string_view name_of(const GetBucketLocation&) { return "GetBucketLocation"; }
std::string_view name_of(const GetBucketLifecycleConfiguration&) { return "GetBucketLifecycleConfiguration"; }
std::string_view name_of(const PutBucketLifecycleConfiguration&) { return "PutBucketLifecycleConfiguration"; }
std::string_view name_of(const DeleteBucketLifecycle&) { return "DeleteBucketLifecycle"; }
std::string_view name_of(const ListObjectVersions&) { return "ListObjectVersions"; }
std::string_view name_of(const ListMultipartUploads&) { return "ListMultipartUploads"; }
std::string_view name_of(const DeleteObjects&) { return "DeleteObjects"; }
std::string_view name_of(const PutObject&) { return "PutObject"; }
std::string_view name_of(const GetObjectAttributes&) { return "GetObjectAttributes"; }
std::string_view name_of(const GetObjectAcl&) { return "GetObjectAcl"; }
std::string_view name_of(const GetObjectTagging&) { return "GetObjectTagging"; }
std::string_view name_of(const DeleteObject&) { return "DeleteObject"; }
std::string_view name_of(const CreateMultipartUpload&) { return "CreateMultipartUpload"; }
std::string_view name_of(const UploadPart&) { return "UploadPart"; }
std::string_view name_of(const CompleteMultipartUpload&) { return "CompleteMultipartUpload"; }
std::string_view name_of(const AbortMultipartUpload&) { return "AbortMultipartUpload"; }
std::string_view name_of(const ListParts&) { return "ListParts"; }
std::string_view name_of(const ListObjects& op) { return op.version == 2 ? "ListObjectsV2" : "ListObjects"; }
std::string_view name_of(const GetObject& op) { return op.head ? "HeadObject" : "GetObject"; }
std::string_view name_of(const PutAcl& op) { return op.key ? "PutObjectAcl" : "PutBucketAcl"; }
// Which of them it was does not matter to anybody who counts.
std::string_view name_of(const GetBucketConfiguration&) { return "GetBucketConfiguration"; }

constexpr std::array kNames = std::to_array<std::string_view>({"AbortMultipartUpload",
                                                               "CompleteMultipartUpload",
                                                               "CreateBucket",
                                                               "CreateMultipartUpload",
                                                               "DeleteBucket",
                                                               "DeleteBucketLifecycle",
                                                               "DeleteObject",
                                                               "DeleteObjects",
                                                               "GetBucketConfiguration",
                                                               "GetBucketLifecycleConfiguration",
                                                               "GetBucketLocation",
                                                               "GetObject",
                                                               "GetObjectAcl",
                                                               "GetObjectAttributes",
                                                               "GetObjectTagging",
                                                               "HeadBucket",
                                                               "HeadObject",
                                                               "ListBuckets",
                                                               "ListMultipartUploads",
                                                               "ListObjectVersions",
                                                               "ListObjects",
                                                               "ListObjectsV2",
                                                               "ListParts",
                                                               "PutBucketAcl",
                                                               "PutBucketLifecycleConfiguration",
                                                               "PutObject",
                                                               "PutObjectAcl",
                                                               "UploadPart"});
// ListObjects, GetObject and PutAcl have two names each.
static_assert(kNames.size() == std::variant_size_v<Operation> + 3, "an operation has no name in the list");

/// A new operation writes until it stands here.
template <class Op>
constexpr bool kOnlyReads = false;
template <>
constexpr bool kOnlyReads<ListBuckets> = true;
template <>
constexpr bool kOnlyReads<HeadBucket> = true;
template <>
constexpr bool kOnlyReads<GetBucketLocation> = true;
template <>
constexpr bool kOnlyReads<GetBucketConfiguration> = true;
template <>
constexpr bool kOnlyReads<GetBucketLifecycleConfiguration> = true;
template <>
constexpr bool kOnlyReads<ListObjects> = true;
template <>
constexpr bool kOnlyReads<ListObjectVersions> = true;
template <>
constexpr bool kOnlyReads<ListMultipartUploads> = true;
template <>
constexpr bool kOnlyReads<ListParts> = true;
template <>
constexpr bool kOnlyReads<GetObject> = true;
template <>
constexpr bool kOnlyReads<GetObjectAttributes> = true;
template <>
constexpr bool kOnlyReads<GetObjectAcl> = true;
template <>
constexpr bool kOnlyReads<GetObjectTagging> = true;

std::string text_of(const ObjectKey& key) { return std::string(key.text()); }
std::string text_of(const std::optional<ObjectKey>& key) { return key ? text_of(*key) : std::string(); }

}  // namespace

std::span<const std::string_view> operation_names() noexcept { return kNames; }

OperationSubject subject_of(const Operation& operation) {
  return std::visit(
      [](const auto& op) {
        OperationSubject subject{.name = name_of(op), .bucket = {}, .key = {}};
        if constexpr (requires { op.bucket; }) subject.bucket = op.bucket.text();
        if constexpr (requires { op.key; }) subject.key = text_of(op.key);
        return subject;
      },
      operation);
}

bool only_reads(const Operation& operation) noexcept {
  return std::visit([](const auto& op) { return kOnlyReads<std::remove_cvref_t<decltype(op)>>; }, operation);
}

}  // namespace s3link::s3
