"""A worker of Celery's that notes down in Redis what it begins and ends, with the settings that the test wants.

A task ends after its time, or as soon as the test lets all of them go; not while the test holds all.
"""
import json
import os
import time

from celery import Celery
from redis import Redis

settings = json.loads(os.environ["CELERY_SETTINGS"])
app = Celery("kills", broker=os.environ["CELERY_URL"], backend=os.environ["CELERY_RESULTS"])
app.conf.update(worker_redirect_stdouts=False, worker_prefetch_multiplier=1, **settings)
ledger = Redis.from_url(os.environ["CELERY_RESULTS"])
kind = os.environ["CELERY_KIND"]


@app.task(name="kills.run", bind=True)
def run(self, seconds):
    def note(what):
        worker = os.getppid() if kind == "prefork" else os.getpid()
        entry = {"id": self.request.id, "what": what, "by": kind, "worker": worker, "pid": os.getpid()}
        ledger.rpush("ledger", json.dumps(entry))

    note("begun")
    deadline = time.monotonic() + seconds
    while (time.monotonic() < deadline and not ledger.exists("let go")) or ledger.exists("hold"):
        time.sleep(0.05)
    note("ended")
    return f"by {kind}"
