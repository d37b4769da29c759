"""Load generators that can be compared: how each is called, and what it says of a run.

A run is: requests, seconds, seconds of processor time, p50 and p99 in milliseconds.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
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

Run = tuple[float, float, float, float, float]


def run(command: list[str]) -> tuple[str, float]:
    """On one core, before others where that is allowed: the output, and the seconds of processor time that the command and those below it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["taskset", "-c", "0", "nice", "-n", "-15", *command], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 5):
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def installed() -> dict[str, bool]:
    locust = subprocess.run([sys.executable, "-c", "import locust"], capture_output=True).returncode == 0
    return {"wrk": bool(shutil.which("wrk")), "oha": bool(shutil.which("oha")), "Locust FastHttpUser": locust}


class Generators:
    """All against one server, with as many users in the closed loop, and at the same rate in the open one."""

    def __init__(self, url: str, seconds: int, users: int, rate: int, folder: Path):
        self.url, self.seconds, self.users, self.rate, self.folder = url, seconds, users, rate, folder
        (folder / "bid.lua").write_text(WRK)
        (folder / "locustfile.py").write_text(LOCUST)

    def ours(self) -> tuple[Run, Run]:
        """The closed loop, and the open one."""
        command = [str(LOADTEST), "calibrate", "--target", self.url, "--users", str(self.users), "--rate", str(self.rate)]
        run([*command, "--seconds", str(self.seconds), "--out", str(self.folder)])
        closed, opened = json.loads((self.folder / "calibrate.json").read_text())["trials"]
        return self.of_trial(closed), self.of_trial(opened)

    @staticmethod
    def of_trial(trial: dict) -> Run:
        quantile = {known["quantile"]: known["ms"] for known in trial["latency"]["quantiles"]}
        requests = trial["answered_per_s"] * trial["seconds"]
        processor = trial["cpu_us_per_request"] * requests / 1e6
        return requests, trial["seconds"], processor, quantile.get(0.5), quantile.get(0.99)

    def wrk(self) -> Run:
        script = str(self.folder / "bid.lua")
        out, processor = run(["wrk", "-t1", f"-c{self.users}", f"-d{self.seconds}s", "--latency", "-s", script, self.url + PATH])
        requests, us, p50, p99 = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out).groups())
        return requests, us / 1e6, processor, p50 / 1e3, p99 / 1e3

    def oha(self, *more: str) -> Run:
        head = ["oha", "--no-tui", "--output-format", "json", "-z", f"{self.seconds}s", "-c", str(self.users), "-m", "POST"]
        out, processor = run([*head, "-T", "application/json", "-d", BODY, *more, self.url + PATH])
        result = json.loads(out)
        percentiles, answered = result["latencyPercentiles"], sum(result["statusCodeDistribution"].values())
        return answered, result["summary"]["total"], processor, percentiles["p50"] * 1e3, percentiles["p99"] * 1e3

    def oha_open(self) -> Run:
        # It needs connections to spare: what waits for one is not sent when it is due.
        return self.oha("-q", str(self.rate), "--latency-correction")

    def locust(self) -> Run:
        prefix, file = str(self.folder / "locust"), str(self.folder / "locustfile.py")
        command = [sys.executable, "-m", "locust", "-f", file, "--headless", "--only-summary", "--host", self.url]
        users = ["-u", str(self.users), "-r", str(self.users), "-t", f"{self.seconds}s", "--csv", prefix]
        _, processor = run([*command, *users])
        total = (self.folder / "locust_stats.csv").read_text().splitlines()[-1].split(",")
        return int(total[2]), int(total[2]) / float(total[9]), processor, float(total[11]), float(total[18])
