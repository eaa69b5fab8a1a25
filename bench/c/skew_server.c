/*
 * skew_server: four ways in which a server in C can share connections out to threads, for loads of which a few
 * connections make most of the work.
 *
 *   skew_server --port N --mode loops|queue|least|threads [--threads N]
 *
 *   loops     as many event loops as threads, each with its own epoll and its own listening socket. A connection stays
 *             where the kernel's hash has put it
 *   queue     one epoll for all threads. A ready connection is given to whoever asks next (EPOLLONESHOT, one event at a
 *             time), and is armed again when it has been served
 *   least     the same, but ready connections are gathered in a heap, and who has been given least CPU time so far goes
 *             first
 *   threads   a thread for each connection, blocking; the kernel schedules
 *
 * It answers GET /work?us=N after having burnt N microseconds of its thread's CPU time, /whoami with the loop that
 * serves the connection (-1 where none owns it), and anything else with the usual 13 bytes. Threads are not pinned.
 * Listens on 127.0.0.1:N, prints one line when ready, and ends on SIGTERM or SIGINT. Bodies are not understood.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"

enum {
    MAX_THREADS = 64,
    MAX_FD = 1 << 16,
    MAX_EVENTS = 64,
    INPUT_BYTES = 8 * 1024,                              /* also the longest request */
    OUTPUT_BYTES = 4 * 1024,
    MAX_ANSWER_BYTES = 256,
    MAX_WORK_MICROS = 1000 * 1000
};

enum mode { LOOPS, QUEUE, LEAST, THREADS };
static const char *const mode_names[] = {"loops", "queue", "least", "threads"};

/* service: CPU time given to it so far, in nanoseconds. input: the beginning of a request that has not come whole. */
struct connection {
    int fd;
    int loop;
    uint64_t service;
    size_t length;
    char input[INPUT_BYTES];
};

static enum mode mode;
static int threads = 2;

static void die(const char *what) {
    fprintf(stderr, "skew_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t thread_nanos(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* By the thread's own clock: what others take from the CPU meanwhile does not count. */
static void burn(long micros) {
    uint64_t end = thread_nanos() + (uint64_t)micros * 1000;
    while (micros > 0 && thread_nanos() < end) {
    }
}

/* Whether the request target, which ends at a blank or a query, is path. */
static int target_is(const char *target, const char *path) {
    size_t length = strlen(path);
    return strncmp(target, path, length) == 0 && (target[length] == ' ' || target[length] == '?');
}

/* Answers the request that begins at head, a text that ends with its blank line. Returns the length of the answer. */
static size_t answer(const struct connection *c, const char *head, char *out) {
    char body[64] = "Hello, World!";
    const char *target = strncmp(head, "GET ", 4) == 0 ? head + 4 : "";
    if (target_is(target, "/work")) {
        const char *line_end = strstr(target, "\r\n");
        const char *us = strstr(target, "us=");
        long micros = us != NULL && us < line_end ? strtol(us + 3, NULL, 10) : 0;
        micros = micros < 0 ? 0 : micros > MAX_WORK_MICROS ? MAX_WORK_MICROS : micros;
        burn(micros);
        snprintf(body, sizeof body, "{\"us\":%ld}\n", micros);
    } else if (target_is(target, "/whoami")) {
        snprintf(body, sizeof body, "{\"vcore\":%d}\n", c->loop);
    }
    return (size_t)snprintf(out, MAX_ANSWER_BYTES,
                            "HTTP/1.1 200 OK\r\n"
                            "Server: skew\r\n"
                            "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
                            "Content-Type: text/plain\r\n"
                            "Content-Length: %zu\r\n"
                            "\r\n"
                            "%s",
                            strlen(body), body);
}

/* Sends everything. Answers are small and clients take them: waiting for room is rare, and holds the thread up. */
static int send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return -1;
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            if (poll(&room, 1, -1) < 0 && errno != EINTR) return -1;
            continue;
        }
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

/* Reads once and answers every request that is complete then. Returns 0, or -1 when the connection is at its end. */
static int serve(struct connection *c) {
    ssize_t n = recv(c->fd, c->input + c->length, sizeof c->input - 1 - c->length, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) return -1;
    c->length += (size_t)n;
    c->input[c->length] = '\0';
    char out[OUTPUT_BYTES];
    size_t owed = 0;
    char *at = c->input;
    for (char *end; (end = strstr(at, "\r\n\r\n")) != NULL; at = end + 4) {
        owed += answer(c, at, out + owed);
        if (owed > sizeof out - MAX_ANSWER_BYTES) {
            if (send_all(c->fd, out, owed) < 0) return -1;
            owed = 0;
        }
    }
    if (owed > 0 && send_all(c->fd, out, owed) < 0) return -1;
    c->length -= (size_t)(at - c->input);
    memmove(c->input, at, c->length);
    return c->length == sizeof c->input - 1 ? -1 : 0;    /* a request that does not fit */
}

static void end(struct connection *c) {
    close(c->fd);
    free(c);
}

static struct connection *begin(int fd, int loop) {
    struct connection *c = fd < MAX_FD ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    c->loop = loop;
    return c;
}

static int accept_one(int listener, int flags) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC);
        if (fd >= 0 || errno == EAGAIN) return fd;
        if (errno != EINTR && errno != ECONNABORTED) die("accept4");
    }
}

static void watch(int epoll, int operation, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(epoll, operation, fd, &event) < 0) die("epoll_ctl");
}

static int wait_for(int epoll, struct epoll_event *events, int max, int timeout) {
    for (;;) {
        int n = epoll_wait(epoll, events, max, timeout);
        if (n >= 0) return n;
        if (errno != EINTR) die("epoll_wait");
    }
}

/* ---- loops. Level-triggered: a connection with more input is shown again behind the others. */

