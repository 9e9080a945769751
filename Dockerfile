# syntax=docker/dockerfile:1

# Libraries by their hashes, then the gateway itself, all into one environment.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
RUN python -m venv /opt/kiro-trio
COPY requirements.lock ./
RUN /opt/kiro-trio/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY kiro_trio ./kiro_trio
RUN /opt/kiro-trio/bin/pip install --no-deps . \
    && /opt/kiro-trio/bin/pip uninstall -y pip \
    && /opt/kiro-trio/bin/python -m compileall -q /opt/kiro-trio

FROM python:3.13-slim
# Another number can be given when the volume belongs to somebody else: --build-arg UID=1001, or `user:` at run time.
ARG UID=10001
RUN groupadd --gid "${UID}" kiro \
    && useradd --uid "${UID}" --gid "${UID}" --no-create-home --home-dir /data --shell /usr/sbin/nologin kiro \
    && install -d -o kiro -g kiro -m 0700 /data
COPY --from=build /opt/kiro-trio /opt/kiro-trio
# All that is ever written is below /data: config, accounts and their renewed tokens, figures. The rest may be read-only.
ENV PATH=/opt/kiro-trio/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data \
    KIRO_TRIO_CONFIG=/data/config.json \
    KIRO_TRIO_CREDENTIALS_FILE=/data/credentials.json \
    KIRO_TRIO_HOST=0.0.0.0 \
    KIRO_TRIO_PORT=8990 \
    KIRO_TRIO_LOG_FORMAT=json
USER ${UID}:${UID}
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8990
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["kiro-trio", "health"]
ENTRYPOINT ["kiro-trio"]
CMD ["serve"]
