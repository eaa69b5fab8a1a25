/*
 * epoll_loop: the floor that HTTP servers on one CPU are measured against.
 *
 * One thread, edge-triggered epoll, no parser: a blank line ends a request, and every request gets the same 129 bytes.
 * What it spends is what the kernel charges for moving the bytes, so a server's cost beyond it is the server's own.
 *
 *   epoll_loop --port N      listens on 127.0.0.1:N and prints one line when ready; ends on SIGTERM or SIGINT
 *
 * All requests found in one read are answered with one write. The Date in the answer is fixed: a clock would be the
 * first thing that a real server adds. Bodies are not understood; send GET.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"

enum {
    MAX_EVENTS = 512,
    MAX_FD = 1 << 16,
    READ_BYTES = 1 << 16
};

/* owed: bytes of answers not yet written, always a suffix of whole answers. end: progress within a blank line. */
struct connection {
    uint64_t owed;
    unsigned end;
};

static struct connection connections[MAX_FD];
static char input[READ_BYTES];

static void die(const char *what) {
    fprintf(stderr, "epoll_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Writes what is owed. Returns 0 when all is written, 1 when the socket is full, -1 when the connection is dead. */
static int pay(int fd, struct connection *c) {
    while (c->owed > 0) {
        uint64_t start = (ANSWER_BYTES - c->owed % ANSWER_BYTES) % ANSWER_BYTES;
        uint64_t room = sizeof answers - start;
        ssize_t n = send(fd, answers + start, c->owed < room ? c->owed : room, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN ? 1 : -1;
        }
        c->owed -= (uint64_t)n;
    }
    return 0;
}

/*
 * Serves one edge. A read shorter than the buffer has emptied the socket, which saves the read that would say EAGAIN;
 * a FIN that arrived with the last bytes is in the same edge and would be missed, hence hungup.
 */
static int serve(int fd, struct connection *c, int hungup) {
    for (;;) {
        int state = pay(fd, c);
        if (state != 0) return state;                    /* while answers wait, no more requests are taken */
        ssize_t n = recv(fd, input, sizeof input, 0);
        if (n == 0) return -1;
        if (n < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN ? 0 : -1;
        }
        c->owed = count_requests(input, (size_t)n, &c->end) * (uint64_t)ANSWER_BYTES;
        if (n < READ_BYTES && !hungup) return pay(fd, c);
    }
}

static void accept_all(int epoll, int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN) return;
            if (errno == EINTR || errno == ECONNABORTED) continue;
            die("accept4");
        }
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        connections[fd] = (struct connection){0, 0};
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
    }
}

int main(int argc, char **argv) {
    int port = port_argument(argc, argv, "epoll_loop");
    raise_descriptor_limit();
    fill_answers();
    int listener = listen_on(port, SOCK_NONBLOCK, 0);
    if (listener < 0) die("listen");
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = listener};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll_ctl");
    printf("ready c epoll on 127.0.0.1:%d\n", port);
    fflush(stdout);

    static struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int n = epoll_wait(epoll, events, MAX_EVENTS, -1);
        if (n < 0) {
            if (errno == EINTR) continue;
            die("epoll_wait");
        }
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_all(epoll, listener);
            } else if (serve(fd, &connections[fd], events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) < 0) {
                close(fd);
            }
        }
    }
}
