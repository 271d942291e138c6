/*
 * The load client of the benchmarks: N connections in one epoll loop, lean enough to cost less than any server.
 *
 *     load HOST PORT PATH COUNT [SUBPROTOCOL [GREETING [EXTENSION]]]   WebSockets
 *     load HOST PORT PATH COUNT events                                 streams of server-sent events; a chunk is a frame
 *
 * An empty SUBPROTOCOL is not offered.
 * Prints one line when all are open and have had GREETING text frames, "open SECONDS"; then obeys lines on its standard
 * input:
 *
 *     round     wait until every socket has had one text frame (5 s at most):
 *               "round GOT FIRST LAST BYTES"; times in nanoseconds of CLOCK_MONOTONIC
 *     quit      close everything
 *
 * Pings are answered. Frames may come in pieces; everything else that a server could send ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 256, EVENTS = 1024, BUFFER = 1 << 18, HEAD = 512 };
enum state { CONNECTING, HANDSHAKE, OPEN };

struct client {
    int fd;
    enum state state;
    int got;                /* text frames in this round */
    int missing;            /* text frames of the greeting */
    uint64_t skip;          /* payload bytes of the present frame still to come */
    int header_size;        /* bytes of an unfinished header or handshake */
    unsigned char header[HEAD];
};

static struct client *clients;
static int count, greeting, opened, started, complete, epoll, round_on, streams;
static uint64_t first, last, bytes;
static char request[1024];
static int request_size;
static struct sockaddr_in server;
static unsigned char buffer[BUFFER];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static void begin(struct client *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) die("connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl");
    started++;
}

static void greeted(void) {
    opened++;
    if (started < count) begin(&clients[started]);
}

static void text_arrived(struct client *c, uint64_t size, uint64_t at) {
    bytes += size;
    if (c->missing && !--c->missing) greeted();
    if (!round_on || c->got++) return;
    if (!complete++) first = at;
    last = at;
}

static void pong(struct client *c) {
    static const unsigned char frame[6] = {0x8a, 0x80, 1, 2, 3, 4};
    if (write(c->fd, frame, sizeof frame) != sizeof frame) die("pong");
}

/* Eat frames from data; a header that is cut off is kept for the next read. */
static void frames(struct client *c, const unsigned char *data, size_t size, uint64_t at) {
    while (size) {
        if (c->skip) {
            uint64_t taken = c->skip < size ? c->skip : size;
            c->skip -= taken, data += taken, size -= taken;
            continue;
        }
        c->header[c->header_size++] = *data++, size--;
        int need = 2;
        if (c->header_size >= 2) need += (c->header[1] == 126) ? 2 : (c->header[1] == 127) ? 8 : 0;
        if (c->header_size < need) continue;
        uint64_t length = c->header[1];
        if (length > 125) {
            length = 0;
            for (int i = 2; i < need; i++) length = length << 8 | c->header[i];
        }
        int opcode = c->header[0] & 15;
        c->header_size = 0;
        c->skip = length;
        errno = 0;
        if (opcode == 1) text_arrived(c, length, at);
        else if (opcode == 9) pong(c);
        else if (opcode == 8) die("the server closed a socket");
        else die("frame");
    }
}

/* The same for the chunks of a body: "SIZE in hexadecimal\r\n", that many bytes, "\r\n". */
static void chunks(struct client *c, const unsigned char *data, size_t size, uint64_t at) {
    while (size) {
        if (c->skip) {
            uint64_t taken = c->skip < size ? c->skip : size;
            c->skip -= taken, data += taken, size -= taken;
            continue;
        }
        if (c->header_size == 20) { errno = 0; die("chunk"); }
        c->header[c->header_size++] = *data++, size--;
        if (c->header[c->header_size - 1] != '\n') continue;
        c->header[c->header_size] = 0, c->header_size = 0;
        uint64_t length = strtoull((char *)c->header, NULL, 16);
        if (!length) { errno = 0; die("the server ended a stream"); }
        c->skip = length + 2;
        text_arrived(c, length, at);
    }
}

static void arrived(struct client *c, const unsigned char *data, size_t size, uint64_t at) {
    if (streams) chunks(c, data, size, at);
    else frames(c, data, size, at);
}

static void handshake(struct client *c, const unsigned char *data, size_t size, uint64_t at) {
    while (size) {
        if (c->header_size == HEAD - 1) { errno = 0; die("long handshake"); }
        c->header[c->header_size++] = *data++, size--;
        if (c->header_size >= 4 && !memcmp(c->header + c->header_size - 4, "\r\n\r\n", 4)) {
            if (memcmp(c->header, streams ? "HTTP/1.1 200" : "HTTP/1.1 101", 12)) { errno = 0; die("handshake refused"); }
            c->header_size = 0;
            c->state = OPEN;
            c->missing = greeting;
            if (!greeting) greeted();
            arrived(c, data, size, at);
            return;
        }
    }
}

static void serve(struct client *c, uint32_t events) {
    if (c->state == CONNECTING && events & EPOLLOUT) {
        if (write(c->fd, request, (size_t)request_size) != request_size) die("request");
        c->state = HANDSHAKE;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        return;
    }
    ssize_t size = read(c->fd, buffer, sizeof buffer);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) die("read");
    if (c->state == OPEN) arrived(c, buffer, (size_t)size, now());
    else handshake(c, buffer, (size_t)size, now());
}

static void report(void) {
    printf("round %d %llu %llu %llu\n", complete, (unsigned long long)first, (unsigned long long)last,
           (unsigned long long)bytes);
    fflush(stdout);
    round_on = 0;
}

static void obey(void) {
    char line[64];
    ssize_t size = read(0, line, sizeof line - 1);
    if (size <= 0 || line[0] == 'q') exit(0);
    for (int i = 0; i < count; i++) clients[i].got = 0;
    complete = 0, first = last = 0, bytes = 0, round_on = 1;
    puts("ready");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "load HOST PORT PATH COUNT [SUBPROTOCOL [GREETING [EXTENSION]]]\n"); return 2; }
    const char *subprotocol = argc > 5 ? argv[5] : "";
    const char *extension = argc > 7 ? argv[7] : "";
    count = atoi(argv[4]);
    greeting = argc > 6 ? atoi(argv[6]) : 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    streams = !strcmp(subprotocol, "events");
    if (streams) request_size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n",
                                         argv[3], argv[1], argv[2]);
    else request_size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s%s\r\n",
        argv[3], argv[1], argv[2], *subprotocol ? "Sec-WebSocket-Protocol: " : "", subprotocol,
        *subprotocol ? "\r\n" : "", *extension ? "Sec-WebSocket-Extensions: " : "", extension, *extension ? "\r\n" : "");
    clients = calloc((size_t)count, sizeof *clients);
    epoll = epoll_create1(0);
    uint64_t began = now(), round_began = 0;
    for (int i = 0; i < count && i < AT_ONCE; i++) begin(&clients[i]);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    int said = 0;
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) serve(events[i].data.ptr, events[i].events);
            else obey(), round_began = now();
        }
        if (!said && opened == count) {
            said = 1;
            printf("open %.4f\n", (double)(now() - began) / 1e9);
            fflush(stdout);
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input)) die("standard input");
        }
        if (round_on && (complete == count || now() - round_began > 5000000000u)) report();
    }
}
