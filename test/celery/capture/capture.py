"""Captures what a real Celery writes: test/celery/fixtures/*.json are made by this script.

It needs Celery 5.2 with its Redis and AMQP clients (Debian: celery python3-redis), a Redis of which database 13 is emptied, and a
RabbitMQ with a virtual host "afterword-capture":

    rabbitmqctl add_vhost afterword-capture
    rabbitmqctl set_permissions -p afterword-capture guest '.*' '.*' '.*'
    python3 test/celery/capture/capture.py
    rabbitmqctl delete_vhost afterword-capture

redis.json   for each case, every command that wrote something to Redis, in order, as [name, argument, ...]
amqp.json    for each case, the messages as they came: exchange, routing key, properties, headers, body in base64
argsrepr.json, repr.json   values and what Celery's saferepr, and Python's repr, make of them

The name of this machine, its folders and long, dull replies are replaced; nothing else is changed.
"""
import base64
import contextlib
import json
import os
import platform
import re
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "fixtures")
REDIS = "redis://127.0.0.1:6379/13"
AMQP = "amqp://guest:guest@127.0.0.1:5672/afterword-capture"
NODE = "w1@capture.example"

os.environ.setdefault("CAPTURE_BROKER", REDIS)
os.environ.setdefault("CAPTURE_RESULTS", REDIS)
sys.path.insert(0, HERE)

import amqp  # noqa: E402
import redis  # noqa: E402
from celery import Celery, chain, chord, group  # noqa: E402
from celery.utils.saferepr import saferepr  # noqa: E402
from kombu import Connection  # noqa: E402

import tasks  # noqa: E402

WRITES = {"LPUSH", "RPUSH", "SETEX", "SET", "PUBLISH", "ZADD", "SADD", "HSET", "INCRBY"}


def clean(text):
    """The same without the name and the folders of this machine."""
    for name in (socket.getfqdn(), socket.gethostname(), platform.node()):
        text = text.replace(name, "host.example")
    text = text.replace(HERE, "/app")
    return re.sub(r"host\.example(\.example)*", "host.example", text)


def clean_envelope(text):
    """The same for an envelope of Redis, whose body is in base64."""
    text = clean(text)

    def body(match):
        raw = base64.b64decode(match[1])
        with contextlib.suppress(UnicodeDecodeError):
            raw = shorten(clean(raw.decode())).encode()
        return '"body": "%s"' % base64.b64encode(raw).decode()

    return re.sub(r'"body": "([A-Za-z0-9+/=]*)"', body, text)


def shorten(text):
    """Replies that would only fill the fixtures: the whole configuration, the report of the machine."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, dict) and NODE in value:
        reply = value[NODE]
        if isinstance(reply, dict) and "ok" in reply and len(str(reply["ok"])) > 1000:
            reply["ok"] = reply["ok"][:100]
        if isinstance(reply, dict) and "task_default_queue" in reply:
            value[NODE] = {key: reply[key] for key in sorted(reply)[:5]}
        return json.dumps(value)
    return text


class Monitor(threading.Thread):
    """All commands of a database, as MONITOR shows them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.cases, self.case = {}, "start"
        self.socket = socket.create_connection(("127.0.0.1", 6379))
        self.socket.sendall(b"MONITOR\r\n")
        self.lines = self.socket.makefile("rb")
        self.lines.readline()

    def run(self):
        for line in self.lines:
            match = re.match(rb"\+[\d.]+ \[13 [^\]]+\] (.*)\r\n", line)
            if match is None:
                continue
            words = [unquote(word) for word in re.findall(rb'"((?:[^"\\]|\\.)*)"', match[1])]
            if words[0] == "ECHO":
                self.case = words[1]
            elif words[0].upper() in WRITES and "unacked_mutex" not in words[1]:
                words[0] = words[0].upper()
                self.cases.setdefault(self.case, []).append([clean_envelope(word) for word in words])


def unquote(word):
    def char(match):
        code = match[1]
        if code[:1] == b"x":
            return bytes([int(code[1:], 16)])
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}.get(code, code)

    return re.sub(rb"\\(x[0-9a-f]{2}|.)", char, word).decode()


