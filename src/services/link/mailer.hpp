#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/event/origins.hpp"
#include "core/mail/address.hpp"
#include "core/mail/link_template.hpp"
#include "core/mail/rate.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/ledger.hpp"
#include "ports/mail_sender.hpp"
#include "ports/random.hpp"
#include "services/link/link_generator.hpp"

namespace s3link::link {

struct MailSettings {
  mail::Address sender;
  std::string sender_name;                ///< shown beside the sender's address; may be empty
  std::vector<mail::Address> recipients;  ///< each gets a message of its own
  mail::LinkTemplate link_template;       ///< to begin with
  std::optional<mail::Address> reply_to = {};
  std::optional<mail::Address> bounce_address = {};  ///< envelope sender; empty: the sender
  std::optional<mail::Rate> recipient_rate = {};     ///< of mails to one recipient about one key; empty: any number
  Language language = Language::en;                  ///< of the template's local variables
  mail::UtcOffset utc_offset = nullptr;              ///< of the recipients' zone; null: UTC
  event::Origins origins = {};                       ///< of the sequencers: a part of what Message-IDs are made from
};

/// What one link mail is about.
struct LinkJob {
  std::string bucket;
  std::string key;
  std::string sequencer;
  std::uint64_t size_bytes = 0;
  std::string sha256;  ///< raw, 32 bytes
  Link link;
  std::optional<Instant> removed_at;
  std::string trace_id = {};  ///< named in the mail: "1-5759e988-bd862e3fe1be46a994272793"; empty: none
};

/// What became of one recipient's message.
struct SendOutcome {
  std::string recipient;
  std::string message_id;
  Status status;      ///< sent and in the ledger, or why not
  std::string reply;  ///< the relay's own words, whether it took the message or not; empty: it said none
  ports::FailureScope scope = ports::FailureScope::message;  ///< of a failure: whose trouble it is
  bool may_have_been_taken = false;                          ///< of a failure: a repeat may be a second mail
};

/// Sends link mails and enters them in the ledger. Delivery is at least once: a crash between the relay's answer and
/// the ledger's commit sends that mail a second time, with the same Message-ID. Thread safety: calls from one executor;
/// any number at a time; but use_template() from any thread. Its ports must outlive the awaitables.
class Mailer {
 public:
  Mailer(MailSettings settings, ports::MailSender& sender, ports::Ledger& ledger, ports::Clock& clock,
         ports::Random& random);

  /// The recipients whose mail about this object is not in the ledger yet. Errors: the ledger's.
  Awaitable<Result<std::vector<mail::Address>>> pending(std::string bucket, std::string key, std::string sequencer);

  /// When the next mail about that key may go to that recipient; not after now: at once. Errors: the ledger's.
  Awaitable<Result<Instant>> turn(std::string bucket, std::string key, mail::Address recipient);

  /// One message to each of `recipients`, each as if it were the only one: neither the failure nor the slowness of one
  /// keeps the others from theirs. While the ledger cannot record that a message was sent (transient errors), it waits.
  /// Returns one outcome for each, in their order, when the last has ended. What was done is hung into `under`, which
  /// must outlive the awaitable: "render" and "relay" for each message.
  Awaitable<std::vector<SendOutcome>> deliver(LinkJob job, std::vector<mail::Address> recipients,
                                              trace::Segment& under);

  /// The template of every message that is composed from here on; each message is made from one template.
  void use_template(mail::LinkTemplate fresh);

 private:
  struct Delivering;
  /// Tries again while the disk is full, until the delivery is broken off: what is not recorded is sent again.
  Awaitable<Status> record(ports::LedgerEntry entry);
  Awaitable<void> deliver_one(const LinkJob& job, const mail::Address& recipient, Delivering& one);
  Awaitable<void> attempt(const LinkJob& job, const mail::Address& recipient, Delivering& one);
  mail::Mail compose(const LinkJob& job, const mail::Address& recipient, std::string message_id);

  std::shared_ptr<const mail::LinkTemplate> current_template();

  MailSettings settings_;
  std::mutex mutex_;
  std::shared_ptr<const mail::LinkTemplate> template_;  // guarded by mutex_
  ports::MailSender& sender_;
  ports::Ledger& ledger_;
  ports::Clock& clock_;
  ports::Random& random_;
};

}  // namespace s3link::link
