"""Serves the sandbox with uvicorn."""

import uvicorn

from sandbox.app import create_app
from sandbox.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    # uvicorn binds the port itself: asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP, and
    # without it every reply waits some 45 ms for the caller's delayed acknowledgement.
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    server = uvicorn.Server(config)
    app.state.world.cutter.connections = server.server_state.connections
    server.run()
