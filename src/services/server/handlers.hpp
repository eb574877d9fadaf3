#pragma once

#include "core/s3/operation.hpp"
#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"

namespace s3link::server {

/// One function for each operation: performs it and answers. Both references outlive the awaitable. An error returned
/// before anything was answered is the client's answer.

// bucket.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListBuckets op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CreateBucket op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteBucket op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::HeadBucket op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketLocation op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketConfiguration op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutAcl op);
// lifecycle.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketLifecycleConfiguration op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutBucketLifecycleConfiguration op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteBucketLifecycle op);
// listing.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListObjects op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListObjectVersions op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListMultipartUploads op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListParts op);
// object_writes.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutObject op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteObject op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteObjects op);
// object_reads.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObject op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectAttributes op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectAcl op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectTagging op);
// multipart.cpp
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CreateMultipartUpload op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::UploadPart op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CompleteMultipartUpload op);
Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::AbortMultipartUpload op);

// ours.cpp: what is below "/_/"
Awaitable<Status> perform_ours(Backend& backend, Exchange& exchange);

}  // namespace s3link::server
