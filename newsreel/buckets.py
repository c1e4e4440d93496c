"""The three buckets and who may read them.

Owns which bucket is public: the published one, and only its objects, never its listing. Used once
on a new object store (`newsreel buckets`) and at every start of the embedded stack.
"""

from __future__ import annotations

from config.settings import Settings
from pipeline.s3bucket import prepare_bucket


def prepare(settings: Settings) -> tuple[str, ...]:
    """Make what is missing; returns in plain words what a store would not take.

    Raises StoreUnavailable, and ConfigError for a name or an address that cannot be.
    """
    access = settings.s3_access()
    return (
        *prepare_bucket(access, settings.bucket_ingest, public=False),
        *prepare_bucket(access, settings.bucket_work, public=False),
        *prepare_bucket(access, settings.bucket_published, public=True),
    )
