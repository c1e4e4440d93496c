"""Every setting: its default, its check, its meaning and its example.

Owns `Settings` and what follows from its values together. Refuses to know where a value came from:
`config.settings` reads the environment and the files, and reports every mistake at once. Encoding
profiles are in `config.profiles`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import imageio_ffmpeg
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from pipeline import ears, languages
from pipeline.ears import Ears
from pipeline.errors import ConfigError
from pipeline.model import Show, Site

if TYPE_CHECKING:
    from pipeline.s3access import S3Access

PREFIX = "NEWSREEL_"

# What all makes of S3 agree on; dots would break TLS with the bucket in the host name.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def _checked_bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        raise ValueError("is no bucket name: 3 to 63 of a-z, 0-9 and hyphen")
    return name


def _checked_address(address: str) -> str:
    """An absolute http address without credentials, query or final slash; or nothing."""
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must start with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    if parts.query or parts.fragment:
        raise ValueError("must not hold ? or #")
    return address.rstrip("/")


def _checked_redis(address: SecretStr) -> SecretStr:
    text = address.get_secret_value()
    parts = urlsplit(text)
    known = parts.scheme in ("redis", "rediss") and parts.hostname
    if text and not (known or parts.scheme == "unix"):
        raise ValueError("must start with redis:// (rediss:// with TLS) and name a host")
    return address


def _checked_program(path: Path | None) -> Path | None:
    if path is not None and not (path.is_file() and os.access(path, os.X_OK)):
        raise ValueError("names no program that can be run")
    return path


def _checked_bundle(path: str) -> str:
    if path and not Path(path).is_file():
        raise ValueError("names no file")
    return path


def _checked_folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise ValueError("names no folder")
    return path


def _checked_languages(text: str) -> str:
    """Language tags as players have them, between blanks or commas."""
    words = text.replace(",", " ").split()
    tags = [languages.tag(word) for word in words]
    if None in tags:
        raise ValueError(f"{words[tags.index(None)]} is no language that is known here")
    return " ".join(dict.fromkeys(tag.partition("-")[0] for tag in tags if tag))


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("starts with ~, but there is no home folder") from error


# Apple's main categories (podcasters.apple.com, "Podcast categories").
_CATEGORIES = (
    "Arts", "Business", "Comedy", "Education", "Fiction", "Government", "History",
    "Health & Fitness", "Kids & Family", "Leisure", "Music", "News", "Religion & Spirituality",
    "Science", "Society & Culture", "Sports", "Technology", "True Crime", "TV & Film",
)  # fmt: skip


def _checked_category(text: str) -> str:
    main = text.partition(">")[0].strip()
    if main not in _CATEGORIES:
        raise ValueError(f"must be one of {', '.join(_CATEGORIES)}; a second one may follow a >")
    return text


def _checked_email(text: str) -> str:
    if text and not re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+", text):
        raise ValueError("is no mail address")
    return text


Bucket = Annotated[str, AfterValidator(_checked_bucket)]
Address = Annotated[str, AfterValidator(_checked_address)]


class Settings(BaseModel):
    """Every setting. Each field's description and example are the documentation's too."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    base_url: Address = Field(
        "",
        description="Where the public reads the published bucket. Empty: the bucket's own address.",
        examples=["https://media.example.org"],
    )
    site_name: str = Field(
        "Newsreel",
        min_length=1,
        max_length=100,
        description="Whose site it is, as pages and players show it.",
        examples=["The Daily Example"],
    )
    blog_url: Address = Field(
        "",
        description="The blog that posts are pasted into; a `blog` in post.toml overrides it.",
        examples=["https://blog.example.org"],
    )
    language: Literal["en", "es"] = Field(
        "en", description="The language of pages whose post names none.", examples=["es"]
    )
    site_description: str = Field(
        "",
        max_length=4000,
        description="What the site is, in a sentence, for feeds. Empty: a plain one with its name.",
        examples=["Reports, interviews and films from the valley"],
    )
    site_author: str = Field(
        "",
        max_length=100,
        description="Who makes it, for feeds. Empty: the site's name.",
        examples=["The editors of The Daily Example"],
    )
    podcast_category: Annotated[str, AfterValidator(_checked_category)] = Field(
        "News",
        description="The shelf of podcast.xml in directories: one of Apple's categories.",
        examples=["News > Politics"],
    )
    podcast_explicit: Literal["no", "yes"] = Field(
        "no", description="Whether podcast.xml is marked as unfit for children.", examples=["yes"]
    )
    podcast_image: Address = Field(
        "",
        description="The show's picture: a square JPEG or PNG of 1400 to 3000 pixels. "
        "Empty: that of the newest episode.",
        examples=["https://media.example.org/show.jpg"],
    )
    podcast_email: Annotated[str, AfterValidator(_checked_email)] = Field(
        "",
        description="Where directories ask whether the podcast is yours; everybody can read it.",
        examples=["podcast@example.org"],
    )
    feed_origin: Address = Field(
        "",
        description="What the ids in feeds are made from. Set it to the old address when "
        "`base_url` changes, and no reader sees old pieces as new. Empty: `base_url`.",
        examples=["https://media.example.org"],
    )
    redis_url: Annotated[SecretStr, AfterValidator(_checked_redis)] = Field(
        SecretStr(""),
        description="The message broker. Empty: none, only `newsreel publish` works.",
        examples=["redis://:PASSWORD@redis.example.org:6379/0"],
    )
    s3_endpoint: Address = Field(
        "",
        description="The object store. Empty with a key or buckets set: Amazon's own.",
        examples=["https://s3.example.org"],
    )
    s3_region: str = Field(
        "us-east-1",
        min_length=1,
        description="The store's region; most stores other than Amazon's take any.",
        examples=["eu-south-2"],
    )
    s3_access_key: str = Field(
        "",
        description="Who we are to the store. Empty: as boto3 finds it (instance role).",
        examples=["newsreel"],
    )
    s3_secret_key: SecretStr = Field(
        SecretStr(""), description="The access key's secret.", examples=["SECRET"]
    )
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto",
        description="Bucket in the path, or in the host name.",
        examples=["path"],
    )
    s3_ca_bundle: Annotated[str, AfterValidator(_checked_bundle)] = Field(
        "",
        description="Certificate authorities to trust for the store, a PEM file.",
        examples=["/etc/ssl/own-ca.pem"],
    )
    bucket_ingest: Bucket = Field(
        "ingest", description="Where reporters drop their files.", examples=["daily-ingest"]
    )
    bucket_work: Bucket = Field(
        "work", description="Our own records; nobody else's business.", examples=["daily-work"]
    )
    bucket_published: Bucket = Field(
        "published", description="What the public reads.", examples=["daily-media"]
    )
    ffmpeg: Annotated[Path | None, AfterValidator(_checked_program)] = Field(
        None,
        description="The ffmpeg to use. Empty: the one installed with Newsreel.",
        examples=["/usr/bin/ffmpeg"],
    )
    scratch: Annotated[Path, AfterValidator(_expanded)] = Field(
        Path("~/.cache/newsreel"),
        description="Room for work in progress; 10 GB free, or twice the largest film.",
        examples=["/srv/newsreel/scratch"],
    )
    data: Path = Field(
        Path("newsreel-data"),
        description="The embedded stack's folder (`newsreel up`), read for its stack.toml.",
        examples=["/srv/newsreel"],
    )
    profile: str = Field(
        "default",
        min_length=1,
        description="The encoding profile of posts that name none.",
        examples=["fast"],
    )
    profiles_dir: Annotated[Path | None, AfterValidator(_checked_folder)] = Field(
        None,
        description="A folder of your own profiles, one TOML file each.",
        examples=["/etc/newsreel/profiles"],
    )
    scan_interval_s: int = Field(
        2,
        ge=1,
        le=3600,
        description="Seconds between two looks into the ingest bucket.",
        examples=["15"],
    )
    workers: int = Field(
        2,
        ge=1,
        le=256,
        description="Media jobs at once on this machine. One uses several cores by itself.",
        examples=["4"],
    )
    transcribe_model: str = Field(
        "",
        max_length=500,
        description="Automatic captions: a faster-whisper model's folder or name. Empty: none.",
        examples=["/srv/newsreel/models/small"],
    )
    transcribe_languages: Annotated[str, AfterValidator(_checked_languages)] = Field(
        "",
        description="The languages spoken in your recordings. Empty: any that the model knows.",
        examples=["es en"],
    )
    transcribe_threads: int = Field(
        0,
        ge=0,
        le=64,
        description="Cores that listen at a time. 0: all of them, up to four.",
        examples=["2"],
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is written to the log.", examples=["WARNING"]
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        buckets = (self.bucket_ingest, self.bucket_work, self.bucket_published)
        if len(set(buckets)) < len(buckets):
            raise ValueError(
                "bucket_ingest, bucket_work and bucket_published must be three different buckets"
            )
        if bool(self.s3_access_key) != bool(self.s3_secret_key.get_secret_value()):
            raise ValueError("s3_access_key and s3_secret_key must be set together")
        return self

    @property
    def has_store(self) -> bool:
        """True when an object store is configured, not only folders."""
        named = {"s3_endpoint", "s3_access_key", "bucket_published"} & self.model_fields_set
        return bool(named)

    @property
    def has_broker(self) -> bool:
        """True when there is a Redis to carry tasks."""
        return bool(self.redis_url.get_secret_value())

    @property
    def ffmpeg_program(self) -> Path:
        """The ffmpeg that is run; raises ConfigError where none is to be found."""
        if self.ffmpeg is not None:
            return self.ffmpeg
        try:
            return Path(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError as error:
            raise ConfigError(
                "No ffmpeg was found. Set ffmpeg (NEWSREEL_FFMPEG) to one, "
                'for example ffmpeg = "/usr/bin/ffmpeg"',
                evidence=str(error),
            ) from error

    @property
    def ears(self) -> Ears | None:
        """What listens for automatic captions; None where nobody wants any."""
        if not self.transcribe_model:
            return None
        spoken = tuple(self.transcribe_languages.split())
        return ears.found(self.transcribe_model, spoken, self.transcribe_threads)

    @property
    def public_url(self) -> str:
        """Where published files are read, without a final slash; empty when nobody knows."""
        if self.base_url or not self.has_store:
            return self.base_url
        if self.s3_endpoint:
            return f"{self.s3_endpoint}/{self.bucket_published}"
        return f"https://{self.bucket_published}.s3.{self.s3_region}.amazonaws.com"

    @property
    def site(self) -> Site:
        """Where published files are seen from, and whose they are."""
        return Site(
            base_url=self.public_url,
            name=self.site_name,
            language=self.language,
            blog=self.blog_url,
            show=Show(
                description=self.site_description,
                author=self.site_author,
                email=self.podcast_email,
                category=self.podcast_category,
                explicit=self.podcast_explicit == "yes",
                image=self.podcast_image,
                origin=self.feed_origin,
            ),
        )

    def s3_access(self) -> S3Access:
        """How the object store is reached."""
        # Imported here: boto3 costs half a second, and plain folders do without it.
        from pipeline.s3access import S3Access  # noqa: PLC0415

        return S3Access(
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key.get_secret_value(),
            addressing=self.s3_addressing,
            verify=self.s3_ca_bundle or True,
        )


def to_environ(settings: Settings) -> Mapping[str, str]:
    """Every setting that was made, as a child's NEWSREEL_* variables: secrets included."""
    plain = {name: _plain(getattr(settings, name)) for name in settings.model_fields_set}
    return {PREFIX + name.upper(): value for name, value in plain.items() if value}


def _plain(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)
