// Runs handler.mjs as the managed Node.js runtime does: poll, call, answer, over one connection.
//
// Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { handler } from "./handler.mjs";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function exchange(method, path, document) {
  const body = document === undefined ? "" : JSON.stringify(document);
  const headers = document === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  if (document?.errorType) headers["Lambda-Runtime-Function-Error-Type"] = document.errorType;
  return new Promise((resolve, reject) => {
    const call = request({ host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}`, headers });
    call.on("error", reject);
    call.on("response", (answer) => text(answer).then((content) => resolve({ headers: answer.headers, content }), reject));
    call.end(body);
  });
}

for (;;) {
  const { headers, content } = await exchange("GET", "next");
  const requestId = headers["lambda-runtime-aws-request-id"];
  try {
    await exchange("POST", `${requestId}/response`, await handler(JSON.parse(content)));
  } catch (error) {
    console.error(error);
    await exchange("POST", `${requestId}/error`, { errorType: error.name, errorMessage: error.message });
  }
}
