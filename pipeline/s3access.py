"""How an object store is reached, and what its failures mean.

Owns the credentials, the one client configuration, and the one table that turns every exception of
boto3 and botocore into the house's errors. Refuses to put a secret or a signed address into a
text: only codes and messages pass. The requests themselves are made in `s3store` and `s3bucket`.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from boto3.exceptions import Boto3Error
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)
from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

from pipeline.errors import ConfigError, DiskFull, Missing, NewsreelError, StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchVersion"})
"""Codes of S3 that say an object (or, where no object was asked for, a bucket) is not there."""

_FAILURES = (BotoCoreError, ClientError, Boto3Error, RetriesExceededError, S3DownloadFailedError)
_REFUSED = frozenset(
    {
        "401",
        "403",
        "AccessDenied",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "Unauthorized",
    }
)
_FULL = frozenset({"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"})
_NAMELESS = frozenset({"InvalidBucketName", "NoSuchBucket"})
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How to reach an object store, and as whom.

    An empty `endpoint` is Amazon's own; an empty `access_key` leaves the search for credentials to
    boto3 (environment, instance role). `verify` is False or the path of a bundle of authorities.
    """

    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    addressing: Literal["auto", "path", "virtual"] = "auto"
    verify: bool | str = True
    connect_timeout_s: float = 5
    read_timeout_s: float = 60
    attempts: int = 4


def connect(access: S3Access) -> S3Client:
    """A client of its own, sharing nothing; raises `ConfigError` on an impossible endpoint."""
    session = Session(
        aws_access_key_id=access.access_key or None,
        aws_secret_access_key=access.secret_key or None,
        region_name=access.region,
    )
    try:
        return session.client(
            "s3",
            endpoint_url=access.endpoint or None,
            verify=access.verify,
            config=_config(access),
        )
    except ValueError as error:
        raise ConfigError(
            f"“{access.endpoint}” is no address of an object store. "
            "It should look like https://s3.example.org",
            evidence=str(error),
        ) from error


def _config(access: S3Access) -> Config:
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": access.addressing},
        connect_timeout=access.connect_timeout_s,
        read_timeout=access.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": access.attempts},
        # Checksums of the newer kind break most makes that are not Amazon's.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=32,
    )


@contextlib.contextmanager
def speaking(bucket: str, key: str = "") -> Iterator[None]:
    """Say whatever goes wrong with an object, or with the bucket itself, in the house's words."""
    try:
        yield
    except _FAILURES as error:
        raise _translated(error, bucket, key) from error
    except OSError as error:  # of this machine: a body or a download
        if error.errno in _NO_ROOM:
            raise _disk_full(repr(error)) from error
        raise


def code_of(error: BaseException | None) -> str:
    """S3's own word for a failure, however deeply wrapped; empty if it has none."""
    while error is not None:
        if isinstance(error, ClientError):
            return str(error.response.get("Error", {}).get("Code", ""))
        error = error.__cause__ or error.__context__
    return ""


def _translated(error: Exception, bucket: str, key: str) -> NewsreelError:
    code = code_of(error)
    evidence = f"{bucket}/{key}: {type(error).__name__}: {error}"
    if code in NOT_THERE and key:
        return missing(key)
    if code in _FULL:
        return _disk_full(evidence)
    if isinstance(error, ParamValidationError):
        return ConfigError(f"“{bucket}” cannot be the name of a bucket.", evidence=evidence)
    return StoreUnavailable(_remedy(error, code, bucket), evidence=evidence)


def _remedy(error: Exception, code: str, bucket: str) -> str:
    """What happened and what to do. All of these heal: the work is tried again."""
    if code in _NAMELESS or code in NOT_THERE:
        return f"The bucket “{bucket}” does not exist. Create it, or correct its name in settings."
    if code in _REFUSED or isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            f"The object store refused access to the bucket “{bucket}”. Check the S3 access key, "
            "secret key and region in the settings, and what they allow."
        )
    if code == "RequestTimeTooSkewed":
        return "This computer's clock is wrong, so the object store refused it. Set the clock."
    if isinstance(error, SSLError):
        return (
            "The object store's certificate is not trusted here. Name the file of its authority "
            "in the S3 settings."
        )
    return "The object store did not answer as it should. It is tried again by itself."


def missing(key: str) -> Missing:
    """The error for an object that is not there."""
    name = key.rpartition("/")[2]
    return Missing(f"“{name}” is not there (any more).", evidence=key)


def _disk_full(evidence: str) -> DiskFull:
    return DiskFull("The disk is full. Free some space; the work goes on.", evidence=evidence)
