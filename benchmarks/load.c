/*
 * A lean crowd of WebSocket clients: opens N sockets, then notes when each publication reached the first and the last.
 *
 *     load HOST PORT PATH N SECONDS   ->  one line of JSON
 *
 * A publication is told by its "seq". Pings are answered; nothing else is sent. Frames are read, not checked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_SEQS 4096
#define AT_ONCE 64

struct client { int fd, open; size_t used, room; unsigned char *data; };
struct seq { long number, count; double first, last; };

static struct seq seqs[MOST_SEQS];
static int seq_count, opened, lost_sockets;
static long frames;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void note(const unsigned char *text, size_t size, double at) {
    static const char key[] = "\"seq\":";
    const unsigned char *found = memmem(text, size < 160 ? size : 160, key, sizeof key - 1);
    if (!found || !memmem(text, size < 40 ? size : 40, "update", 6)) return;
    long number = strtol((const char *)found + sizeof key - 1, NULL, 10);
    int i = seq_count - 1;
    while (i >= 0 && seqs[i].number != number) i--;
    if (i < 0) {
        if (seq_count == MOST_SEQS) return;
        i = seq_count++;
        seqs[i] = (struct seq){number, 0, at, at};
    }
    seqs[i].count++;
    seqs[i].last = at;
    frames++;
}

static size_t take(struct client *c, double at) {
    size_t done = 0;
    for (;;) {
        unsigned char *p = c->data + done;
        size_t left = c->used - done, head = 2, size;
        if (left < 2) break;
        size = p[1] & 127;
        if (size == 126) { if (left < 4) break; head = 4; size = p[2] << 8 | p[3]; }
        else if (size == 127) { if (left < 10) break; head = 10; size = 0; for (int i = 2; i < 10; i++) size = size << 8 | p[i]; }
        if (left < head + size) break;
        int opcode = p[0] & 15;
        if (opcode == 1) note(p + head, size, at);
        if (opcode == 9 && size < 126) {
            unsigned char pong[131] = {0x8a, 0x80 | size, 0, 0, 0, 0};
            memcpy(pong + 6, p + head, size);
            if (write(c->fd, pong, 6 + size) < 0) perror("pong");
        }
        done += head + size;
    }
    return done;
}

static int connect_one(const char *host, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) { perror("connect"); exit(1); }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void feed(struct client *c, int poll) {
    for (;;) {
        if (c->room - c->used < 4096) { c->room = c->room ? c->room * 2 : 8192; c->data = realloc(c->data, c->room); }
        ssize_t got = read(c->fd, c->data + c->used, c->room - c->used);
        double at = now();
        if (got <= 0) {
            if (got < 0 && errno == EAGAIN) return;
            epoll_ctl(poll, EPOLL_CTL_DEL, c->fd, NULL);
            close(c->fd);
            lost_sockets++;
            return;
        }
        c->used += got;
        size_t done = 0;
        if (!c->open) {
            unsigned char *end = memmem(c->data, c->used, "\r\n\r\n", 4);
            if (!end) continue;
            if (memcmp(c->data, "HTTP/1.1 101", 12)) { fprintf(stderr, "refused: %.60s\n", c->data); exit(1); }
            c->open = 1;
            opened++;
            done = end + 4 - c->data;
            memmove(c->data, c->data + done, c->used -= done);
        }
        done = take(c, at);
        memmove(c->data, c->data + done, c->used -= done);
    }
}

int main(int count, char **words) {
    if (count != 6) { fprintf(stderr, "usage: load HOST PORT PATH N SECONDS\n"); return 2; }
    int n = atoi(words[4]), port = atoi(words[2]), poll = epoll_create1(0), started = 0;
    double seconds = atof(words[5]);
    struct rlimit limit = {n + 64, n + 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    struct client *clients = calloc(n, sizeof *clients);
    struct epoll_event events[512];
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: rates.v1\r\n\r\n", words[3], words[1], port);
    double begun = now(), accepted = 0, end = 0;
    for (;;) {
        while (started < n && started - opened < AT_ONCE) {
            struct client *c = &clients[started++];
            c->fd = connect_one(words[1], port);
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
            epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
            if (write(c->fd, request, size) != size) { perror("write"); return 1; }
        }
        int ready = epoll_wait(poll, events, 512, 50);
        for (int i = 0; i < ready; i++) feed(events[i].data.ptr, poll);
        if (opened == n && !accepted) {
            accepted = now() - begun;
            end = now() + seconds;
            seq_count = frames = 0;
            fprintf(stderr, "open\n");
        }
        if (end && now() > end) break;
    }
    printf("{\"sockets\":%d,\"accept_seconds\":%.3f,\"frames\":%ld,\"lost_sockets\":%d,\"publications\":[", n, accepted, frames, lost_sockets);
    for (int i = 0; i < seq_count; i++)
        printf("%s[%ld,%ld,%.3f]", i ? "," : "", seqs[i].number, seqs[i].count, (seqs[i].last - seqs[i].first) * 1000);
    printf("]}\n");
    return 0;
}
