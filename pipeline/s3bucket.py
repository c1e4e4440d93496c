"""A bucket's existence and its rules: who may read, and from which pages.

Owns `prepare_bucket` and `admits`. Refuses to remove or change a rule that is not its own, and to
open a bucket wider than reading objects whose keys are known. Objects are the affair of `s3store`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeline.errors import NewsreelError
from pipeline.s3access import NOT_THERE, S3Access, code_of, connect, speaking

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_OURS = "NewsreelPublicRead"

# Scripts of foreign pages, and of sandboxed frames whose origin is "null", must be able to fetch
# playlists and captions, to ask for ranges, and to see how long an answer is.
_CORS_RULE = {
    "ID": _OURS,
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET", "HEAD"],
    "AllowedHeaders": ["Range"],
    "ExposeHeaders": ["Content-Length", "Content-Range", "ETag"],
    "MaxAgeSeconds": 86400,
}


def prepare_bucket(access: S3Access, bucket: str, *, public: bool) -> tuple[str, ...]:
    """Make a bucket if it is missing, and a public one readable from any page.

    Everyone may then GET an object whose key is known; listing and writing stay closed. Rules of
    others on the bucket are kept. Returns what the store would not do, in plain words; raises
    `StoreUnavailable` and `ConfigError` where there is no bucket to work with.
    """
    client = connect(access)
    with speaking(bucket):
        if not _exists(client, bucket):
            _make(client, bucket, access.region)
    if not public:
        return ()
    return (*_open_to_pages(client, bucket), *_open_to_readers(client, bucket))


def admits(access: S3Access) -> bool:
    """True where a store answers, and knows these credentials: a signed request got through."""
    try:
        with speaking(""):
            connect(access).list_buckets()
    except NewsreelError:
        return False
    return True


def _exists(client: S3Client, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if code_of(error) in NOT_THERE or code_of(error) == "NoSuchBucket":
            return False
        raise
    return True


def _make(client: S3Client, bucket: str, region: str) -> None:
    # Amazon's first region is the one that must not be named.
    where: Any = {} if region == "us-east-1" else {"LocationConstraint": region}
    more = {"CreateBucketConfiguration": where} if where else {}
    try:
        client.create_bucket(Bucket=bucket, **more)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":  # another process was preparing it
            raise


def _open_to_pages(client: S3Client, bucket: str) -> tuple[str, ...]:
    try:
        with speaking(bucket):
            rules: Any = [_CORS_RULE, *_others_rules(client, bucket)]
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    except NewsreelError as error:
        warning = (
            f"The store takes no CORS rule for the bucket “{bucket}” ({_reason(error)}). Make it "
            "answer GET and HEAD from every origin, or captions and streams fail in embeds."
        )
        return (warning,)
    return ()


def _others_rules(client: S3Client, bucket: str) -> list[Any]:
    try:
        rules = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    except ClientError as error:
        if code_of(error) != "NoSuchCORSConfiguration":
            raise
        return []
    return [rule for rule in rules if rule.get("ID") != _OURS]


def _open_to_readers(client: S3Client, bucket: str) -> tuple[str, ...]:
    try:
        with speaking(bucket):
            statements = [_statement(bucket), *_others_statements(client, bucket)]
            policy = {"Version": "2012-10-17", "Statement": statements}
            client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    except NewsreelError as error:
        warning = (
            f"The store takes no policy for the bucket “{bucket}” ({_reason(error)}). Let anyone "
            "read its objects, but not list them, by the store's own means. On Amazon, first "
            "switch off Block Public Access for this bucket."
        )
        return (warning,)
    return ()


def _statement(bucket: str) -> dict[str, Any]:
    return {
        "Sid": _OURS,
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }


def _others_statements(client: S3Client, bucket: str) -> list[Any]:
    try:
        policy = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if code_of(error) != "NoSuchBucketPolicy":
            raise
        return []
    statements = policy.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed if statement.get("Sid") != _OURS]


def _reason(error: NewsreelError) -> str:
    return code_of(error) or "no answer"
