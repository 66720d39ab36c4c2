"""A Kubernetes API on loopback, as far as status and release ask it, behind a cluster of moto's EKS."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "shop-prod-cluster"


@dataclass
class Cluster:
    """What the API answers with: `status` other than 200 refuses. `tokens` are those it was shown."""

    url: str = ""
    deployments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    autoscalers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    status: int = 200
    tokens: list[str] = field(default_factory=list[str])

    def described(self) -> dict[str, Any]:
        """What DescribeCluster answers."""
        return {"cluster": {"name": NAME, "endpoint": self.url, "certificateAuthority": {}, "version": "1.34"}}


def deployment(
    image: str, *, wanted: int = 4, updated: int = 4, available: int = 4, total: int | None = None, failed: str = ""
) -> dict[str, Any]:
    """Return the application's deployment."""
    conditions = [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]
    if failed:
        conditions = [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": failed}
        ]
    return {
        "metadata": {"name": "web", "namespace": "shop", "generation": 3},
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "django", "image": image}]}},
        },
        "status": {
            "observedGeneration": 3,
            "replicas": wanted if total is None else total,
            "updatedReplicas": updated,
            "readyReplicas": available,
            "availableReplicas": available,
            "conditions": conditions,
        },
    }


def autoscaler(*conditions: tuple[str, str, str], current: int = 4, wanted: int = 4) -> dict[str, Any]:
    """Return the application's HPA with these conditions: type, status, reason."""
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"minReplicas": 3, "maxReplicas": 20, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
        "status": {
            "currentReplicas": current,
            "desiredReplicas": wanted,
            "conditions": [
                {"type": kind, "status": status, "reason": reason, "message": "the text."}
                for kind, status, reason in conditions
            ],
        },
    }


@contextmanager
def serving() -> Generator[Cluster]:
    """Serve a cluster's API."""
    found = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.tokens.append(self.headers.get("Authorization", ""))
            path = self.path.partition("?")[0]
            lists = {
                "/apis/apps/v1/deployments": found.deployments,
                "/apis/autoscaling/v2/horizontalpodautoscalers": found.autoscalers,
            }
            body = json.dumps({"items": lists[path]} if found.status == 200 else {"kind": "Status"}).encode()
            self.send_response(found.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
