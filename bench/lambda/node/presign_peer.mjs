// Presigns as presign_peers.py asks: {"keys": [{"key", "disposition"}], "seconds", …} on standard input. Prints
// {"version", "urls_per_cpu_second", "url"}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const task = JSON.parse(await text(process.stdin));
const client = new S3Client({
  region: task.region,
  credentials: { accessKeyId: task.access_key_id, secretAccessKey: task.secret_access_key },
});

const presign = ({ key, disposition }) =>
  getSignedUrl(client, new GetObjectCommand({ Bucket: task.bucket, Key: key, ResponseContentDisposition: disposition }), {
    expiresIn: task.expires_seconds,
  });

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function rate() {
  const begin = cpuSeconds();
  let count = 0;
  do {
    for (const one of task.keys) await presign(one);
    count += task.keys.length;
  } while (cpuSeconds() - begin < task.cpu_seconds);
  return count / (cpuSeconds() - begin);
}

const manifest = createRequire(import.meta.url).resolve("@aws-sdk/s3-request-presigner/package.json");
await rate(); // until the compiler has seen it
console.log(
  JSON.stringify({
    name: `@aws-sdk/s3-request-presigner ${JSON.parse(readFileSync(manifest)).version}, Node ${process.version}`,
    urls_per_cpu_second: await rate(),
    url: await presign(task.keys[0]),
  }),
);
