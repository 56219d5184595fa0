/* The limit of a join: a server that does nothing but accept, read a request, and send as many bytes as are asked for.
 *
 * joining BYTES: prints its port, and serves until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, UNASKED = -1 };

static int size, events, sent[MOST];
static char *data;

static void watch(int operation, int connection, unsigned what) {
    struct epoll_event event = {.events = what, .data.fd = connection};
    epoll_ctl(events, operation, connection, &event);
}

static void greet(int listener) {
    int connection, one = 1;
    while ((connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        sent[connection] = UNASKED;
        watch(EPOLL_CTL_ADD, connection, EPOLLIN);
    }
}

static void serve(int connection, unsigned what) {
    char request[8192];
    if (what & EPOLLIN) {
        if (recv(connection, request, sizeof(request), 0) <= 0) {
            close(connection);
            return;
        }
        if (sent[connection] == UNASKED) sent[connection] = 0;
    }
    while (sent[connection] < size) {
        int taken = send(connection, data + sent[connection], size - sent[connection], MSG_NOSIGNAL);
        if (taken <= 0) break;
        sent[connection] += taken;
    }
    watch(EPOLL_CTL_MOD, connection, sent[connection] < size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int main(int argc, char **argv) {
    struct rlimit files = {MOST, MOST};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    size = argc > 1 ? atoi(argv[1]) : 0;
    data = memset(malloc(size + 1), 'x', size);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1024)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    events = epoll_create1(0);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event happened[512];
        int count = epoll_wait(events, happened, 512, -1);
        for (int i = 0; i < count; i++)
            if (happened[i].data.fd == listener) greet(listener);
            else serve(happened[i].data.fd, happened[i].events);
    }
}
