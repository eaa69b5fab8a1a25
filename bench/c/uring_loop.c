/*
 * uring_loop: the same server as epoll_loop, on io_uring without liburing.
 *
 * One thread, one ring (single issuer, deferred task work), one io_uring_enter per turn. Accept and receive are
 * multishot; received bytes land in a ring of provided buffers and go back to it as soon as they are counted. At most
 * one send per connection is in flight, so answers cannot overtake each other.
 *
 *   uring_loop --port N      listens on 127.0.0.1:N and prints one line when ready; ends on SIGTERM or SIGINT
 *
 * Needs Linux 6.6.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer.h"

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)               /* since 6.6; younger than some headers */
#endif

enum {
    MAX_FD = 1 << 16,
    SQ_ENTRIES = 4096,
    CQ_ENTRIES = 16384,
    BUFFERS = 1024,                                      /* a power of two */
    BUFFER_BYTES = 16 * 1024,
    BUFFER_GROUP = 0
};

enum operation { ACCEPT, RECEIVE, SEND };

/* A descriptor is closed when its receive has ended and no send is in flight: then nothing can name it any more. */
struct connection {
    uint64_t owed;
    unsigned end;
    unsigned receiving : 1, sending : 1;
};

static struct connection connections[MAX_FD];
static int ring_fd, listener;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;
static _Atomic unsigned *sq_head, *sq_tail, *cq_head, *cq_tail;
static unsigned sq_mask, cq_mask, sq_local_tail, sq_submitted;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static uint16_t buffer_tail;

static void die(const char *what) {
    fprintf(stderr, "uring_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *map(size_t bytes, int fd, uint64_t offset) {
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);
    if (at == MAP_FAILED) die("mmap");
    return at;
}

static void set_up(void) {
    struct io_uring_params p = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY
                 | IORING_SETUP_CQSIZE,
        .cq_entries = CQ_ENTRIES};
    ring_fd = (int)syscall(SYS_io_uring_setup, SQ_ENTRIES, &p);
    if (ring_fd < 0) die("io_uring_setup");
    size_t bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    char *rings = map(bytes, ring_fd, IORING_OFF_SQ_RING);            /* one mapping since 5.4 */
    sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), ring_fd, IORING_OFF_SQES);
    sq_head = (_Atomic unsigned *)(rings + p.sq_off.head);
    sq_tail = (_Atomic unsigned *)(rings + p.sq_off.tail);
    cq_head = (_Atomic unsigned *)(rings + p.cq_off.head);
    cq_tail = (_Atomic unsigned *)(rings + p.cq_off.tail);
    cqes = (struct io_uring_cqe *)(rings + p.cq_off.cqes);
    sq_mask = p.sq_entries - 1;
    cq_mask = p.cq_entries - 1;

    buffer_ring = map(BUFFERS * sizeof(struct io_uring_buf), -1, 0);
    buffers = map((size_t)BUFFERS * BUFFER_BYTES, -1, 0);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)buffer_ring, .ring_entries = BUFFERS, .bgid = BUFFER_GROUP};
    if (syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_PBUF_RING, &registration, 1) < 0) {
        die("IORING_REGISTER_PBUF_RING");
    }
}

static void give_buffer(unsigned id) {
    struct io_uring_buf *slot = &buffer_ring->bufs[buffer_tail & (BUFFERS - 1)];
    slot->addr = (uint64_t)(uintptr_t)(buffers + (size_t)id * BUFFER_BYTES);
    slot->len = BUFFER_BYTES;
    slot->bid = (uint16_t)id;
    buffer_tail++;
}

/* Shows the kernel the buffers given since the last call. */
static void publish_buffers(void) {
    atomic_store_explicit((_Atomic uint16_t *)&buffer_ring->tail, buffer_tail, memory_order_release);
}

/* Submits what is queued and waits for min completions. */
static void enter(unsigned min) {
    atomic_store_explicit(sq_tail, sq_local_tail, memory_order_release);
    unsigned queued = sq_local_tail - sq_submitted;
    long n = syscall(SYS_io_uring_enter, ring_fd, queued, min, IORING_ENTER_GETEVENTS, NULL, 0);
    if (n < 0) {
        if (errno == EINTR || errno == EAGAIN || errno == EBUSY) return;   /* tried again on the next turn */
        die("io_uring_enter");
    }
    sq_submitted += (unsigned)n;
}

