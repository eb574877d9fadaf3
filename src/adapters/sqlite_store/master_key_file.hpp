#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace s3link::sqlite_store {

/// A file with one master key: 64 hexadecimal characters and a newline, made with mode 0600, read where
/// secret_file_fault() (core/base/secret_file.hpp) finds nothing. No error text holds any of it.

/// 32 raw bytes. Errors: not_found, invalid_argument (not of that form), denied (readable by others), internal (I/O).
Result<Secret> read_master_key_file(const std::filesystem::path& file);

/// 32 random bytes. Errors: internal (the system has no randomness).
Result<Secret> make_master_key();

/// So that the file's name, or its absence, is on the disk. Errors: internal (I/O).
Status sync_folder_of_master_key(const std::filesystem::path& file);

/// A new file; it and its name are on the disk on return. A crash may leave a part of it.
/// Errors: conflict (there is one), transient (disk full), internal (I/O); then it is not there, or was there before.
Status create_master_key_file(const std::filesystem::path& file, const Secret& key);

/// Overwrites the file where it lies, then removes it; synced. One that has a second name (a hard link) is a copy that
/// somebody keeps: it is not overwritten. Errors: internal (I/O).
Status destroy_master_key_file(const std::filesystem::path& file);

/// The same for `old`, but `fresh` takes its place. A crash leaves either both, `old` perhaps overwritten already, or
/// the new key as `old` alone. Errors: internal (I/O).
Status replace_master_key_file(const std::filesystem::path& fresh, const std::filesystem::path& old);

}  // namespace s3link::sqlite_store
