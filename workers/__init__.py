"""The doorbell over Celery: the app, its schedule, and tasks of a few lines."""
