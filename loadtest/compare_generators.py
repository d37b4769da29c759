"""Our load generator beside wrk, oha and Locust, each on one core in turn, against a server that has another one.

Capacity: what a core of each can do, against a server that answers at once (`loadtest null-server`): it is the generators
that differ. Agreement: what each says of a server that takes its time, forty workers of 20 ms each. There the closed loop's
rate and latencies and the open loop's latencies are the server's, so all must say the same.

Those that are not installed are left out, and named. Locust must be importable: `pip install -r requirements.txt`.
"""

import argparse
import os
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from generators import LOADTEST, Generators, Run, installed

WORKERS, WORK_US = 40, 20_000
# In the closed loop of the agreement: one waits for each who is worked on, so that the workers are what is waited for.
USERS = 2 * WORKERS
# The open loop's rate: a fourth of what the server can do, so that hardly anybody waits for a worker. Who comes evenly (oha)
# waits less than who comes at random (ours), as soon as somebody waits.
RATE = WORKERS * 1_000_000 // WORK_US // 4
AGREES = 0.10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each comes, in turn")
    parser.add_argument("--seconds", type=int, default=6, help="how long each lasts")
    parser.add_argument("--users", type=int, default=50, help="who bid at once in the closed loop of the capacity")
    parser.add_argument("--only", choices=["capacity", "agreement"], help="one of the two tables")
    arguments = parser.parse_args()
    there = installed()
    if missing := [name for name, is_there in there.items() if not is_there]:
        print(f"not installed: {', '.join(missing)}")
    if arguments.only != "agreement":
        with generators(arguments, arguments.users, 2 * RATE) as those:
            show_capacity(in_turn(those, there, arguments.rounds))
    if arguments.only != "capacity":
        with generators(arguments, USERS, RATE, "--workers", str(WORKERS), "--work-us", str(WORK_US)) as those:
            show_agreement(in_turn(those, there | {"Locust FastHttpUser": False}, arguments.rounds))


@contextmanager
def generators(arguments: argparse.Namespace, users: int, rate: int, *server: str):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    last = str((os.cpu_count() or 1) - 1)
    command = ["taskset", "-c", last, str(LOADTEST), "null-server", "--listen", address, *server]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        with tempfile.TemporaryDirectory() as folder:
            yield Generators(f"http://{address}", arguments.seconds, users, rate, Path(folder))
    finally:
        process.kill()


def in_turn(those: Generators, there: dict[str, bool], rounds: int) -> dict[str, list[Run]]:
    """Another one begins in every round."""
    ways = {"loadtest": those.ours}
    ways |= {"wrk": those.wrk} if there["wrk"] else {}
    ways |= {"oha": those.oha, "oha, open loop": those.oha_open} if there["oha"] else {}
    ways |= {"Locust FastHttpUser": those.locust} if there["Locust FastHttpUser"] else {}
    measured: dict[str, list[Run]] = {"loadtest": [], "loadtest, open loop": []} | {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            came = ways[name]()
            if name == "loadtest":
                closed, opened = came
                measured["loadtest, open loop"].append(opened)
                came = closed
            measured[name].append(came)
    return measured


def medians(runs: list[Run]) -> dict[str, float]:
    of = lambda value: statistics.median(value(*run) for run in runs)
    return {
        "rate": of(lambda requests, seconds, *_: requests / seconds),
        "cpu_us": of(lambda requests, _seconds, processor, *_: processor * 1e6 / requests),
        "p50": of(lambda *run: run[3] or 0),
        "p99": of(lambda *run: run[4] or 0),
    }


def show_capacity(measured: dict[str, list[Run]]) -> None:
    print(f"\n{'Capacity: medians':24} {'requests/s':>11} {'CPU µs each':>12} {'a core: /s':>11} {'p50 ms':>8} {'p99 ms':>8}")
    all_said = {name: medians(runs) for name, runs in measured.items()}
    for name, said in all_said.items():
        core = 1e6 / said["cpu_us"]
        print(f"{name:24} {said['rate']:11,.0f} {said['cpu_us']:12.1f} {core:11,.0f} {said['p50']:8.3f} {said['p99']:8.3f}")
    if locust := all_said.get("Locust FastHttpUser"):
        ours = all_said["loadtest"]
        by_rate, by_time = ours["rate"] / locust["rate"], locust["cpu_us"] / ours["cpu_us"]
        print(f"loadtest to Locust FastHttpUser, on one core: {by_rate:.1f}× as many requests/s ({by_time:.1f}× by processor time, its start included)")


def show_agreement(measured: dict[str, list[Run]]) -> None:
    print(f"\nAgreement: medians of a server of {WORKERS * 1_000_000 // WORK_US:,} requests/s, {WORK_US / 1_000:.0f} ms each; open loop {RATE}/s")
    print(f"{'':24} {'':10} {'loadtest':>10} {'it':>10} {'ratio':>7} {'rounds':>13}")
    for ours, theirs in [("loadtest", "wrk"), ("loadtest", "oha"), ("loadtest, open loop", "oha, open loop")]:
        if theirs not in measured:
            continue
        said, its = medians(measured[ours]), medians(measured[theirs])
        for quantity in ["rate", "p50", "p99"]:
            ratio = said[quantity] / its[quantity]
            pairs = [medians([one])[quantity] / medians([other])[quantity] for one, other in zip(measured[ours], measured[theirs])]
            verdict = "agrees" if abs(ratio - 1) <= AGREES else "DIFFERS"
            spread = f"{min(pairs):.2f}–{max(pairs):.2f}"
            print(f"{theirs:24} {quantity:10} {said[quantity]:10,.2f} {its[quantity]:10,.2f} {ratio:7.3f} {spread:>13} {verdict}")


if __name__ == "__main__":
    main()