@contextlib.contextmanager
def worker(name, *options, **environment):
    command = ["celery", "-A", "tasks", "worker", "-n", name, "-c", "2", "-l", "warning", *options]
    process = subprocess.Popen(command, cwd=HERE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def wait_for_worker(app, name, destination=None):
    for _ in range(60):
        if app.control.ping([name], timeout=1):
            return
    raise SystemExit(f"{name} did not come up")


def capture_redis():
    client = redis.Redis(db=13)
    client.flushdb()
    monitor = Monitor()
    monitor.start()
    app = tasks.app

    @contextlib.contextmanager
    def case(name):
        client.echo(name)
        yield
        time.sleep(0.3)
        client.echo("between")

    with case("worker-online"):
        process = worker(NODE, "-E", "--max-tasks-per-child", "100")
        process.__enter__()
        wait_for_worker(app, NODE)
        time.sleep(2.5)

    with case("simple"):
        tasks.echo.apply_async((2, "three"), {"four": [5.5, None, True]}).get(timeout=20)
    with case("list-args"):
        app.send_task("echo", args=[1]).get(timeout=20)
    with case("headers"):
        tasks.echo.apply_async(
            (), headers={"traceparent": "00-abc-def-01"}, shadow="alias", time_limit=30, soft_time_limit=20.5
        ).get(timeout=20)
    with case("countdown"):
        tasks.add.apply_async((1, 2), countdown=0.5).get(timeout=20)
    with case("expires"):
        tasks.add.apply_async((1, 2), expires=60).get(timeout=20)
    with case("expired"), contextlib.suppress(Exception):
        tasks.add.apply_async((1, 2), countdown=1, expires=0.3).get(timeout=20)
    for priority in (0, 4, 9):
        with case(f"priority-{priority}"):
            tasks.add.apply_async((1, 2), priority=priority).get(timeout=20)
    with case("quiet"):
        tasks.quiet.delay()
        time.sleep(1)
    with case("values"):
        tasks.values.delay().get(timeout=20)
    with case("nan-args"):
        tasks.echo.delay(float("nan"), [float("inf"), -float("inf")], "NaN, Infinity").get(timeout=20)
    for name in ("fail_builtin", "fail_custom", "fail_value"):
        with case(name), contextlib.suppress(Exception):
            getattr(tasks, name).delay().get(timeout=20)
    with case("unknown"), contextlib.suppress(Exception):
        app.send_task("nobody.knows", (1,)).get(timeout=20)
    with case("reject"):
        tasks.reject.delay()
        time.sleep(1)
    with case("retry"):
        tasks.again.delay(7).get(timeout=20)
    with case("progress"):
        tasks.progress.delay().get(timeout=20)
    with case("spawn"):
        tasks.spawn.delay().get(timeout=20)
        time.sleep(1)
    with case("link"):
        tasks.add.apply_async((1, 2), link=tasks.add.s(10), link_error=tasks.on_error.s()).get(timeout=20)
        time.sleep(1)
    with case("links"):
        tasks.add.apply_async((1, 2), link=[tasks.add.s(10), tasks.add.si(3, 4).set(queue="celery", priority=3)]).get(timeout=20)
        time.sleep(1)
    with case("link-error"), contextlib.suppress(Exception):
        tasks.fail_value.apply_async((), link_error=tasks.on_error.s()).get(timeout=20)
        time.sleep(1)
    with case("chain"):
        chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.si(5, 6)).apply_async().get(timeout=20)
    with case("chain-fails"), contextlib.suppress(Exception):
        chain(tasks.fail_value.s(), tasks.add.si(1, 2), tasks.add.s(3)).apply_async().get(timeout=20)
        time.sleep(1)
    with case("group"):
        result = group(tasks.add.s(1, 1), tasks.add.s(2, 2)).apply_async()
        result.get(timeout=20)
        result.save()
    with case("chord"):
        chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.xsum.s()).apply_async().get(timeout=20)
    with case("chord-fails"), contextlib.suppress(Exception):
        chord([tasks.add.s(1, 1), tasks.fail_value.s()], tasks.xsum.s()).apply_async().get(timeout=20)
        time.sleep(1)
    with case("chord-in-chain"):
        chain(tasks.add.s(1, 1), group(tasks.add.s(1), tasks.add.s(2)), tasks.xsum.s(), tasks.add.s(100)).apply_async().get(timeout=20)
    with case("chord-of-chains"):
        chord([chain(tasks.add.s(1, 1), tasks.add.s(2)), tasks.add.s(5, 5)], chain(tasks.xsum.s(), tasks.add.s(1))).apply_async().get(timeout=20)
    with case("nested-chord"):
        inner = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.xsum.s())
        chord([inner, tasks.add.s(3, 3)], tasks.xsum.s()).apply_async().get(timeout=20)
    with case("group-in-group"):
        group(tasks.add.s(1, 1), group(tasks.add.s(2, 2), tasks.add.s(3, 3))).apply_async().get(timeout=20)

    v1 = Celery("v1", broker=REDIS, backend=REDIS)
    v1.conf.update(task_protocol=1)
    with case("protocol-1"):
        v1.send_task("add", (1, 2), countdown=0.1, link=tasks.add.s(5)).get(timeout=20)
        time.sleep(1)
    with case("gzip"):
        tasks.echo.apply_async(("x" * 300,), compression="gzip").get(timeout=20)
    with case("bzip2"):
        tasks.echo.apply_async(("x" * 300,), compression="bzip2").get(timeout=20)
    with case("pickle"):
        app.send_task("echo", (1,), serializer="pickle", queue="nobody")
    with case("yaml"), contextlib.suppress(Exception):
        app.send_task("echo", (1,), serializer="yaml", queue="nobody")

    with case("redelivered"):
        app.send_task("echo", ("again",), queue="given-back")
        with Connection(REDIS) as connection:
            with connection.channel() as channel:
                message = connection.SimpleQueue("given-back", channel=channel).get(timeout=5)
                channel.qos.restore_by_tag(message.delivery_tag)

    inspect(app, case)

    with case("mingle"), worker("w2@capture.example", "-Q", "other"):
        wait_for_worker(app, "w2@capture.example")
    with case("shutdown"):
        app.control.shutdown([NODE])
        time.sleep(3)
    process.__exit__(None, None, None)

    with worker("w3@capture.example", "-Q", "extended", CAPTURE_EXTENDED="1"):
        wait_for_worker(app, "w3@capture.example")
        with case("extended"):
            app.send_task("echo", (1,), {"a": 2}, queue="extended").get(timeout=20)

    time.sleep(1)
    wanted = {name: commands for name, commands in monitor.cases.items() if name not in ("start", "between")}
    client.flushdb()
    write("redis.json", thin(wanted))


