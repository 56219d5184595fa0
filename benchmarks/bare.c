/* The limit: a server that does nothing but send() the same bytes to every connection.
 *
 * bare COUNT: prints its port, accepts COUNT connections, then sends each line on standard input to all of them, as a
 * Server-Sent Event. Where no C compiler is, bare.py does the same.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 0, one = 1;
    int *connections = calloc(count, sizeof(int));
    struct rlimit files = {65536, 65536};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        char request[4096];
        connections[i] = accept(listener, NULL, NULL);
        setsockopt(connections[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (recv(connections[i], request, sizeof(request), 0) <= 0) return 1;
        if (send(connections[i], HEAD, sizeof(HEAD) - 1, MSG_NOSIGNAL) < 0) return 1;
    }
    char *line = NULL, *frame = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        frame = realloc(frame, length + 16);
        int whole = sprintf(frame, "data: %s\n", line); /* the line has its end with it */
        for (int i = 0; i < count; i++)
            if (send(connections[i], frame, whole, MSG_NOSIGNAL | MSG_DONTWAIT) != whole) return 2;
    }
    return 0;
}
