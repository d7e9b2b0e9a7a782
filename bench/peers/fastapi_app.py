# FastAPI's tutorial pages. Everything is `async def`: plain functions would go through a thread pool, which costs more.
import os
from typing import Optional

from fastapi import BackgroundTasks, Depends, FastAPI, Path

EMAIL_PATTERN = os.environ["EMAIL_PATTERN"]

counts = {"requests": 0, "tasks": 0}
last_message = ""


async def write_log(message: str):
    global last_message
    counts["tasks"] += 1
    last_message = message


async def get_query(background_tasks: BackgroundTasks, q: Optional[str] = None):
    if q:
        background_tasks.add_task(write_log, f"found query: {q}\n")
    return q


p1 = FastAPI()
p2 = FastAPI()


@p1.post("/send-notification/{email}")
async def send_notification(background_tasks: BackgroundTasks, email: str = Path(regex=EMAIL_PATTERN)):
    counts["requests"] += 1
    background_tasks.add_task(write_log, f"message to {email}\n")
    return {"message": "Message sent"}


@p2.post("/send-notification/{email}")
async def send_notification_with_query(
    background_tasks: BackgroundTasks, email: str = Path(regex=EMAIL_PATTERN), q: Optional[str] = Depends(get_query)
):
    counts["requests"] += 1
    background_tasks.add_task(write_log, f"message to {email}\n")
    return {"message": "Message sent"}


@p1.get("/counts")
@p2.get("/counts")
async def get_counts():
    return counts
