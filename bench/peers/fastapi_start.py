# The server of start.ts in FastAPI. Uvicorn has been imported when it imports this file.
import os
import time

from fastapi import BackgroundTasks, FastAPI

os.write(1, f"imported {time.monotonic_ns()}\n".encode())

app = FastAPI()


async def write_log(message: str):
    os.write(1, b"task\n")


@app.post("/send-notification/{email}")
async def send_notification(email: str, background_tasks: BackgroundTasks):
    background_tasks.add_task(write_log, f"message to {email}\n")
    return {"message": "Message sent"}
