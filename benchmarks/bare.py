"""The limit: a server that does nothing but ``send`` the same bytes to every connection.

``python -m benchmarks.bare COUNT``: prints its port, accepts so many connections, then sends each line on standard
input to all of them, as a Server-Sent Event. Where there is a C compiler, ``bare.c`` does the same for less.
"""

import socket
import sys

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def main() -> None:
    """Serve."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    connections = []
    for _ in range(int(sys.argv[1])):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(4096)
        connection.send(RESPONSE)
        connection.setblocking(False)
        connections.append(connection)
    for line in sys.stdin.buffer:
        frame = b"data: " + line + b"\n"
        for connection in connections:
            connection.send(frame)


if __name__ == "__main__":
    main()
