"""Who may read a bucket, and from which pages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import S3Server, asked

from pipeline import s3bucket
from pipeline.model import Object
from pipeline.s3store import S3Access, S3Store, prepare_bucket

integration = pytest.mark.integration


def thing(key: str, body: bytes = b"bytes") -> Object:
    """An object whose headers do not matter."""
    return Object(key=key, body=body, media_type="text/plain")


@integration
def test_public_means_reading_known_keys(public_s3: S3Store) -> None:
    """Nobody without credentials can list, write or delete in a public bucket."""
    public_s3.put(thing("a"))
    assert asked(public_s3, "a")[0] == 200
    assert asked(public_s3, "")[0] == 403
    assert asked(public_s3, "new", "PUT")[0] == 403
    assert asked(public_s3, "a", "PUT")[0] == 403
    assert asked(public_s3, "a", "DELETE")[0] == 403
    assert public_s3.read("a") == b"bytes"


@integration
def test_pages_of_any_origin_may_read(public_s3: S3Store) -> None:
    """A sandboxed frame (origin "null") may fetch ranges and see lengths."""
    public_s3.put(thing("a", b"0123456789"))
    status, headers, body = asked(public_s3, "a", Origin="null", Range="bytes=2-4")
    assert (status, body) == (206, b"234")
    assert headers["Access-Control-Allow-Origin"] in ("*", "null")
    exposed = {name.strip() for name in headers["Access-Control-Expose-Headers"].split(",")}
    assert {"Content-Length", "Content-Range", "ETag"} <= exposed
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    status, headers, _ = asked(public_s3, "a", "OPTIONS", Origin="null", **preflight)
    assert (status, headers["Access-Control-Max-Age"]) == (200, "86400")
    preflight["Access-Control-Request-Method"] = "PUT"
    status, headers, _ = asked(public_s3, "a", "OPTIONS", Origin="null", **preflight)
    assert "PUT" not in headers.get("Access-Control-Allow-Methods", "")


@integration
def test_private_means_nobody_reads(private_s3: S3Store) -> None:
    """An ingest bucket answers no one without credentials."""
    private_s3.put(thing("a"))
    assert asked(private_s3, "a")[0] == 403
    assert asked(private_s3, "")[0] == 403


@integration
def test_preparing_again_keeps_what_is_there(s3_server: S3Server) -> None:
    """Preparing is repeatable: objects stay, and so do rules that others made."""
    access, bucket = s3_server.access, "prepared"
    assert prepare_bucket(access, bucket, public=True) == ()
    store = S3Store(access, bucket)
    store.put(thing("a"))
    rule: Any = {"ID": "theirs", "AllowedMethods": ["PUT"], "AllowedOrigins": ["https://a.example"]}
    cors: Any = {"CORSRules": [rule, *store.client.get_bucket_cors(Bucket=bucket)["CORSRules"]]}
    store.client.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors)
    policy = json.loads(store.client.get_bucket_policy(Bucket=bucket)["Policy"])
    theirs = policy["Statement"][0] | {"Sid": "Theirs", "Resource": f"arn:aws:s3:::{bucket}/x/*"}
    policy["Statement"].append(theirs)
    store.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    for _ in range(2):
        assert prepare_bucket(access, bucket, public=True) == ()
    rules = store.client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert sorted(rule["ID"] for rule in rules) == ["NewsreelPublicRead", "theirs"]
    policy = json.loads(store.client.get_bucket_policy(Bucket=bucket)["Policy"])
    assert sorted(s["Sid"] for s in policy["Statement"]) == ["NewsreelPublicRead", "Theirs"]
    assert store.read("a") == b"bytes"


@integration
def test_buckets_prepared_at_once(s3_server: S3Server) -> None:
    """Several processes may come up together and prepare the same bucket."""
    with ThreadPoolExecutor(4) as pool:
        made = [
            pool.submit(prepare_bucket, s3_server.access, "together", public=True) for _ in range(4)
        ]
    assert [each.result() for each in made] == [()] * 4


def test_store_without_rules_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a make of S3 knows neither CORS nor policies, two sentences say what to do instead."""

    class Plain:
        def head_bucket(self, **_: Any) -> None:
            """The bucket is there."""

        def __getattr__(self, name: str) -> Any:
            def refuse(**_: Any) -> None:
                raise ClientError({"Error": {"Code": "NotImplemented"}}, name)

            return refuse

    monkeypatch.setattr(s3bucket, "connect", lambda _: Plain())
    cors, policy = prepare_bucket(S3Access(), "posts", public=True)
    assert "CORS" in cors
    assert "policy" in policy
    assert all("posts" in text and "NotImplemented" in text for text in (cors, policy))
    assert prepare_bucket(S3Access(), "posts", public=False) == ()
