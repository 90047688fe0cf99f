"""Gunicorn's settings: two processes of threads on the listening socket the supervisor hands over."""

from __future__ import annotations

from typing import Any

from crm.core.embedded.process import die_with_parent

wsgi_app = "crm.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 8
preload_app = True  # the product is loaded once, and its memory shared
keepalive = 15
limit_request_line = 8190  # the most there is: a filter with many choices is long
timeout = 60
graceful_timeout = 10
control_socket_disable = True
worker_tmp_dir = None
forwarded_allow_ips = "127.0.0.1,::1"


def post_fork(server: Any, worker: Any) -> None:
    """Die with the master, or an orphan would keep the port."""
    die_with_parent()
