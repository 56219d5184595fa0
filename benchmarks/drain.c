/* Reading for thousands of subscribers, so that whoever writes to them never waits for who reads.
 *
 * A library: crowd.py loads it, drain.py says what is in its structures. Where no C compiler is, crowd.py reads itself.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { ROOM = 1024, WAITS = 8192, MOST = 1 << 16, DIGITS = 16 };

struct tally {
    int64_t received, marked, events, begun, last, drained;
};

struct findings {
    int64_t arrived_at, waits, others;
    int64_t wait[WAITS], other[ROOM];
};

static char data[MOST];

static void count_events(struct tally *tally, const char *at, const char *end) {
    if (tally->last == '\n' && *at == '\n') tally->events++;
    tally->last = end[-1];
    while ((at = memchr(at, '\n', end - at)) != NULL && at + 1 < end)
        if (at[1] == '\n') {
            tally->events++;
            at += 2;
        } else {
            at++;
        }
}

static void note_waits(struct findings *found, const char *at, const char *end) {
    while ((at = memchr(at, '@', end - at)) != NULL) {
        int64_t moment = 0;
        int digits = 0;
        for (at++; at < end && digits < DIGITS && *at >= '0' && *at <= '9'; at++, digits++)
            moment = moment * 10 + (*at - '0');
        if (digits == DIGITS) found->wait[found->waits++] = found->arrived_at - moment;
    }
}

/* Returns whether there is room for all that the next one could bring. */
static int drain(struct tally *tally, int connection, struct findings *found) {
    struct timespec now;
    ssize_t length = recv(connection, data, MOST, MSG_DONTWAIT);
    if (length <= 0) {
        found->other[found->others++] = connection; /* whoever looks after those sees why */
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    found->arrived_at = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    tally->received += length;
    tally->marked += length;
    if (!tally->begun && memmem(data, length, "\r\n\r\n", 4) != NULL) tally->begun = 1;
    count_events(tally, data, data + length);
    note_waits(found, data, data + length);
    return found->waits + MOST / (DIGITS + 1) < WAITS;
}

/* Reads what comes within a time on whatever is to be drained here; tells which others have something as well.
 *
 * What there is no room to note now stays with the system until the next time.
 */
void read_once(int poll, struct tally *tallies, int milliseconds, struct findings *found) {
    struct epoll_event happened[ROOM];
    int count = epoll_wait(poll, happened, ROOM, milliseconds), room = 1;
    found->waits = found->others = 0;
    for (int i = 0; i < count; i++) {
        int connection = happened[i].data.fd;
        if (!tallies[connection].drained) found->other[found->others++] = connection;
        else if (room) room = drain(&tallies[connection], connection, found);
    }
}
