/* What the two C loops share: the answer, the search for blank lines, and the argument. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"

/* The header fields, and the length, of the other servers' /plaintext. */
#define ANSWER "HTTP/1.1 200 OK\r\n" \
               "Server: loop\r\n" \
               "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n" \
               "Content-Type: text/plain\r\n" \
               "Content-Length: 13\r\n" \
               "\r\n" \
               "Hello, World!"

enum {
    ANSWER_BYTES = sizeof ANSWER - 1,
    ANSWER_COPIES = 512                                  /* more than fit one read, even if requests were tiny */
};

static char answers[ANSWER_COPIES * ANSWER_BYTES];

static void fill_answers(void) {
    for (int i = 0; i < ANSWER_COPIES; i++) memcpy(answers + i * ANSWER_BYTES, ANSWER, ANSWER_BYTES);
}

/* Steps the matcher of "\r\n\r\n": matched bytes before, and after, c. */
static unsigned step(unsigned matched, char c) {
    if (c == "\r\n\r\n"[matched]) return matched + 1;
    return c == '\r' ? 1 : 0;
}

/*
 * Counts the blank lines that end in bytes[0..length). A header's bytes are mostly neither CR nor LF, so the search
 * looks at every fourth byte and steps back only where it meets one of the two. *end carries a blank line that is
 * split between reads.
 */
static uint64_t count_requests(const char *bytes, size_t length, unsigned *end) {
    uint64_t found = 0;
    size_t from = 0;
    unsigned matched = *end;
    while (matched > 0 && from < length) {
        matched = step(matched, bytes[from++]);
        if (matched == 4) {
            found++;
            matched = 0;
        }
    }
    if (matched == 0) {
        size_t at = from + 3;
        while (at < length) {
            char c = bytes[at];
            if (c > '\r') {
                at += 4;
            } else if (c == '\n') {
                if (bytes[at - 1] == '\r' && bytes[at - 2] == '\n' && bytes[at - 3] == '\r') {
                    found++;
                    from = at + 1;
                    at += 4;
                } else {
                    at += 2;
                }
            } else {
                at += c == '\r' ? 1 : 4;
            }
        }
        size_t tail = length > 3 && length - 3 > from ? length - 3 : from;
        while (tail < length) matched = step(matched, bytes[tail++]);
    }
    *end = matched;
    return found;
}

static int port_argument(int argc, char **argv, const char *name) {
    int port = argc == 3 && strcmp(argv[1], "--port") == 0 ? atoi(argv[2]) : 0;
    if (port < 1 || port > 65535) {
        fprintf(stderr, "usage: %s --port N\n", name);
        exit(2);
    }
    return port;
}

#endif