def inspect(app, case):
    """Every command of remote control that answers, while one task runs, others wait, and one has an ETA."""
    naps = [tasks.nap.delay(60) for _ in range(4)]
    tasks.add.apply_async((1, 2), countdown=300, priority=3)
    time.sleep(2)
    only = {"destination": [NODE], "timeout": 3, "limit": 1, "reply": True}

    def ask(method, name=None, **arguments):
        with case(f"control-{name or method}"):
            app.control.broadcast(method, arguments=arguments, **only)

    ask("ping")
    ask("stats")
    ask("registered", taskinfoitems=["rate_limit"])
    ask("active")
    ask("reserved")
    ask("scheduled")
    ask("active_queues")
    ask("conf", with_defaults=False)
    ask("report")
    ask("clock")
    ask("query_task", ids=[naps[0].id, naps[3].id, "unknown"])
    ask("revoke", task_id="deadbeef", terminate=False, signal="SIGTERM")
    ask("revoked")
    ask("rate_limit", task_name="add", rate_limit="10/m")
    ask("rate_limit", name="rate_limit-unknown", task_name="nobody", rate_limit="10/m")
    ask("time_limit", task_name="add", hard=60, soft=50)
    ask("add_consumer", queue="more", exchange=None, exchange_type="direct", routing_key=None)
    ask("cancel_consumer", queue="more")
    ask("pool_grow", n=1)
    ask("pool_shrink", n=1)
    ask("pool_restart")
    ask("autoscale", max=4, min=2)
    ask("disable_events")
    ask("enable_events")
    ask("nonsense", n=1)
    with case("control-heartbeat"):
        app.control.broadcast("heartbeat")
    with case("control-pattern"):
        app.control.broadcast("ping", pattern="w*", matcher="glob", reply=True, timeout=3, limit=1)
    with case("control-terminate"):
        app.control.revoke([nap.id for nap in naps], terminate=True, reply=True, timeout=3, limit=1)
        time.sleep(2)


