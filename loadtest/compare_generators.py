"""What load generators can do, on one core each: ours beside wrk, oha and Locust, in turn, against a server that accepts
every bid and does nothing else (`loadtest null-server`), which has the other core.

Those that are not installed are left out, and named. Locust must be importable: `pip install -r requirements.txt`.
"""

import argparse
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOADTEST = Path(__file__).resolve().parent.parent / "target/release/loadtest"
BODY = '{"user_id":"user1","amount":100.01}'
PATH = "/api/v1/items/lot1/bid"

WRK = f"""wrk.method = "POST"
wrk.body = '{BODY}'
wrk.headers["content-type"] = "application/json"
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""

LOCUST = f"""from locust import FastHttpUser, constant, task


class Bidder(FastHttpUser):
    wait_time = constant(0)

    @task
    def bid(self):
        self.client.post("{PATH}", data='{BODY}', headers={{"content-type": "application/json"}})
"""


def run(command: list[str]) -> tuple[str, float]:
    """The output, and the seconds of processor time that the command and those below it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["taskset", "-c", "0", *command], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 5):
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Comparison:
    def __init__(self, url: str, seconds: int, users: int, rate: int, folder: Path):
        self.url, self.seconds, self.users, self.rate, self.folder = url, seconds, users, rate, folder
        (folder / "bid.lua").write_text(WRK)
        (folder / "locustfile.py").write_text(LOCUST)

    # Each answers: requests, seconds, processor seconds, p50 ms, p99 ms.

    def ours_trials(self) -> list[dict]:
        command = [str(LOADTEST), "calibrate", "--target", self.url, "--users", str(self.users), "--rate", str(self.rate)]
        run([*command, "--seconds", str(self.seconds), "--out", str(self.folder)])
        return json.loads((self.folder / "calibrate.json").read_text())["trials"]

    @staticmethod
    def of_trial(trial: dict) -> tuple:
        quantile = {known["quantile"]: known["ms"] for known in trial["latency"]["quantiles"]}
        requests = trial["answered_per_s"] * trial["seconds"]
        processor = trial["cpu_us_per_request"] * requests / 1e6
        return requests, trial["seconds"], processor, quantile.get(0.5), quantile.get(0.99)

    def wrk(self) -> tuple:
        script = str(self.folder / "bid.lua")
        out, processor = run(["wrk", "-t1", f"-c{self.users}", f"-d{self.seconds}s", "--latency", "-s", script, self.url + PATH])
        requests, us, p50, p99 = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out).groups())
        return requests, us / 1e6, processor, p50 / 1e3, p99 / 1e3

    def oha(self, *more: str) -> tuple:
        head = ["oha", "--no-tui", "--output-format", "json", "-z", f"{self.seconds}s", "-c", str(self.users), "-m", "POST"]
        out, processor = run([*head, "-T", "application/json", "-d", BODY, *more, self.url + PATH])
        result = json.loads(out)
        percentiles = result["latencyPercentiles"]
        requests = result["summary"]["requestsPerSec"] * result["summary"]["total"]
        return requests, result["summary"]["total"], processor, percentiles["p50"] * 1e3, percentiles["p99"] * 1e3

    def oha_open(self) -> tuple:
        return self.oha("-q", str(self.rate), "--latency-correction")

    def locust(self) -> tuple:
        prefix, file = str(self.folder / "locust"), str(self.folder / "locustfile.py")
        command = [sys.executable, "-m", "locust", "-f", file, "--headless", "--only-summary", "--host", self.url]
        users = ["-u", str(self.users), "-r", str(self.users), "-t", f"{self.seconds}s", "--csv", prefix]
        _, processor = run([*command, *users])
        total = (self.folder / "locust_stats.csv").read_text().splitlines()[-1].split(",")
        return int(total[2]), int(total[2]) / float(total[9]), processor, float(total[11]), float(total[18])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each comes, in turn")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--users", type=int, default=50, help="who bid at once in the closed loop")
    parser.add_argument("--rate", type=int, default=1000, help="requests a second of the open loop")
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    last = str((os.cpu_count() or 1) - 1)
    server = subprocess.Popen(["taskset", "-c", last, str(LOADTEST), "null-server", "--listen", address])
    try:
        time.sleep(0.5)
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(Comparison(f"http://{address}", arguments.seconds, arguments.users, arguments.rate, Path(folder)), arguments.rounds)
    finally:
        server.kill()
    show(measured)


def measure(comparison: Comparison, rounds: int) -> dict[str, list[tuple]]:
    ways = {}
    if shutil.which("wrk"):
        ways["wrk"] = comparison.wrk
    if shutil.which("oha"):
        ways["oha"] = comparison.oha
        ways["oha, open loop"] = comparison.oha_open
    if subprocess.run([sys.executable, "-c", "import locust"], capture_output=True).returncode == 0:
        ways["Locust FastHttpUser"] = comparison.locust
    missing = {"wrk", "oha", "Locust FastHttpUser"} - set(ways)
    if missing:
        print(f"not installed: {', '.join(sorted(missing))}")
    measured: dict[str, list[tuple]] = {}
    for _ in range(rounds):
        closed, opened = map(comparison.of_trial, comparison.ours_trials())
        measured.setdefault("loadtest", []).append(closed)
        measured.setdefault("loadtest, open loop", []).append(opened)
        for name, way in ways.items():
            measured.setdefault(name, []).append(way())
    return measured


def show(measured: dict[str, list[tuple]]) -> None:
    print(f"{'medians of the rounds':24} {'requests/s':>11} {'CPU µs each':>12} {'a core: /s':>11} {'p50 ms':>8} {'p99 ms':>8}")
    core = {}
    for name, rounds in measured.items():
        rate = statistics.median(requests / seconds for requests, seconds, *_ in rounds)
        each = statistics.median(processor * 1e6 / requests for requests, _, processor, *_ in rounds)
        p50, p99 = (statistics.median(one[place] or 0 for one in rounds) for place in (3, 4))
        core[name] = 1e6 / each
        print(f"{name:24} {rate:11,.0f} {each:12.1f} {core[name]:11,.0f} {p50:8.3f} {p99:8.3f}")
    if "Locust FastHttpUser" in core:
        print(f"loadtest to Locust FastHttpUser, on one core: {core['loadtest'] / core['Locust FastHttpUser']:.1f}×")


if __name__ == "__main__":
    main()
