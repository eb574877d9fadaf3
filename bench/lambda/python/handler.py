"""The LinkGenerator in Python: the least that does its work. Measured against bootstrap by ../compare.py.

It has no ledger, no traces, no advice in its log and no retries of its own.
"""

import datetime
import json
import os
import urllib.parse

import boto3
from botocore.config import Config

# Debian 12's boto3 does not read AWS_ENDPOINT_URL_SESV2 by itself.
ses = boto3.client("sesv2", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_SESV2"))
s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
seconds = int(os.environ["LinkExpirationPeriod"])
days = int(os.environ["ExchangableObjectsTTL"])


def handle_record(record):
    bucket = record["s3"]["bucket"]["name"]
    key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
    name = key.rpartition("/")[2]
    disposition = f"attachment; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"
    link = s3.generate_presigned_url(
        "get_object", ExpiresIn=seconds,
        Params={"Bucket": bucket, "Key": key, "ResponseContentDisposition": disposition})
    now = datetime.datetime.now(datetime.timezone.utc)
    data = {
        "LINK": link, "FILE_NAME": name, "FILE_SIZE": f"{record['s3']['object']['size']} bytes",
        "EXPIRES_AT": f"{now + datetime.timedelta(seconds=seconds):%A, %d %B %Y, %H:%M:%S UTC}",
        "REMOVED_AT": f"{now + datetime.timedelta(days=days + 1):%A, %d %B %Y, 00:00:00 UTC}",
        "BUCKET": bucket, "KEY": key,
    }
    answer = ses.send_email(
        FromEmailAddress=os.environ["EmailSender"], Destination={"ToAddresses": [os.environ["EmailRecipient"]]},
        ConfigurationSetName=os.environ["EmailConfigurationSetName"],
        Content={"Template": {"TemplateName": os.environ["EmailTemplateLinkName"], "TemplateData": json.dumps(data)}})
    return answer["MessageId"]


def handler(event, _context):
    sent = [handle_record(record) for record in event["Records"]]
    print(json.dumps({"level": "INFO", "message": "sent", "message_ids": sent}), flush=True)
    return {"sent": len(sent)}
