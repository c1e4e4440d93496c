"""The media library: it decides in pure functions and does in few, confined places.

Owns everything between an uploaded file and a published page. Refuses to know about the command
line, Celery, Redis or settings: those rooms (newsreel, workers, config) import this one, never the
other way round. Read `model` next for the values, then `flow` for the use cases.
"""
