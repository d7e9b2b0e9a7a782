"""The tasks that the captures run. The broker, the result backend and some settings come from the environment."""
import math
import os
import time

from celery import Celery
from celery.exceptions import Reject

app = Celery("capture", broker=os.environ["CAPTURE_BROKER"], backend=os.environ.get("CAPTURE_RESULTS"))
app.conf.update(
    task_track_started=True,
    task_send_sent_event=True,
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
    result_extended=os.environ.get("CAPTURE_EXTENDED") == "1",
    task_protocol=int(os.environ.get("CAPTURE_PROTOCOL", "2")),
    task_default_queue=os.environ.get("CAPTURE_QUEUE", "celery"),
    worker_prefetch_multiplier=4,
    broker_transport_options={"queue_order_strategy": "priority"},
)


class PaymentError(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="echo")
def echo(*args, **kwargs):
    return [list(args), kwargs]


@app.task(name="xsum")
def xsum(numbers):
    return sum(numbers)


@app.task(name="values")
def values():
    return {"nan": math.nan, "inf": [math.inf, -math.inf], "big": 2**70, "float": 5.0, "text": "ü \u2028 \U0001f600 'q' \"d\""}


@app.task(name="fail_builtin")
def fail_builtin():
    return {}["no such key"]


@app.task(name="fail_custom")
def fail_custom():
    raise PaymentError(402, "declined")


@app.task(name="fail_value")
def fail_value():
    raise ValueError("no good")


@app.task(name="again", bind=True, max_retries=2)
def again(self, n):
    if self.request.retries == 0:
        raise self.retry(exc=KeyError("again"), countdown=0.2)
    return n


@app.task(name="progress", bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"done": 3, "of": 10})
    return "done"


@app.task(name="on_error")
def on_error(task_id):
    return task_id


@app.task(name="quiet", ignore_result=True)
def quiet():
    return "nobody hears"


@app.task(name="nap")
def nap(seconds):
    time.sleep(seconds)
    return seconds


@app.task(name="spawn", bind=True)
def spawn(self):
    add.delay(1, 1)
    return "spawned"


@app.task(name="reject", acks_late=True)
def reject():
    raise Reject("not mine", requeue=False)
