"""A rate limit that all workers share: a token bucket in Redis, and steps that wait for their turn.

A provider counts the requests of the whole account, and not those of one worker. So the count is kept in
Redis, by one script that no other command can interrupt. A step that gets no token gives up its slot, and
its message is sent again later.
"""

from __future__ import annotations

import hashlib
import logging
import os
from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings
from redis import Redis
from redis.exceptions import RedisError

from pipeline.documents import DocumentRef
from pipeline.errors import TransientError
from pipeline.lifecycle.decisions import BeforeRun, Drop, RetryAfter, Run
from pipeline.lifecycle.hooks import JobHook, TaskCall
from pipeline.models.dead_letters import ReliableJob, Waiting
from pipeline.models.job import Job
from pipeline.models.leases import hand_over
from pipeline.models.retry_settings import retry_settings
from pipeline.models.settings import job_settings
from pipeline.settings import worker_settings

logger = logging.getLogger(__name__)

LIMITED_STEP = "embed"
"""The step that sends requests to the provider."""
DATABASE = 2
"""The Redis database of the buckets."""
ANSWER_SECONDS = 1.0
"""How long Redis may take to connect, and to answer."""


class RateSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    provider_requests_per_second: float = Field(50.0, gt=0)
    """How many requests all workers together send, on average."""
    provider_burst: int = Field(50, ge=1)
    """How many tokens the bucket holds: so many requests may be sent at once after a pause."""


@cache
def rate_settings() -> RateSettings:
    """Return the settings of this process, which are read once."""
    return RateSettings()


class NoToken(TransientError):
    default_message = "The provider's rate limit is reached. The step waits for its turn."


def token_bucket() -> str:
    """Return the Lua script that takes tokens from a bucket.

    The script gets `KEYS[1]`, the key of the bucket, and three arguments: `ARGV[1]` is the rate in tokens
    per second, `ARGV[2]` is how many tokens the bucket holds, and `ARGV[3]` is how many are wanted, 1 or
    more. A bucket that does not exist yet is full.

    Returns:
        The script. It returns the seconds to wait as a text: "0" if it has taken the tokens. Lua numbers
        lose their fraction on the way to the client.
    """
    # TODO 8.4:
    #   a) Take the time from Redis (`redis.call('TIME')`: seconds and microseconds), because the
    #      clocks of the workers differ. Keep the bucket's tokens and the time of the last call in
    #      one hash.
    #   b) The bucket gains `ARGV[1]` tokens per second, fractions included, and never holds more
    #      than `ARGV[2]`.
    #   c) If it has enough tokens, subtract `ARGV[3]`, and return "0".
    #   d) If not, take nothing. Return the seconds until it has enough.
    #   e) A step can want more tokens than the bucket holds. Then a full bucket is enough, and the
    #      number of tokens becomes negative, so those who come later wait longer.
    #   f) Let the key expire once the bucket is full again, so that Redis keeps no unused buckets.
    raise NotImplementedError("8.4")


WAITING_LINE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
if last <= now and ARGV[3] == '0' then return '0' end
local turn = math.max(now + tonumber(ARGV[1]), last)
local ends = turn + tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.6f', ends), 'PX', math.ceil((ends - now) * 1000) + 1000)
return string.format('%.6f', turn - now)
"""
"""Gives a step its turn behind those that wait already, so that thousands do not ask again at the same
moment. `ARGV`: the seconds until there is a token, the seconds that the step's own tokens take, and "0" if
the step waits only where others wait."""


@cache
def redis_client() -> Redis:
    """Return this process's client."""
    return Redis.from_url(
        worker_settings().redis_database(DATABASE),
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
    )


def account() -> str:
    """Return a name for the provider's account. The key itself must not stand in Redis."""
    used = os.environ.get("OPENAI_BASE_URL", "") + "\n" + os.environ.get("OPENAI_API_KEY", "")
    return hashlib.sha256(used.encode()).hexdigest()[:16]


