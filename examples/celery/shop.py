# The Python half of a shop. README.md beside this file says how to start both halves.
#
#   celery -A shop worker
#   python3 shop.py cat.png
import os
import sys

from celery import Celery

broker = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
app = Celery("shop", broker=broker, backend=os.environ.get("CELERY_RESULT_BACKEND", broker))

# What TypeScript runs has a queue of its own, wherever it is called from.
app.conf.task_routes = {"shop.thumbnail": {"queue": "images"}}


@app.task(name="shop.invoice")
def invoice(order, customer):
    return f"invoice-{order}.pdf for {customer}"


if __name__ == "__main__":
    result = app.send_task("shop.thumbnail", args=[sys.argv[1], 300])  # runs in TypeScript
    print(result.get(timeout=10))
