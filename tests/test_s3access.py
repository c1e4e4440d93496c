"""Reaching an object store: nothing leaks, and every failure says what happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from pipeline.errors import ConfigError, DiskFull, Missing, NewsreelError, StoreUnavailable
from pipeline.s3access import S3Access, connect, speaking

SECRET = "a-very-secret-key"
NOWHERE = S3Access(endpoint="http://127.0.0.1:9", access_key="key", secret_key=SECRET, attempts=1)


def client_error(code: str, operation: str = "GetObject") -> ClientError:
    """What botocore raises when S3 answers with this code."""
    return ClientError({"Error": {"Code": code, "Message": f"about {code}"}}, operation)


def test_secret_is_not_shown() -> None:
    """The access does not give the secret away when it is printed."""
    assert SECRET not in f"{NOWHERE!r} {NOWHERE}"


@pytest.mark.parametrize(
    ("addressing", "address"),
    [("path", "https://s3.example.org/bucket/a"), ("virtual", "https://bucket.s3.example.org/a")],
)
def test_addressing(addressing: Any, address: str) -> None:
    """Both ways to name a bucket can be had; some makes know but one."""
    access = replace(NOWHERE, endpoint="https://s3.example.org", addressing=addressing)
    client = connect(access)
    seen: list[str] = []

    def stop(request: AWSRequest, **_: Any) -> None:
        seen.append(request.url)
        raise ConnectTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.s3", stop)
    with pytest.raises(StoreUnavailable), speaking("bucket", "a"):
        client.get_object(Bucket="bucket", Key="a")
    assert seen == [address]


@pytest.mark.parametrize("endpoint", ["s3.example.org", "http://", "http://a b"])
def test_impossible_endpoint(endpoint: str) -> None:
    """An endpoint that is no address is the operator's mistake, with an example."""
    with pytest.raises(ConfigError, match="https://"):
        connect(replace(NOWHERE, endpoint=endpoint))


TABLE = [
    (client_error("NoSuchKey"), Missing, "not there"),
    (client_error("404"), Missing, "not there"),
    (client_error("NoSuchBucket"), StoreUnavailable, "“posts” does not exist"),
    (client_error("AccessDenied"), StoreUnavailable, "access key"),
    (client_error("403"), StoreUnavailable, "access key"),
    (client_error("InvalidAccessKeyId"), StoreUnavailable, "access key"),
    (client_error("SignatureDoesNotMatch"), StoreUnavailable, "secret key"),
    (client_error("RequestTimeTooSkewed"), StoreUnavailable, "clock"),
    (client_error("SlowDown"), StoreUnavailable, "tried again"),
    (client_error("500"), StoreUnavailable, "tried again"),
    (client_error("InsufficientStorage"), DiskFull, "full"),
    (NoCredentialsError(), StoreUnavailable, "access key"),
    (SSLError(endpoint_url="https://s3.example.org", error="x"), StoreUnavailable, "certificate"),
    (EndpointConnectionError(endpoint_url="http://s3"), StoreUnavailable, "tried again"),
    (ReadTimeoutError(endpoint_url="http://s3"), StoreUnavailable, "tried again"),
    (ResponseStreamingError(error="reset"), StoreUnavailable, "tried again"),
    (IncompleteReadError(actual_bytes=1, expected_bytes=2), StoreUnavailable, "tried again"),
    (ParamValidationError(report="Invalid bucket name"), ConfigError, "name of a bucket"),
    (OSError(28, "No space left on device"), DiskFull, "full"),
]


@pytest.mark.parametrize(
    ("error", "leaf", "text"), TABLE, ids=[f"{type(e).__name__} {e}"[:60] for e, _, _ in TABLE]
)
def test_failures_are_translated(error: Exception, leaf: type[NewsreelError], text: str) -> None:
    """Whatever boto raises becomes one of our errors, which says what happened or what to do."""
    with pytest.raises(leaf, match=text) as caught, speaking("posts", "a/film.mp4"):
        raise error
    assert "a/film.mp4" not in caught.value.public
    assert type(error).__name__ in caught.value.evidence or leaf is Missing


def test_other_errors_pass() -> None:
    """A mistake of our own is not blamed on the store."""
    with pytest.raises(FileNotFoundError), speaking("posts", "a"):
        raise FileNotFoundError(2, "no such body")
