"""A worker of Celery's that gives back what it gets."""
import os

from celery import Celery

app = Celery("echo", broker=os.environ["CELERY_URL"], backend=os.environ["CELERY_RESULTS"])
levels = int(os.environ["CELERY_LEVELS"])
app.conf.task_queue_max_priority = levels or None
app.conf.update(worker_redirect_stdouts=False, worker_send_task_events=True, task_track_started=True)


def echo(*args, **kwargs):
    return [list(args), kwargs]


def count(*args):
    return len(args)


app.task(name="echo.echo")(echo)
app.task(name="echo.count")(count)
app.task(name="echo. Ünïcödé 🐇 'quoted' \"name\"")(echo)