static int loop_listeners[MAX_THREADS];

__attribute__((noreturn)) static void *run_loop(void *argument) {
    int loop = (int)(intptr_t)argument;
    int listener = loop_listeners[loop];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int n = wait_for(epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == NULL) {
                for (int fd; (fd = accept_one(listener, SOCK_NONBLOCK)) >= 0;) {
                    if ((c = begin(fd, loop)) != NULL) watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
                }
            } else if (serve(c) < 0) {
                end(c);
            }
        }
    }
}

/* ---- one queue */

static int shared_epoll, shared_listener;

/* A connection, or the listening socket (NULL), is armed for one event and again when that has been dealt with. */
static void accept_shared(void) {
    for (int fd; (fd = accept_one(shared_listener, SOCK_NONBLOCK)) >= 0;) {
        struct connection *c = begin(fd, -1);
        if (c != NULL) watch(shared_epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, c);
    }
    watch(shared_epoll, EPOLL_CTL_MOD, shared_listener, EPOLLIN | EPOLLONESHOT, NULL);
}

static void serve_shared(struct connection *c) {
    if (serve(c) < 0) end(c);
    else watch(shared_epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLONESHOT, c);
}

__attribute__((noreturn)) static void *run_queue(void *unused) {
    (void)unused;
    for (;;) {
        struct epoll_event event;
        wait_for(shared_epoll, &event, 1, -1);
        if (event.data.ptr == NULL) accept_shared();
        else serve_shared(event.data.ptr);
    }
}

/* ---- one heap, least service first */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct connection *heap[MAX_FD];                  /* guarded by lock, as are the following */
static int heap_size, idle, somebody_waits;

static void push(struct connection *c) {
    int at = heap_size++;
    for (; at > 0 && heap[(at - 1) / 2]->service > c->service; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = c;
}

static struct connection *pop(void) {
    struct connection *least = heap[0], *last = heap[--heap_size];
    int at = 0;
    for (int child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && heap[child + 1]->service < heap[child]->service) child++;
        if (heap[child]->service >= last->service) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return least;
}

/* Puts what is ready into the heap. With a timeout of -1 the lock is given up meanwhile. */
static void gather(int timeout) {
    struct epoll_event events[MAX_EVENTS];
    if (timeout != 0) pthread_mutex_unlock(&lock);
    int n = wait_for(shared_epoll, events, MAX_EVENTS, timeout);
    if (timeout != 0) pthread_mutex_lock(&lock);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) accept_shared();
        else push(events[i].data.ptr);
    }
}

/*
 * One thread at a time waits in the kernel, the others for it. Who has been busy looks at the kernel before it chooses,
 * so that those who became ready meanwhile compete. Who leaves with work sends another in to wait.
 */
static struct connection *next_least(void) {
    pthread_mutex_lock(&lock);
    gather(0);
    while (heap_size == 0) {
        if (!somebody_waits) {
            somebody_waits = 1;
            gather(-1);
            somebody_waits = 0;
        } else {
            idle++;
            pthread_cond_wait(&more, &lock);
            idle--;
        }
    }
    struct connection *c = pop();
    if (idle > 0 && (heap_size > 0 || !somebody_waits)) pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
    return c;
}

__attribute__((noreturn)) static void *run_least(void *unused) {
    (void)unused;
    for (;;) {
        struct connection *c = next_least();
        uint64_t start = thread_nanos();
        if (serve(c) < 0) {
            end(c);
        } else {
            c->service += thread_nanos() - start;
            watch(shared_epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLONESHOT, c);
        }
    }
}

/* ---- a thread each */

static void *run_connection(void *connection) {
    while (serve(connection) == 0) {
    }
    end(connection);
    return NULL;
}

static void accept_threads(void) {
    for (;;) {
        struct connection *c = begin(accept_one(shared_listener, 0), -1);
        pthread_t thread;
        if (c == NULL) continue;
        if (pthread_create(&thread, NULL, run_connection, c) != 0) end(c);
        else pthread_detach(thread);
    }
}

/* ---- */

static void usage(void) {
    fprintf(stderr, "usage: skew_server --port N --mode loops|queue|least|threads [--threads N]\n");
    exit(2);
}

int main(int argc, char **argv) {
    int port = 0, known = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--threads") == 0) threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--mode") == 0) {
            for (int m = LOOPS; m <= THREADS; m++) {
                if (strcmp(argv[i + 1], mode_names[m]) == 0) {
                    mode = (enum mode)m;
                    known = 1;
                }
            }
        } else usage();
    }
    if (argc % 2 == 0 || !known || port < 1 || port > 65535 || threads < 1 || threads > MAX_THREADS) usage();
    raise_descriptor_limit();
    void *(*run)(void *) = NULL;
    if (mode == LOOPS) {
        run = run_loop;
        for (int i = 0; i < threads; i++) {
            if ((loop_listeners[i] = listen_on(port, SOCK_NONBLOCK, 1)) < 0) die("listen");
        }
    } else {
        shared_listener = listen_on(port, mode == THREADS ? 0 : SOCK_NONBLOCK, 0);
        if (shared_listener < 0) die("listen");
    }
    if (mode == QUEUE || mode == LEAST) {
        run = mode == QUEUE ? run_queue : run_least;
        if ((shared_epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
        watch(shared_epoll, EPOLL_CTL_ADD, shared_listener, EPOLLIN | EPOLLONESHOT, NULL);
    }
    printf("ready c %s, %d threads, on 127.0.0.1:%d\n", mode_names[mode], mode == THREADS ? 0 : threads, port);
    fflush(stdout);
    if (mode == THREADS) accept_threads();
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *)(intptr_t)i) != 0) die("pthread_create");
    }
    run((void *)(intptr_t)0);
}
