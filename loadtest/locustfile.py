"""Bidders and viewers for Locust: write contention (experiment 1) and mixed traffic under faults (experiment 3)."""

from __future__ import annotations

import random
import uuid

import gevent
from locust import FastHttpUser, between, task

from bid_tally import Outcome, body_of, count, failure_text, outcome_of

CONTESTED_ITEM = "contested_item_1"
MIXED_ITEMS = [f"item_{number}" for number in range(1, 11)]
FLOOR_CENTS = 100_00

# Each user looks the host up once. gevent's threads for that starve while Locust is busy: some first bids took 12 s.
gevent.config.resolver = "block"


class AuctionUser(FastHttpUser):
    """What every user does with an answer. Prices are whole cents here; only the wire has decimals."""

    abstract = True
    host = "http://localhost:8080"
    # The API answers 503 long before this; a connection without any answer should not look like a long request.
    connection_timeout = 10.0
    network_timeout = 10.0

    def on_start(self) -> None:
        self.user_id = f"bidder_{uuid.uuid4().hex[:12]}"

    def bid(self, item: str, cents: int, name: str) -> int | None:
        """Places a bid. Returns the item's price afterwards, if the bid was judged."""
        bid = {"user_id": self.user_id, "amount": cents / 100}
        with self.client.post(f"/api/v1/items/{item}/bid", json=bid, name=name, catch_response=True) as response:
            outcome = outcome_of(response)
            count(outcome)
            if outcome not in (Outcome.ACCEPTED, Outcome.REFUSED):
                response.failure(failure_text(response))
                return None
            response.success()
            return to_cents(body_of(response)["current_bid"])

    def price(self, item: str, name: str) -> int | None:
        """Reads the item's price, if it can be read."""
        with self.client.get(f"/api/v1/items/{item}", name=name, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(failure_text(response))
                return None
            return to_cents(body_of(response)["current_bid"])


class BidderUser(AuctionUser):
    """A crowd that bids anything between 10 and 1000, looks at the item, and asks whether the service lives."""

    wait_time = between(0.1, 0.5)

    @task(10)
    def place_random_bid(self) -> None:
        self.bid(CONTESTED_ITEM, random.randint(10_00, 1000_00), "/items/[id]/bid")

    @task(3)
    def look_at_item(self) -> None:
        self.price(CONTESTED_ITEM, "/items/[id]")

    @task(1)
    def check_health(self) -> None:
        with self.client.get("/health", name="/health", catch_response=True) as response:
            if response.status_code != 200:
                response.failure(failure_text(response))


class ContendedItemBidder(AuctionUser):
    """Everybody on one item: each bids a cent over whatever anybody in this process has bid or heard of.

    So every bid could win, and those lose that another one overtakes on the way: that is the contention. Every answer
    tells the price, so a second run, or another process on the same item, goes on where the item stands.
    """

    wait_time = between(0.01, 0.05)
    highest_cents = FLOOR_CENTS
    price_is_known = False

    def on_start(self) -> None:
        super().on_start()
        if not self.price_is_known:
            self.hear(self.price(CONTESTED_ITEM, "/items/[id] [price check]"))

    def hear(self, cents: int | None) -> None:
        """Everybody in this process knows what one of them was told."""
        if cents is not None:
            ContendedItemBidder.price_is_known = True
            ContendedItemBidder.highest_cents = max(cents, self.highest_cents)

    @task
    def outbid(self) -> None:
        ContendedItemBidder.highest_cents += 1
        self.hear(self.bid(CONTESTED_ITEM, self.highest_cents, "/items/[id]/bid [contention]"))


class MixedWorkloadUser(AuctionUser):
    """Visitors of ten items, who look more often than they bid, and look before they bid."""

    wait_time = between(1, 3)

    @task(5)
    def look_at_item(self) -> None:
        self.price(random.choice(MIXED_ITEMS), "/items/[id]")

    @task(2)
    def look_and_outbid(self) -> None:
        item = random.choice(MIXED_ITEMS)
        cents = self.price(item, "/items/[id] [price check]")
        if cents is not None:
            self.bid(item, cents + random.randint(50, 10_00), "/items/[id]/bid")


def to_cents(price: float) -> int:
    """The exact price of an answer, which JSON made a float."""
    return round(price * 100)
