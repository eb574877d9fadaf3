#include "services/pipeline/metered_mail_sender.hpp"

#include <utility>

namespace s3link::pipeline {

Awaitable<ports::SendResult> MeteredMailSender::send(mail::Mail mail) {
  const auto began = clock_.steady_now();
  auto sent = co_await sender_.send(std::move(mail));
  metrics::Histogram& histogram = sent ? accepted_ : sent.error().error.kind == ErrorKind::denied ? refused_ : failed_;
  histogram.observe(clock_.steady_now() - began);
  co_return sent;
}

metrics::Family MeteredMailSender::family() const {
  metrics::Family out{.name = "s3link_relay_duration_seconds",
                      .help =
                          "Time the relay took over a link mail, by result: accepted, refused (for good), failed "
                          "(may pass).",
                      .kind = metrics::Kind::histogram,
                      .samples = {}};
  const auto add = [&](const char* result, const metrics::Histogram& histogram) {
    out.samples.push_back({.labels = {{"result", result}}, .value = 0, .histogram = histogram.read()});
  };
  add("accepted", accepted_);
  add("refused", refused_);
  add("failed", failed_);
  return out;
}

}  // namespace s3link::pipeline