def capture_amqp():
    client = amqp.Connection("127.0.0.1:5672", "guest", "guest", virtual_host="afterword-capture")
    client.connect()
    channel = client.channel()
    app = Celery("capture", broker=AMQP, backend="rpc://")
    app.conf.update(task_send_sent_event=True, result_expires=600)
    cases, case = {}, "start"

    def watch(exchange, kind, durable):
        queue = channel.queue_declare(exclusive=True).queue
        channel.exchange_declare(exchange, kind, durable=durable, auto_delete=False)
        channel.queue_bind(queue, exchange, "#")
        channel.basic_consume(queue, no_ack=True, callback=seen)

    def seen(message):
        message.body = message.body if isinstance(message.body, bytes) else message.body.encode()
        with contextlib.suppress(UnicodeDecodeError):
            message.body = shorten(clean(message.body.decode())).encode()
        properties = dict(message.properties)
        headers = properties.pop("application_headers", {})
        cases.setdefault(case, []).append({
            "exchange": message.delivery_info.get("exchange"),
            "routingKey": message.delivery_info.get("routing_key"),
            "redelivered": message.delivery_info.get("redelivered"),
            "properties": json.loads(clean(json.dumps(properties, default=str))),
            "headers": json.loads(clean(json.dumps(headers, default=str))),
            "body": base64.b64encode(message.body).decode(),
        })

    def drain(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(socket.timeout):
                client.drain_events(timeout=0.2)

    watch("celeryev", "topic", True)
    watch("celery.pidbox", "fanout", False)
    channel.queue_declare("nobody", durable=True, auto_delete=False)
    channel.queue_bind("nobody", "celeryev", "nothing")

    def send(name, task, args=(), kwargs=None, **options):
        nonlocal case
        case = name
        app.send_task(task, args, kwargs, queue="nobody", **options)
        drain(0.3)
        message = channel.basic_get("nobody", no_ack=True)
        seen(message)

    send("simple", "echo", (2, "three"), {"four": [5.5, None, True]})
    send("eta", "add", (1, 2), countdown=60)
    send("expires", "add", (1, 2), expires=60)
    send("priority", "add", (1, 2), priority=9)
    send("headers", "add", (1, 2), headers={"traceparent": "00-abc-def-01"}, time_limit=30, soft_time_limit=20.5)
    send("gzip", "echo", ("x" * 300,), compression="gzip")
    send("pickle", "echo", (1,), serializer="pickle")
    send("chain", "add", (1, 2), chain=[tasks.add.s(3), tasks.add.s(2)])
    app = Celery("v1", broker=AMQP)
    app.conf.update(task_protocol=1)
    send("protocol-1", "add", (1, 2), expires=60)
    app = Celery("capture", broker=AMQP, backend="rpc://")

    case = "worker-online"
    with worker(NODE, "-E", CAPTURE_BROKER=AMQP, CAPTURE_RESULTS="rpc://", CAPTURE_QUEUE="work"):
        wait_for_worker(app, NODE)
        drain(5)
        case = "rpc-results"
        reply_to = channel.queue_declare(exclusive=True).queue
        channel.basic_consume(reply_to, no_ack=True, callback=seen)
        app.send_task("add", (1, 2), queue="work", reply_to=reply_to)
        drain(2)
        app.send_task("fail_custom", queue="work", reply_to=reply_to)
        drain(2)
        case = "control-ping"
        app.control.broadcast("ping", destination=[NODE], reply=False)
        channel.exchange_declare("reply.celery.pidbox", "direct", durable=False, auto_delete=False)
        replies = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(replies, "reply.celery.pidbox", "capture-oid")
        channel.basic_consume(replies, no_ack=True, callback=seen)
        request = {
            "method": "ping", "arguments": {}, "destination": [NODE], "ticket": "capture-ticket",
            "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "capture-oid"},
        }
        channel.basic_publish(
            amqp.Message(json.dumps(request), content_type="application/json", content_encoding="utf-8",
                         application_headers={"clock": 1, "expires": time.time() + 60}),
            "celery.pidbox", "",
        )
        drain(2)
        case = "worker-offline"
    drain(2)
    cases.pop("start", None)
    client.close()
    write("amqp.json", cases)


def capture_repr():
    cases = [
        None, True, False, 0, -1, 1.5, 1e21, 1e-05, 0.0001, 123456789012345680000, "", "plain", "it's", 'say "hi"',
        "it's \"both\"", "line\nbreak\ttab\\", "ü\u2028\U0001f600\x00\x7f\xa0\xad", [], {}, [1, [2, [3, [4]]]], {"a": {"b": {"c": {"d": 1}}}},
        {"key with 'quote'": [None, {"x": 1}]}, "x" * 2000, ["y" * 600, "z" * 600, 1], "two words " * 150, list(range(500)),
        {str(n): n for n in range(300)},
    ]
    write("repr.json", [
        {"value": value, "saferepr": saferepr(value, 1024), "repr": repr(value), "str": str(value)} for value in cases
    ])
    args = [[], [1], [1, "two"], ["x" * 2000], list(range(500))]
    write("argsrepr.json", [{"args": value, "argsrepr": saferepr(tuple(value), 1024)} for value in args])


def thin(cases):
    """The same with what repeats itself in one case only: the records of what is not acknowledged, and published results."""
    repeated = ("unacked", "unacked_index", "celery-task-meta-", "celery-taskset-meta-")
    return {
        name: [
            command for command in commands
            if name == "simple" or command[0] not in ("HSET", "PUBLISH", "ZADD") or not command[1].startswith(repeated)
            or command[1].endswith(".j")
        ]
        for name, commands in cases.items()
    }


def write(name, value):
    """A line for each item."""
    with open(os.path.join(FIXTURES, name), "w") as file:
        if isinstance(value, dict):
            cases = [f"{json.dumps(key)}: [\n{lines(items)}\n]" for key, items in value.items()]
            file.write("{\n" + ",\n".join(cases) + "\n}\n")
        else:
            file.write(f"[\n{lines(value)}\n]\n")


def lines(items):
    return ",\n".join(json.dumps(item) for item in items)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["repr", "redis", "amqp"]
    for kind in wanted:
        {"repr": capture_repr, "redis": capture_redis, "amqp": capture_amqp}[kind]()
