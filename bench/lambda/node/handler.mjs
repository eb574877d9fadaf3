// The LinkGenerator in JavaScript: the least that does its work. Measured against bootstrap by ../compare.py.
//
// It has no ledger, no traces, no advice in its log and no retries of its own.
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendEmailCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const ses = new SESv2Client({});
const s3 = new S3Client({});
const { EmailSender, EmailRecipient, EmailConfigurationSetName, EmailTemplateLinkName } = process.env;
const seconds = Number(process.env.LinkExpirationPeriod);
const days = Number(process.env.ExchangableObjectsTTL);

const inWords = (instant) =>
  `${new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium", timeZone: "UTC" }).format(instant)} UTC`;

async function handleRecord(record) {
  const Bucket = record.s3.bucket.name;
  const Key = decodeURIComponent(record.s3.object.key.replaceAll("+", " "));
  const name = Key.slice(Key.lastIndexOf("/") + 1);
  const ResponseContentDisposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
  const link = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key, ResponseContentDisposition }), {
    expiresIn: seconds,
  });
  const now = Date.now();
  const data = {
    LINK: link,
    FILE_NAME: name,
    FILE_SIZE: `${record.s3.object.size} bytes`,
    EXPIRES_AT: inWords(now + seconds * 1000),
    REMOVED_AT: inWords(now + (days + 1) * 86_400_000),
    BUCKET: Bucket,
    KEY: Key,
  };
  const answer = await ses.send(
    new SendEmailCommand({
      FromEmailAddress: EmailSender,
      Destination: { ToAddresses: [EmailRecipient] },
      ConfigurationSetName: EmailConfigurationSetName,
      Content: { Template: { TemplateName: EmailTemplateLinkName, TemplateData: JSON.stringify(data) } },
    }),
  );
  return answer.MessageId;
}

export async function handler(event) {
  const sent = [];
  for (const record of event.Records) sent.push(await handleRecord(record));
  console.log(JSON.stringify({ level: "INFO", message: "sent", message_ids: sent }));
  return { sent: sent.length };
}
