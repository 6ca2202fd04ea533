# Two images: `pipeline` runs the reference (API and workers), `stand-ins` the local services.
# docker build --target pipeline .

FROM python:3.13-slim AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN useradd --system --uid 10001 --no-create-home app
WORKDIR /app
COPY requirements.lock /tmp/requirements.lock
# The versions are in requirements.lock. A test compares these names with what the code imports.
RUN pip install --constraint /tmp/requirements.lock \
    boto3 \
    celery \
    dnspython \
    fastapi \
    filetype \
    httpx \
    "kombu[redis]" \
    numpy \
    openai \
    pgvector \
    "psycopg[binary,pool]" \
    pydantic \
    pydantic-settings \
    pypdf \
    python-docx \
    python-multipart \
    redis \
    semantic-text-splitter \
    standardwebhooks \
    uvicorn

# All weeks copied over one another: one ordinary package.
FROM base AS layers
COPY bootcamp/ /app/bootcamp/
COPY solutions/ /app/solutions/
RUN python -m bootcamp.merge /merged

FROM base AS stand-ins
RUN pip install --constraint /tmp/requirements.lock ministack scikit-learn
COPY bootcamp/ /app/bootcamp/
RUN python -m compileall -q /app && install --directory --owner=app /data
USER app

FROM base AS pipeline
COPY --from=layers /merged/ /app/
RUN python -m compileall -q /app
USER app
EXPOSE 8000
# No shell in between: a stop signal reaches the server itself.
CMD ["uvicorn", "pipeline.api.app:app", "--host", "0.0.0.0", "--port", "8000", "--no-server-header", "--timeout-graceful-shutdown", "20"]
