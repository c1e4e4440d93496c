"""The Celery application: how bells travel.

Owns the broker's settings and the schedule of scans. Refuses all knowledge of media: tasks carry
ids, the store holds the truth, and losing every message costs only the time until the next scan.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config.settings import load

SHORT, MEDIA, TRANSCRIBE = "short", "media", "transcribe"
# The worker's own process: this module is read there, before its pool is forked.
WORKER = os.getpid()
DEEP_SCAN_S = 600
PR_SET_PDEATHSIG = 1

settings = load()
app = Celery("newsreel", include=["workers.tasks"])
app.conf.update(
    broker_url=settings.redis_url.get_secret_value(),
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # Urgent bells first, across both queues; 0 is the most urgent on Redis.
        "queue_order_strategy": "priority",
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
    # JSON and nothing else: a message can never become code.
    task_serializer="json",
    accept_content=["json"],
    # No result backend: whatever a task found out lies in the store.
    task_ignore_result=True,
    # Acknowledged when done, fetched one by one: a dead worker's message comes back.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    # A killed child's task is rung again by the scan, which counts; Celery would retry for ever.
    task_reject_on_worker_lost=False,
    # With REMAP_SIGTERM=SIGQUIT: stop within seconds, hand running work back.
    worker_soft_shutdown_timeout=2.0,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A child that has parsed hundreds of files is replaced: leaks stay small.
    worker_max_tasks_per_child=200,
    worker_send_task_events=True,
    task_default_queue=SHORT,
    # Listening takes as long as the talk and nobody waits for it: a queue and a worker of its own.
    task_routes={
        "newsreel.render": {"queue": MEDIA},
        "newsreel.transcribe": {"queue": TRANSCRIBE},
    },
    beat_schedule={
        "scan": {
            "task": "newsreel.scan",
            "schedule": settings.scan_interval_s,
            # A scan that waited for longer than its interval has nothing to add to the next.
            "options": {"expires": settings.scan_interval_s, "priority": 0},
        },
        "deep scan": {
            "task": "newsreel.scan",
            "schedule": DEEP_SCAN_S,
            "kwargs": {"deep": True},
            "options": {"expires": DEEP_SCAN_S, "priority": 9},
        },
    },
)


@worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """Pool children end when their worker is killed, instead of working on for nobody."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != WORKER:  # it ended between the fork and our request
        os._exit(1)
