"""The limit: a server that does nothing but ``send`` the same bytes to every connection.

Run as a process: prints its port, accepts as many connections as its argument says, then sends a frame to all of them
for each line on standard input.
"""

import socket
import sys

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def main() -> None:
    """Serve."""
    count, size = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    connections = []
    for _ in range(count):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(4096)
        connection.send(RESPONSE)
        connection.setblocking(False)
        connections.append(connection)
    frame = b"x" * size
    for _ in sys.stdin:
        for connection in connections:
            connection.send(frame)


if __name__ == "__main__":
    main()
