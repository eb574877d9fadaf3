// Checks OTLP/HTTP JSON requests against the published protobuf schema: reads a JSON array of
// ExportTraceServiceRequest documents from standard input and prints what is wrong with them, one line each.
//
// The schema is the code that protobuf.js generated from opentelemetry/proto, as @opentelemetry/otlp-transformer ships
// it. A document is turned into a message, encoded, decoded and turned back: what the schema does not know, or knows by
// another type, is not the same afterwards.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const require = createRequire(import.meta.url);
const { opentelemetry } = require("@opentelemetry/otlp-transformer/build/src/generated/root");
const Request = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

// OTLP specification, "JSON Protobuf Encoding": these are hexadecimal, where protobuf's own mapping has base64.
const ID_BYTES = { traceId: 16, spanId: 8, parentSpanId: 8 };

/** A copy with every member changed by `change(name, value)`, and without empty arrays, which are nothing in protobuf. */
function mapped(value, change) {
  if (Array.isArray(value)) return value.map((item) => mapped(item, change));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !(Array.isArray(item) && item.length === 0))
      .map(([name, item]) => [name, change(name, mapped(item, change))]));
}

function faultOf(document) {
  const bad = [];
  const coded = mapped(document, (name, value) => {
    if (!(name in ID_BYTES)) return value;
    if (!new RegExp(`^[0-9a-f]{${2 * ID_BYTES[name]}}$`).test(value) || /^0+$/.test(value)) bad.push(`${name} ${value}`);
    return Buffer.from(String(value), "hex").toString("base64");
  });
  if (bad.length > 0) return `no valid ids: ${bad.join(", ")}`;
  const bytes = Request.encode(Request.fromObject(coded)).finish();
  const back = JSON.parse(JSON.stringify(
    Request.toObject(Request.decode(bytes), { longs: String, bytes: String, enums: Number })));
  if (isDeepStrictEqual(back, coded)) return null;
  return `not what the schema makes of it:\n${JSON.stringify(coded)}\n${JSON.stringify(back)}`;
}

for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  let fault;
  try {
    fault = faultOf(document);
  } catch (error) {
    fault = String(error);
  }
  if (fault !== null) console.log(fault);
}
