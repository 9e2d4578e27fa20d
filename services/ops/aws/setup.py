"""Makes in the emulator what a deployment finds in AWS: the bucket, and the queues with a dead-letter queue each."""

import json
import os

import boto3

at = {"endpoint_url": os.environ["S3_ENDPOINT"], "region_name": os.environ["AWS_REGION"]}

s3 = boto3.client("s3", **at)
bucket = os.environ["S3_BUCKET_NAME"]
if bucket not in [known["Name"] for known in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket=bucket)

sqs = boto3.client("sqs", **at)
for name in os.environ["SQS_QUEUES"].split():
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    print(sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"])
