"""Start SeaweedFS in a container: the embedded stack's own server, with its S3 port opened.

Owns the container's ports and the one difference from `newsreel up`: S3 listens on every address
of the container, all else stays on its loopback. Credentials come from the settings
(NEWSREEL_S3_ACCESS_KEY, NEWSREEL_S3_SECRET_KEY), and are rendered into an identity file that only
this user can read. Command line and identity file are those of `newsreel.parts`.
"""

# ruff: noqa: INP001 - a script of the image, no package

from __future__ import annotations

import os
from pathlib import Path

from config.settings import load
from newsreel.parts import S3Ports, s3_part

DATA = Path("/var/lib/newsreel")

# SeaweedFS's own numbers; the container has the network to itself.
PORTS = S3Ports(
    s3=8333,
    s3_grpc=18333,
    master=9333,
    master_grpc=19333,
    volume=8080,
    volume_grpc=18080,
    filer=8888,
    filer_grpc=18888,
)


def main() -> None:
    """Become the server."""
    access = load().s3_access()
    part = s3_part(DATA, PORTS, access.access_key, access.secret_key)
    os.chdir(part.cwd)
    argv = (*part.argv, "-s3.ip.bind=0.0.0.0")
    os.execve(argv[0], argv, dict(part.env))  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
