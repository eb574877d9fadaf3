#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::event {
namespace json = boost::json;

std::string build_notification(const EventRecord& record) {
  json::object object{
      {"key", form_encode_key(record.key)},
      {"size", record.size_bytes},
      {"eTag", record.etag},
  };
  if (!record.version_id.empty()) object["versionId"] = record.version_id;
  object["sequencer"] = record.sequencer;

  // One owner has everything, so who wrote an object also owns the bucket. AWS's x-amz-id-2 is a second, longer id of
  // the request; here the request has one.
  const json::value document{
      {"Records", json::array{json::object{
                      {"eventVersion", "2.1"},
                      {"eventSource", "aws:s3"},
                      {"awsRegion", record.region},
                      {"eventTime", iso8601(record.time)},
                      {"eventName", record.event_name},
                      {"userIdentity", json::object{{"principalId", record.principal}}},
                      {"requestParameters", json::object{{"sourceIPAddress", record.source_ip}}},
                      {"responseElements",
                       json::object{{"x-amz-request-id", record.request_id}, {"x-amz-id-2", record.request_id}}},
                      {"s3",
                       json::object{
                           {"s3SchemaVersion", "1.0"},
                           {"configurationId", "s3link"},
                           {"bucket", json::object{{"name", record.bucket},
                                                   {"ownerIdentity", json::object{{"principalId", record.principal}}},
                                                   {"arn", "arn:aws:s3:::" + record.bucket}}},
                           {"object", std::move(object)},
                       }},
                  }}},
  };
  return json::serialize(document);
}

}  // namespace s3link::event
