#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/secret.hpp"

struct evp_md_ctx_st;

namespace s3link::sqlite_store {

/// Seals rows of the database: a message authentication code over what a row holds, kept in its column `seal`. Whoever
/// has not the master key can make none, so a row that was damaged, altered, moved to another key or exchanged with
/// another does not fit its seal. Form: docs/formats/store.md, "Seals".
///
/// SQL makes and checks them: add_to() gives a connection the function row_seal(name of the table's row, values…), for
/// "seal=row_seal('object', …)" where a row is written, and "seal IS row_seal('object', …)" where it is read.
/// Thread safety: any number of calls at a time.
class RowSeals {
 public:
  static constexpr std::size_t kSealBytes = 16;

  explicit RowSeals(const Secret& master_key /* 32 bytes */);
  RowSeals(const RowSeals&) = delete;
  RowSeals& operator=(const RowSeals&) = delete;
  ~RowSeals();

  /// Must outlive the connection. `function`: its name in SQL. Failures: as everywhere on a Connection, sticky.
  void add_to(Connection& db, const char* function = "row_seal") const;
  /// What row_seal() says of one text: of nothing that a row holds.
  std::string of_text(std::string_view text) const;

 private:
  friend struct RowSealFunction;
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, Free>;

  /// HMAC-SHA-256, cut to kSealBytes at `out`.
  void compute(std::string_view message, unsigned char* out) const;

  Context inner_;  ///< has taken the key's inner block in; copied for each seal
  Context outer_;
};

}  // namespace s3link::sqlite_store
