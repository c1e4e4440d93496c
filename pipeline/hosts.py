"""Whose host the published files are on, against the blog they are pasted into.

Owns the rule behind a refused player: a frame that may run our scripts with its own storage must
not share its origin with the blog, nor with the buckets of strangers. Pure; `embed` asks, and says
the reason in the reporter's language.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# Endpoints where every customer's bucket is a folder of one and the same origin. A bucket with a
# host name of its own (bucket.s3.eu-west-1.amazonaws.com) is none of these.
_SHARED = re.compile(
    r"""
      s3(?:[.-](?:dualstack[.])?[a-z]{2}(?:-[a-z]+)+-\d)?[.]amazonaws[.]com(?:[.]cn)?
    | (?:commondata)?storage[.]googleapis[.]com | storage[.]cloud[.]google[.]com
    | [a-z]{3}\d[.]digitaloceanspaces[.]com
    | s3(?:[.][a-z]+(?:-[a-z]+)+-\d)?[.]wasabisys[.]com
    | (?:s3[.][a-z]+(?:-[a-z]+)+-\d+|f\d+)[.]backblazeb2[.]com
    | s3[.][a-z]{2}-[a-z]{3}[.]scw[.]cloud
    | s3[.][a-z0-9-]+(?:[.]io|[.]perf)?[.]cloud[.]ovh[.](?:net|us)
    | [a-z]{2}-[a-z]+(?:-\d)?[.]linodeobjects[.]com
    | [a-z]{3}\d[.]your-objectstorage[.]com
    | [a-z]{3}\d[.]vultrobjects[.]com
    | [a-z]+\d[.]contabostorage[.]com
    | sos-[a-z]{2}-[a-z]+-\d[.]exo[.]io
    | s3(?:[.][a-z-]+)*[.]cloud-object-storage[.]appdomain[.]cloud
    | (?:gateway|link)[.]storjshare[.]io
    """,
    re.VERBOSE,
)


def of(url: str) -> str:
    """The host of an address as it is compared: lower case, in ASCII, without a final dot.

    An address may come without its scheme, as people write them; "" where there is no host.
    """
    text = url.strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    try:
        return host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host.rstrip(".").lower()


def is_same(base_url: str, blog: str) -> bool:
    """Whether media and blog are on one host; ports count for nothing, as for cookies."""
    return bool(blog) and bool(of(blog)) and of(base_url) == of(blog)


def is_shared(base_url: str) -> bool:
    """Whether strangers publish on the same host: a bucket that is a folder of a public store."""
    path = urlsplit(base_url).path.strip("/")
    return bool(path) and _SHARED.fullmatch(of(base_url)) is not None
