# syntax=docker/dockerfile:1
# simtraffic alone, for CI jobs and clusters:
#   docker build --tag simtraffic .
#   docker run --rm --read-only --network host simtraffic run scenarios/smoke.yaml
# The file system may be read-only; what a run writes is named by its options. Ending a container,
# give a run the ten seconds it takes to drain: docker stop --timeout 15.

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY simtraffic simtraffic
COPY scenarios scenarios
COPY config/prometheus/rules config/prometheus/rules
COPY config/grafana/dashboards config/grafana/dashboards
RUN python -m pip wheel --no-deps --wheel-dir /wheels .
# Without pip inside; and from wheels alone, as there is no compiler here.
RUN python -m venv --without-pip /opt/simtraffic \
    && python -m pip --python /opt/simtraffic/bin/python install --only-binary :all: \
        --constraint constraints.txt /wheels/*.whl

FROM python:3.13-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="simtraffic" \
      org.opencontainers.image.description="Load generator and synthetic traffic for the telemetry of LLM services, over OTLP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# What installs packages is not needed to run one.
RUN rm -rf /usr/local/lib/python3.13/site-packages/pip* /usr/local/lib/python3.13/ensurepip \
        /usr/local/bin/pip* "$HOME/.cache"
COPY --from=build /opt/simtraffic /opt/simtraffic
# Those of the wheel under the short path that manifests and examples name; by name (`run smoke`)
# they are found anywhere.
RUN ln -s /opt/simtraffic/lib/python3.13/site-packages/simtraffic/shipped_files/scenarios /scenarios
ENV PATH=/opt/simtraffic/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["simtraffic"]
CMD ["--help"]
