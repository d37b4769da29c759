"""Experiment 2: how long an accepted bid takes to reach every viewer of its item.

A bid's latency is measured twice for each viewer: from just before its POST is sent, and from the `timestamp` of its
event, which is Redis's clock at the moment of acceptance. Both end when this program has read the frame, so the time
it needs for the frames of other viewers is part of them; its CPU time per frame is printed beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import json
import resource
import socket
import ssl
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from websocket_viewer import Audience, Viewer

FLOOR_CENTS = 100_00
STEP_CENTS = 1_00
# Somebody else may bid on the item too, and be quicker.
ATTEMPTS_PER_BID = 5
DELIVERY_DEADLINE_S = 10.0
HANDSHAKE_DEADLINE_S = 30.0
HTTP_DEADLINE_S = 10.0
GOODBYE_DEADLINE_S = 5.0
# More at once only wait in the relay's backlog.
HANDSHAKES_AT_ONCE = 200
# Python, its modules, the event loop and the POST need files too.
FILES_RESERVED = 64
# One address has 28,232 ports for connections to one server, and a closed connection blocks its port for a minute.
LOOPBACK_SOURCES = [f"127.0.0.{last}" for last in range(2, 34)]


@dataclass
class BidResult:
    """One accepted bid: milliseconds for each viewer that got it."""

    from_post_ms: list[float]
    from_acceptance_ms: list[float]


@dataclass
class Results:
    """Everything that the report needs."""

    asked: int
    opened: int = 0
    bids_asked: int = 0
    bids: list[BidResult] = field(default_factory=list)
    cpu_s: float = 0.0
    not_opened: Counter[str] = field(default_factory=Counter)

    def all_well(self, audience: Audience) -> bool:
        """Whether everything that was asked for happened, and every viewer saw every bid, once and in order."""
        return (
            self.opened == self.asked
            and len(self.bids) == self.bids_asked
            and all(len(bid.from_post_ms) == self.opened for bid in self.bids)
            and not audience.repeated + audience.skipped + audience.snapshots + audience.closings.total()
        )


class Bidder:
    """Places bids over HTTP. Blocking, so that its clock starts when the request is really sent."""

    def __init__(self, api_url: str, item: str, user: str) -> None:
        self._url = urlsplit(api_url)
        self._path = f"{self._url.path.rstrip('/')}/api/v1/items/{item}"
        self._user = user
        self._price: float | None = None

    def place(self) -> tuple[dict, float]:
        """An accepted bid's answer, and when its POST was sent. Raises if no bid is accepted."""
        for _attempt in range(ATTEMPTS_PER_BID):
            if self._price is None:
                self._read_price()
            cents = max(round(self._price * 100), FLOOR_CENTS) + STEP_CENTS
            body = json.dumps({"user_id": self._user, "amount": cents / 100})
            status, answer, sent_at = self._request("POST", f"{self._path}/bid", body)
            self._price = answer.get("current_bid")
            if answer.get("success"):
                return answer, sent_at
            if self._price is None:
                raise ConnectionError(f"{status} {answer.get('detail', '')}")
        raise ConnectionError(f"refused {ATTEMPTS_PER_BID} times: others bid on this item too")

    def _read_price(self) -> None:
        status, item, _ = self._request("GET", self._path)
        if status != http.client.OK:
            raise ConnectionError(f"the price cannot be read: {status} {item.get('detail', '')}")
        self._price = item["current_bid"]

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, dict, float]:
        secure = self._url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(self._url.hostname, self._url.port, timeout=HTTP_DEADLINE_S)
        try:
            connection.connect()
            sent_at = time.perf_counter()
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read()), sent_at
        finally:
            connection.close()


async def open_viewers(audience: Audience, count: int, results: Results) -> list[Viewer]:
    """Opens the connections, some at a time, and counts those that fail by their reason."""
    address, sources = reachable(audience.url)
    tls = ssl.create_default_context() if audience.url.scheme == "wss" else None
    viewers: list[Viewer] = []

    async def open_some(numbers: Iterator[int]) -> None:
        for number in numbers:
            source = (sources[number % len(sources)], 0) if sources else None
            viewer = Viewer(audience)
            try:
                async with asyncio.timeout(HANDSHAKE_DEADLINE_S):
                    await asyncio.get_running_loop().create_connection(
                        lambda viewer=viewer: viewer,
                        *address,
                        local_addr=source,
                        ssl=tls,
                        server_hostname=audience.url.hostname if tls else None,
                    )
                    await viewer.ready
                viewers.append(viewer)
            except (OSError, TimeoutError) as error:
                viewer.abort()
                results.not_opened[str(error) or type(error).__name__] += 1

    numbers = iter(range(count))
    await asyncio.gather(*(open_some(numbers) for _ in range(HANDSHAKES_AT_ONCE)))
    return viewers


def reachable(url: SplitResult) -> tuple[tuple[str, int], list[str]]:
    """The first address of the host that answers, since `localhost` may be ::1 first; and addresses to connect from."""
    port = url.port or (443 if url.scheme == "wss" else 80)
    with socket.create_connection((url.hostname, port), timeout=HTTP_DEADLINE_S) as probe:
        host = probe.getpeername()[0]
    has_loopback_net = sys.platform == "linux" and host.startswith("127.")
    return (host, port), LOOPBACK_SOURCES if has_loopback_net else []


async def close_viewers(viewers: list[Viewer]) -> None:
    for viewer in viewers:
        viewer.say_goodbye()
    await asyncio.wait([viewer.gone for viewer in viewers], timeout=GOODBYE_DEADLINE_S)
    for viewer in viewers:
        viewer.abort()


