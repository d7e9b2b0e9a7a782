# A task of Celery that does nothing: `celery -A celery_noop worker` runs it. `celery_noop.py add <count>` adds it so often, the
# first and the last time with a number that makes it say so; `celery_noop.py go` has all workers begin.
import os
import sys

from celery import Celery
from celery.signals import worker_ready, worker_shutdown
from celery.worker import state

url = os.environ["BENCH_CELERY_URL"]
has_results = "BENCH_CELERY_RESULTS" in os.environ
backend = "rpc://" if url.startswith("amqp") else url

app = Celery("celery_noop", broker=url, backend=backend if has_results else None)
app.conf.worker_prefetch_multiplier = int(os.environ.get("BENCH_CELERY_PREFETCH", "4"))
app.conf.worker_redirect_stdouts = False


@app.task(name="noop", ignore_result=not has_results)
def noop(number):
    if number <= 0:
        print("first" if number == 0 else "last", flush=True)


@worker_ready.connect
def tell_ready(**_):
    print("ready", flush=True)


@worker_shutdown.connect
def tell_count(**_):
    print("ran", sum(state.total_count.values()), flush=True)


def add(count):
    for number in range(count - 1):
        noop.delay(number)
    noop.delay(-1)


if __name__ == "__main__":
    if sys.argv[1] == "add":
        add(int(sys.argv[2]))
    else:
        app.control.add_consumer("celery")
