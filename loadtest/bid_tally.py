"""Counts what became of the bids of a Locust run, in every process, and prints the totals at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import gevent
from gevent.lock import Semaphore
from locust import events
from locust.contrib.fasthttp import FastResponse
from locust.env import Environment
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner, WorkerRunner

# Locust drops requests that are under way when a run ends. Their bids would be accepted and not counted.
FINISH_SECONDS = 15.0


class Outcome(StrEnum):
    """What became of a bid. Only the first two are verdicts; the others are failures."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    NO_ANSWER = "no answer"
    OTHER = "other error"


_tally: Counter[str] = Counter()
_workers_finished = Semaphore(0)


def count(outcome: Outcome) -> None:
    """Counts one bid, in this process."""
    _tally[outcome] += 1


def outcome_of(response: FastResponse) -> Outcome:
    """What became of a bid. `success` decides between the verdicts: a refused bid is no error, but it is no success."""
    match response.status_code:
        case 200 | 201:
            verdict = body_of(response).get("success")
            if verdict is True:
                return Outcome.ACCEPTED
            return Outcome.REFUSED if verdict is False else Outcome.OTHER
        case 429:
            return Outcome.THROTTLED
        case 503:
            return Outcome.UNAVAILABLE
        case 0:
            return Outcome.NO_ANSWER
    return Outcome.OTHER


def failure_text(response: FastResponse) -> str:
    """What Locust's table of failures says: one line for each kind, so that the table stays short."""
    match response.status_code:
        case 0:
            return f"no answer: {type(getattr(response, 'error', None)).__name__}"
        case 429:
            return "429 throttled"
        case 503:
            return f"503 unavailable: {body_of(response).get('detail', '')}"
    return f"{response.status_code} unexpected: {body_of(response).get('detail', '')}"


def body_of(response: FastResponse) -> Mapping[str, Any]:
    """The JSON object of an answer; empty if it is none, which is then an outcome of its own."""
    try:
        body = json.loads(response.content or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


@events.init.add_listener
def _let_bids_finish(environment: Environment, **_: Any) -> None:
    environment.stop_timeout = environment.stop_timeout or FINISH_SECONDS
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("finish", _finish, concurrent=True)
    elif isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("finished", _finished)


def _finish(environment: Environment, **_: Any) -> None:
    environment.runner.stop()
    environment.runner.send_message("finished")


def _finished(**_: Any) -> None:
    _workers_finished.release()


@events.test_stop.add_listener
def _wait_for_the_workers(environment: Environment, **_: Any) -> None:
    """Locust waits half a second for the last reports of `--processes`; busy workers need longer to finish."""
    if isinstance(environment.runner, MasterRunner) and not environment.web_ui:
        environment.runner.send_message("finish")
        with gevent.Timeout(FINISH_SECONDS, False):
            for _worker in range(environment.runner.worker_count):
                _workers_finished.acquire()


@events.test_start.add_listener
def _start_over(**_: Any) -> None:
    _tally.clear()


@events.report_to_master.add_listener
def _report(data: dict[str, Any], **_: Any) -> None:
    data["bids"] = dict(_tally)
    _tally.clear()


@events.worker_report.add_listener
def _add_report(data: dict[str, Any], **_: Any) -> None:
    _tally.update(data.get("bids", {}))


@events.test_stop.add_listener
def _print_after_a_run_of_the_web_ui(environment: Environment, **_: Any) -> None:
    if environment.web_ui:
        workers_report_s = WORKER_REPORT_INTERVAL + 1 if isinstance(environment.runner, MasterRunner) else 0
        gevent.spawn_later(workers_report_s, _print_totals, environment)


@events.quitting.add_listener
def _print_before_leaving(environment: Environment, **_: Any) -> None:
    """Only here have the last reports of `--processes` come in. After Ctrl-C the users are still at work: they stop."""
    if environment.web_ui or environment.runner is None or isinstance(environment.runner, WorkerRunner):
        return
    environment.runner.quit()
    _print_totals(environment)


def _print_totals(environment: Environment) -> None:
    total = environment.stats.total
    median, p95, p99 = (total.get_response_time_percentile(quantile) for quantile in (0.5, 0.95, 0.99))
    print()
    print("Bids      " + " · ".join(f"{outcome} {_tally[outcome]:,}" for outcome in Outcome))
    print(f"Requests  {total.num_requests:,}, failed {total.num_failures:,} · {total.total_rps:,.1f} RPS")
    print(f"Times     median {median} ms · p95 {p95} ms · p99 {p99} ms, as this Python program saw them")
    if environment.runner.cpu_warning_emitted or environment.runner.worker_cpu_warning_emitted:
        print("Warning   a Locust process used over 90 % of a core: these are Locust's limits, not the system's")
    print(flush=True)