async def measure(audience: Audience, bidder: Bidder, options: argparse.Namespace, results: Results) -> None:
    """Places the bids one after another, each when everybody has the one before it."""
    for number in range(1, options.bids + 1):
        cpu_before = time.process_time()
        try:
            answer, sent_at = await asyncio.to_thread(bidder.place)
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"Bid {number}/{options.bids}: not accepted: {error}", flush=True)
        else:
            event = await audience.see(answer["event_id"], results.opened, DELIVERY_DEADLINE_S)
            results.cpu_s += time.process_time() - cpu_before
            arrivals = sorted(event.arrivals) if event else []
            accepted_at = event.accepted_at if event else sent_at
            bid = BidResult(
                [(arrival - sent_at) * 1000 for arrival in arrivals],
                [(arrival - accepted_at) * 1000 for arrival in arrivals],
            )
            results.bids.append(bid)
            print_bid(number, options.bids, answer["your_bid"], bid, results.opened)
        if number < options.bids:
            await asyncio.sleep(options.interval)


async def run(options: argparse.Namespace) -> bool:
    """The whole test. Whether every viewer got every bid."""
    user = f"fanout_test_{uuid.uuid4().hex[:12]}"
    audience = Audience(urlsplit(f"{options.ws_url.rstrip('/')}/ws/items/{options.item_id}"), user)
    results = Results(asked=options.connections, bids_asked=options.bids)
    allowed = raise_file_limit(options.connections)
    if allowed < options.connections:
        results.not_opened["the limit on open files (ulimit -n) allows no more"] = options.connections - allowed

    started = time.perf_counter()
    viewers = await open_viewers(audience, allowed, results)
    results.opened = len(viewers)
    print(f"Opened {results.opened:,} of {options.connections:,} connections", end="")
    print(f" in {time.perf_counter() - started:.1f} s on {options.item_id}\n", flush=True)
    # A collection of this many objects takes longer than a fan-out.
    gc.collect()
    gc.freeze()
    gc.disable()
    if viewers:
        await measure(audience, Bidder(options.api_url, options.item_id, user), options, results)
        await close_viewers(viewers)
    print_summary(results, audience)
    return results.all_well(audience)


def raise_file_limit(connections: int) -> int:
    """Raises the limit on open files as far as it is allowed. Returns how many connections it leaves room for."""
    wanted = connections + FILES_RESERVED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limits in ((wanted, max(wanted, hard)), (hard, hard)):
        if soft != resource.RLIM_INFINITY and soft < wanted:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
                soft = limits[0]
            except (ValueError, OSError):
                continue
    return connections if soft == resource.RLIM_INFINITY else max(0, min(connections, soft - FILES_RESERVED))


def print_bid(number: int, bids: int, amount: float, bid: BidResult, viewers: int) -> None:
    times = bid.from_post_ms
    print(f"Bid {number}/{bids} at {amount:.2f}")
    print(f"  Received by: {len(times):,}/{viewers:,} clients")
    if times:
        print(f"  Latency - Min: {times[0]:.1f} ms, Median: {percentile(times, 50):.1f} ms, Max: {times[-1]:.1f} ms")
        print(f"            P95: {percentile(times, 95):.1f} ms, P99: {percentile(times, 99):.1f} ms", flush=True)


def print_summary(results: Results, audience: Audience) -> None:
    expected = results.bids_asked * results.asked
    received = sum(len(bid.from_post_ms) for bid in results.bids)
    print("\nEXPERIMENT 2: WebSocket fan-out")
    print(f"  Connections      {results.opened:,} of {results.asked:,}")
    for reason, count in results.not_opened.most_common():
        print(f"    not opened     {count:,}: {reason}")
    for reason, count in audience.closings.most_common():
        print(f"    closed early   {count:,}: {reason}")
    print(f"  Bids accepted    {len(results.bids)} of {results.bids_asked}")
    print(f"  Frames received  {received:,} of {expected:,} ({100 * received / expected:.2f} %)", end="")
    print(f", {audience.repeated:,} repeated, {audience.skipped:,} gaps, {audience.snapshots:,} later snapshots")
    print_latencies("from the POST", [time_ms for bid in results.bids for time_ms in bid.from_post_ms])
    print_latencies("from acceptance", [time_ms for bid in results.bids for time_ms in bid.from_acceptance_ms])
    if received:
        print(f"  This program's own CPU time: {results.cpu_s / received * 1e6:.1f} µs per frame")
    print("PASSED" if results.all_well(audience) else "FAILED: not everybody got everything")


def print_latencies(since: str, times_ms: list[float]) -> None:
    if not times_ms:
        return
    times_ms.sort()
    print(f"  Latency {since}, ms")
    print(f"    Min {times_ms[0]:.1f}  Mean {statistics.fmean(times_ms):.1f}  Max {times_ms[-1]:.1f}", end="")
    print("".join(f"  P{percent} {percentile(times_ms, percent):.1f}" for percent in (50, 95, 99)))


def percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that at least `percent` of all are not above."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=positive, default=100, help="viewers to connect (100)")
    parser.add_argument("--bids", type=positive, default=10, help="bids to place (10)")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two bids (5)")
    parser.add_argument("--ws-url", default="ws://localhost:8081", help="the relay (ws://localhost:8081)")
    parser.add_argument("--api-url", default="http://localhost:8080", help="the API (http://localhost:8080)")
    parser.add_argument("--item-id", default="fanout_test_item", help="the item (fanout_test_item)")
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main() -> int:
    options = parse_options()
    try:
        return 0 if asyncio.run(run(options)) else 1
    except OSError as error:
        print(f"{options.ws_url} cannot be reached: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