static struct io_uring_sqe *queue(enum operation operation, int fd) {
    while (sq_local_tail - atomic_load_explicit(sq_head, memory_order_acquire) > sq_mask) enter(0);
    struct io_uring_sqe *sqe = &sqes[sq_local_tail++ & sq_mask];
    memset(sqe, 0, sizeof *sqe);
    sqe->fd = fd;
    sqe->user_data = (uint64_t)operation << 32 | (uint32_t)fd;
    return sqe;
}

static void queue_accept(void) {
    struct io_uring_sqe *sqe = queue(ACCEPT, listener);
    sqe->opcode = IORING_OP_ACCEPT;
    sqe->ioprio = IORING_ACCEPT_MULTISHOT;
    sqe->accept_flags = SOCK_CLOEXEC;
}

static void queue_receive(int fd) {
    struct io_uring_sqe *sqe = queue(RECEIVE, fd);
    sqe->opcode = IORING_OP_RECV;
    sqe->ioprio = IORING_RECV_MULTISHOT;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    connections[fd].receiving = 1;
}

static void queue_send(int fd) {
    struct connection *c = &connections[fd];
    uint64_t start = (ANSWER_BYTES - c->owed % ANSWER_BYTES) % ANSWER_BYTES;
    uint64_t room = sizeof answers - start;
    struct io_uring_sqe *sqe = queue(SEND, fd);
    sqe->opcode = IORING_OP_SEND;
    sqe->addr = (uint64_t)(uintptr_t)(answers + start);
    sqe->len = (uint32_t)(c->owed < room ? c->owed : room);
    sqe->msg_flags = MSG_NOSIGNAL;
    c->sending = 1;
}

static void on_accept(const struct io_uring_cqe *cqe) {
    if (cqe->res >= 0) {
        if (cqe->res < MAX_FD) {
            connections[cqe->res] = (struct connection){0};
            queue_receive(cqe->res);
        } else {
            close(cqe->res);
        }
    } else if (cqe->res != -ECONNABORTED && cqe->res != -EINTR && cqe->res != -EAGAIN) {
        errno = -cqe->res;
        die("accept");
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) queue_accept();
}

static void on_receive(int fd, const struct io_uring_cqe *cqe) {
    struct connection *c = &connections[fd];
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0) {
            uint64_t found = count_requests(buffers + (size_t)id * BUFFER_BYTES, (size_t)cqe->res, &c->end);
            c->owed += found * ANSWER_BYTES;
        }
        give_buffer(id);
    }
    if (c->owed > 0 && !c->sending) queue_send(fd);
    if (cqe->flags & IORING_CQE_F_MORE) return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS || cqe->res == -EINTR) {
        queue_receive(fd);                               /* all buffers were taken: by now some are back */
    } else {
        c->receiving = 0;
        if (!c->sending) close(fd);
    }
}

static void on_send(int fd, const struct io_uring_cqe *cqe) {
    struct connection *c = &connections[fd];
    c->sending = 0;
    if (cqe->res > 0) {
        c->owed -= (uint64_t)cqe->res;
    } else if (cqe->res != -EINTR && cqe->res != -EAGAIN) {
        c->owed = 0;
        if (c->receiving) shutdown(fd, SHUT_RDWR);       /* ends the receive, whose completion closes */
    }
    if (c->owed > 0) {
        queue_send(fd);
    } else if (!c->receiving) {
        close(fd);
    }
}

int main(int argc, char **argv) {
    int port = port_argument(argc, argv, "uring_loop");
    raise_descriptor_limit();
    fill_answers();
    listener = listen_on(port, 0, 0);
    if (listener < 0) die("listen");
    set_up();
    for (unsigned id = 0; id < BUFFERS; id++) give_buffer(id);
    publish_buffers();
    queue_accept();
    enter(0);
    printf("ready c io_uring on 127.0.0.1:%d\n", port);
    fflush(stdout);

    for (;;) {
        enter(1);
        unsigned head = atomic_load_explicit(cq_head, memory_order_relaxed);
        unsigned tail = atomic_load_explicit(cq_tail, memory_order_acquire);
        for (; head != tail; head++) {
            const struct io_uring_cqe *cqe = &cqes[head & cq_mask];
            int fd = (int)(uint32_t)cqe->user_data;
            switch ((enum operation)(cqe->user_data >> 32)) {
                case ACCEPT: on_accept(cqe); break;
                case RECEIVE: on_receive(fd, cqe); break;
                case SEND: on_send(fd, cqe); break;
            }
        }
        atomic_store_explicit(cq_head, head, memory_order_release);
        publish_buffers();
    }
}