def take(name: str, wanted: int) -> float:
    """Take tokens from an account's bucket. Given to students complete.

    Returns:
        0.0 if the tokens were taken. Otherwise the seconds until the bucket has enough.

    Raises:
        RedisError: Redis cannot be reached, or the script has an error.
    """
    settings = rate_settings()
    numbers = [settings.provider_requests_per_second, settings.provider_burst, wanted]
    return float(redis_client().eval(token_bucket(), 1, f"bucket:{name}", *numbers))


def turn(name: str, urgent: bool, missing: float, wanted: int, join: bool) -> float:
    """Return the seconds until a step's turn. Given to students complete.

    Urgent steps have a line of their own, so they never stand behind a backlog.

    Args:
        name: the account.
        urgent: whether the job is urgent.
        missing: the seconds until there is a token.
        wanted: how many tokens the step wants.
        join: whether the step waits in any case. If not, it waits only if others wait already.
    """
    key = f"line:{name}:{'urgent' if urgent else 'normal'}"
    own = wanted / rate_settings().provider_requests_per_second
    return float(redis_client().eval(WAITING_LINE, 1, key, missing, own, int(join)))


def wait_for_turn(job: ReliableJob, call: TaskCall, seconds: float) -> RetryAfter | Drop:
    """Let a step wait for its turn without a slot.

    Args:
        job: the job as the step took it.
        call: the step's message.
        seconds: how long the step waits.

    Returns:
        RetryAfter: Celery sends the step's message again, with this delay.
        Drop: no message is sent. The row keeps the delay, and the outbox sends the message.

    Raises:
        JobConflict: the job was cancelled, or another worker has taken it. Nothing was written.
    """
    waiting = {"waiting": Waiting(number=call.number, arguments=call.arguments).model_dump()}
    # TODO 8.4:
    #   g) End the lease with `hand_over(job, waiting, …)`, so that no worker holds the job. Do not
    #      sleep, and count no failed attempt: a wait is not an error.
    #   h) If `seconds` is above `retry_settings().broker_wait_seconds`, make the row due after
    #      `seconds`, and return `Drop` with a reason.
    #   i) Otherwise return `RetryAfter(seconds, NoToken())`, and make the row due when this message
    #      counts as lost: after `seconds` plus `job_settings().redrive_seconds`.
    raise NotImplementedError("8.4")


class RateLimit(JobHook):
    """Lets a step that asks the provider run only if there is a token for each of its requests.

    Given to students complete.
    """

    def before(self, job: Job, call: TaskCall) -> BeforeRun:
        """Let the step run, or let it wait for its turn."""
        if call.step != LIMITED_STEP:
            return Run()
        try:
            return self._admit(ReliableJob.of(job), call)
        except NotImplementedError:  # until the exercise is done, there is no limit
            return Run()
        except RedisError as error:  # the provider's own limit remains, and week 5 retries its 429
            logger.warning("job %s runs without a token: %r", job.id, error)
            return Run()

    def _admit(self, job: ReliableJob, call: TaskCall) -> BeforeRun:
        wanted = requests_of(call)
        if wanted == 0:
            return Run()
        name, urgent = account(), DocumentRef(**call.arguments[0]).urgent
        has_waited = job.waiting is not None and job.waiting.number == call.number
        seconds = 0.0 if has_waited else turn(name, urgent, 0.0, wanted, join=False)
        if seconds == 0.0:
            missing = take(name, wanted)
            if missing == 0.0:
                return Run()
            seconds = turn(name, urgent, missing, wanted, join=True)
        logger.info("job %s waits %.2f s for the provider's rate limit", job.id, seconds)
        return wait_for_turn(job, call, seconds)


def requests_of(call: TaskCall) -> int:
    """Return how many requests the step will send. 0: its artifact exists, so it sends none."""
    # imported here: `pipeline.wiring` names this module, and the steps' tasks need the wiring
    from pipeline.steps.artifacts import artifact_key, load_json
    from pipeline.steps.embed import batches, embedding_model
    from pipeline.storage import blob_store

    ref = call.arguments[0]
    made = artifact_key(ref["document_id"], "embed", ref["chunks_key"], model=embedding_model())
    if blob_store().exists(made):
        return 0
    texts = dict.fromkeys(chunk["text"] for chunk in load_json(ref["chunks_key"]))
    return len(batches(list(texts)))
