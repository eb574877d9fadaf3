// Drives @aws-sdk/client-s3 for clients.py. Bodies are streams, which this SDK sends with an unsigned trailer.
//   node client.mjs put FILE BUCKET KEY | multipart FILE BUCKET KEY | list BUCKET PREFIX | get BUCKET KEY RANGE FILE |
//                   delete BUCKET KEY | put-with PARAMETERS | put-presigned PARAMETERS FIELDS
// PARAMETERS are those of PutObject as JSON, FIELDS header fields to send beside the presigned URL; both commands put
// "hello" and print what was answered.
// Endpoint and credentials come from the AWS_… environment variables.
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const client = new S3Client({ forcePathStyle: true, maxAttempts: 1, endpoint: process.env.AWS_ENDPOINT_URL });

const commands = {
  async put(file, Bucket, Key) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: createReadStream(file) }));
  },
  async multipart(file, Bucket, Key) {
    await new Upload({ client, params: { Bucket, Key, Body: createReadStream(file) } }).done();
  },
  async list(Bucket, Prefix) {
    const sizes = {};
    for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
      for (const object of page.Contents ?? []) sizes[object.Key] = object.Size;
    }
    process.stdout.write(JSON.stringify(sizes));
  },
  async get(Bucket, Key, Range, file) {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key, Range }));
    await pipeline(answer.Body, createWriteStream(file));
  },
  async delete(Bucket, Key) {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
  },
  async "put-with"(parameters) {
    try {
      await client.send(new PutObjectCommand({ ...JSON.parse(parameters), Body: "hello" }));
      process.stdout.write(JSON.stringify({ status: 200 }));
    } catch (error) {
      process.stdout.write(JSON.stringify({ status: error.$metadata.httpStatusCode, code: error.name }));
    }
  },
  async "put-presigned"(parameters, fields) {
    const headers = JSON.parse(fields);
    // What is to be sent as a header stays one; the presigner moves all other x-amz-* into the query.
    const unhoistableHeaders = new Set(Object.keys(headers));
    const url = await getSignedUrl(client, new PutObjectCommand(JSON.parse(parameters)), { unhoistableHeaders });
    const answer = await fetch(url, { method: "PUT", body: "hello", headers });
    const code = /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1];
    process.stdout.write(JSON.stringify({ status: answer.status, code, query: [...new URL(url).searchParams.keys()] }));
  },
};

const [command, ...rest] = process.argv.slice(2);
await commands[command](...rest);
