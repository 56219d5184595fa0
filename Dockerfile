# The gateway's image: its locked dependencies and itself in one environment, on a slim Python, run by nobody in
# particular. Nothing here depends on the architecture; docs/operate.md says how to build for several at once.
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
ENV PATH=/opt/uv/bin:$PATH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/gateway
WORKDIR /src
# The uv that uv.lock names, as for `make install`.
COPY bootstrap.py uv.lock ./
RUN python bootstrap.py /opt/uv
# Dependencies first: their layer stays while only the gateway changes. All extras: uvloop, Redis, PostgreSQL, traces.
COPY pyproject.toml ./
RUN uv sync --locked --no-dev --all-extras --no-editable --no-install-project
COPY README.md ./
COPY gateway gateway
RUN uv sync --locked --no-dev --all-extras --no-editable

FROM python:${PYTHON_VERSION}-slim
ARG PYTHON_VERSION
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="argocd-sse-gateway" \
      org.opencontainers.image.description="A real-time gateway between Argo CD and everyone who wants to see deployments live." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:${PYTHON_VERSION}-slim"
COPY --from=build /opt/gateway /opt/gateway
# In a container loopback is nobody's: listen on all addresses. GATEWAY_AUTH is left for whoever runs it to choose;
# without it the gateway says so and doesn't start. Metrics need no choice: they tell no names.
# Two of malloc's arenas: with one for each thread, freed memory lies in pieces that nobody can use.
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    GATEWAY_HOST=0.0.0.0 \
    GATEWAY_METRICS_HOST=0.0.0.0
# A number, so that Kubernetes can see that it isn't root.
USER 65532:65532
WORKDIR /
EXPOSE 8090 9464
# No shell in between: SIGTERM reaches the gateway, which then lets its streams leave one by one.
ENTRYPOINT ["gateway"]
CMD ["serve"]
