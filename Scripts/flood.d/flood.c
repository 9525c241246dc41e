// The three programs of a flood, for Scripts/flood and Scripts/kernel: see the usage below. Linux only; built by the
// clang that comes with Swift. For a namespace without any way out: what is forged must not get further.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: flood forge DEVICE TO PORT SECONDS RATE [MAC]\n"
    "       flood dial TO PORT COUNT EVERY TIMEOUT\n"
    "       flood echo AT PORT BACKLOG\n"
    "\n"
    "  forge  sends SYNs out of DEVICE to TO:PORT, RATE a second, or as many as go when RATE is 0. The senders are drawn\n"
    "         from 10.77.1.0 to 10.77.255.255, and their ports, numbers and times as well. On Ethernet, MAC is the next hop\n"
    "  dial   opens COUNT connections to TO:PORT, one every EVERY milliseconds. One is good when a byte comes back within\n"
    "         TIMEOUT milliseconds; the time that is told is that of connect()\n"
    "  echo   sends back what comes, from a socket of the kernel's, until SIGTERM\n";

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static long number(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < 0) {
        fprintf(stderr, "flood: '%s' is no number\n", text);
        exit(64);
    }
    return value;
}

static struct sockaddr_in endpoint(const char *address, const char *port) {
    struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(port))};
    if (inet_pton(AF_INET, address, &result.sin_addr) != 1) {
        fprintf(stderr, "flood: '%s' is no address\n", address);
        exit(64);
    }
    return result;
}

// --- forge ---

enum { batch = 32, headers = 60 };

// splitmix64: the same senders in every run.
static uint64_t state = 9293;
static uint64_t draw(void) {
    uint64_t mixed = state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

static uint32_t sum(const uint8_t *bytes, int count, uint32_t sum) {
    for (int index = 0; index < count; index += 2) sum += (uint32_t)bytes[index] << 8 | bytes[index + 1];
    return sum;
}

static void store16(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void store32(uint8_t *bytes, uint32_t value) {
    store16(bytes, value >> 16);
    store16(bytes + 2, value);
}

static void store_sum(uint8_t *bytes, uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    store16(bytes, ~sum);
}

// A SYN as Linux sends it: MSS, SACK, timestamps, window scale.
static void forge_syn(uint8_t packet[headers], struct sockaddr_in to) {
    static const uint8_t options[20] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 10};
    uint64_t first = draw(), second = draw();
    memset(packet, 0, headers);
    packet[0] = 0x45;
    store16(packet + 2, headers);
    packet[6] = 0x40;
    packet[8] = 64;
    packet[9] = IPPROTO_TCP;
    // 10.77.1.0 to 10.77.255.255: nobody has these addresses, 10.77.0.0/24 is that of the honest.
    store32(packet + 12, 0x0A4D0000 + 256 + (uint32_t)(first % (65536 - 256)));
    memcpy(packet + 16, &to.sin_addr, 4);
    store_sum(packet + 10, sum(packet, 20, 0));
    uint8_t *tcp = packet + 20;
    store16(tcp, 1024 + (uint32_t)(first >> 32) % 64512);
    memcpy(tcp + 2, &to.sin_port, 2);
    store32(tcp + 4, (uint32_t)second);
    tcp[12] = 10 << 4;
    tcp[13] = 2;
    store16(tcp + 14, 64240);
    memcpy(tcp + 20, options, sizeof options);
    store32(tcp + 28, (uint32_t)(second >> 32));
    store_sum(tcp + 16, sum(tcp, 40, sum(packet + 12, 8, IPPROTO_TCP + 40)));
}

static int forge(int count, char **arguments) {
    if (count != 5 && count != 6) return 64;
    struct sockaddr_in to = endpoint(arguments[1], arguments[2]);
    int64_t seconds = number(arguments[3]), rate = number(arguments[4]);
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    link.sll_ifindex = (int)if_nametoindex(arguments[0]);
    if (link.sll_ifindex == 0) die(arguments[0]);
    if (count == 6) {
        unsigned mac[6];
        if (sscanf(arguments[5], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6) return 64;
        for (int index = 0; index < 6; index++) link.sll_addr[index] = (unsigned char)mac[index];
        link.sll_halen = 6;
    }
    int out = socket(AF_PACKET, SOCK_DGRAM, 0);
    if (out < 0) die("socket");
    // Sleeps of fifty microseconds are to last no more than that.
    prctl(PR_SET_TIMERSLACK, 1);
    static uint8_t packets[batch][headers];
    struct iovec parts[batch];
    struct mmsghdr messages[batch];
    memset(messages, 0, sizeof messages);
    for (int index = 0; index < batch; index++) {
        parts[index] = (struct iovec){packets[index], headers};
        messages[index].msg_hdr = (struct msghdr){
            .msg_name = &link, .msg_namelen = sizeof link, .msg_iov = parts + index, .msg_iovlen = 1};
    }
    int64_t began = now(), end = began + seconds * 1000000000, due = 0, sent = 0, refused = 0, time;
    while ((time = now()) < end) {
        int want = batch;
        if (rate > 0) {
            // What is due by now. Somebody who was not let run does not make up for more than a burst: it would only
            // overflow the device's queue.
            int64_t since = time - began, owed = since / 1000000000 * rate + since % 1000000000 * rate / 1000000000 - due;
            if (owed > 8 * batch) due += owed - 8 * batch;
            if (owed < 1) {
                clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 50000}, NULL);
                continue;
            }
            want = owed < batch ? (int)owed : batch;
        }
        for (int index = 0; index < want; index++) forge_syn(packets[index], to);
        int went = sendmmsg(out, messages, (unsigned)want, 0);
        if (went < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) die("sendmmsg");
        sent += went > 0 ? went : 0;
        refused += want - (went > 0 ? went : 0);
        due += want;
    }
    printf("sent %lld refused %lld\n", (long long)sent, (long long)refused);
    return 0;
}

// --- dial ---

struct call {
    int socket;
    int64_t began, connected, ended;
};

static void end_call(struct call *call, int64_t time) {
    call->ended = time;
    close(call->socket);
    call->socket = -1;
}

static int compare(const void *a, const void *b) {
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

// Writes its byte when it is connected, and reads it.
static void advance(struct call *call, short events, int64_t time) {
    char byte = 'x';
    if (call->connected == 0) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(call->socket, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0 || write(call->socket, &byte, 1) != 1) return end_call(call, -1);
        call->connected = time;
    } else if (events & (POLLIN | POLLERR | POLLHUP)) {
        end_call(call, read(call->socket, &byte, 1) == 1 ? time : -1);
    }
}

static void tell(const struct call *calls, long count) {
    int64_t *times = calloc((size_t)count, sizeof *times);
    long good = 0;
    for (long index = 0; index < count; index++) {
        times[index] = calls[index].ended > 0 ? calls[index].connected - calls[index].began : INT64_MAX;
        good += calls[index].ended > 0;
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    printf("good %ld of %ld", good, count);
    const struct { const char *name; long index; } ranks[] = {
        {"p50", (count + 1) / 2 - 1}, {"p99", (count * 99 + 99) / 100 - 1}, {"max", count - 1}};
    for (int rank = 0; rank < 3; rank++) {
        int64_t time = times[ranks[rank].index];
        if (time == INT64_MAX) printf(" %s never", ranks[rank].name);
        else printf(" %s %.2f", ranks[rank].name, (double)time / 1e6);
    }
    printf(" ms\n");
    free(times);
}

static int dial(int count, char **arguments) {
    if (count != 5) return 64;
    struct sockaddr_in to = endpoint(arguments[0], arguments[1]);
    long calls_wanted = number(arguments[2]);
    int64_t every = number(arguments[3]) * 1000000, limit = number(arguments[4]) * 1000000;
    if (calls_wanted < 1) return 64;
    struct call *calls = calloc((size_t)calls_wanted, sizeof *calls);
    struct pollfd *polled = calloc((size_t)calls_wanted, sizeof *polled);
    long *which = calloc((size_t)calls_wanted, sizeof *which);
    long begun = 0;
    int64_t start = now();
    for (;;) {
        int64_t time = now();
        while (begun < calls_wanted && start + begun * every <= time) {
            struct call *call = calls + begun++;
            call->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (call->socket < 0) die("socket");
            call->began = now();
            if (connect(call->socket, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) end_call(call, -1);
        }
        int open = 0;
        for (long index = 0; index < begun; index++) {
            if (calls[index].ended != 0) continue;
            if (time - calls[index].began > limit) {
                end_call(calls + index, -1);
                continue;
            }
            which[open] = index;
            polled[open++] = (struct pollfd){calls[index].socket, calls[index].connected ? POLLIN : POLLOUT, 0};
        }
        if (open == 0 && begun == calls_wanted) break;
        int64_t next = begun < calls_wanted ? start + begun * every - now() : 50000000;
        int wait = next <= 0 ? 0 : next > 50000000 ? 50 : (int)(next / 1000000) + 1;
        if (poll(polled, (nfds_t)open, wait) < 0 && errno != EINTR) die("poll");
        time = now();
        for (int index = 0; index < open; index++) {
            if (polled[index].revents) advance(calls + which[index], polled[index].revents, time);
        }
    }
    tell(calls, calls_wanted);
    return 0;
}

// --- echo ---

static int echo(int count, char **arguments) {
    if (count != 3) return 64;
    struct sockaddr_in at = endpoint(arguments[0], arguments[1]);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0) die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0) die("bind");
    if (listen(listener, (int)number(arguments[2])) != 0) die("listen");
    puts("listening");
    fflush(stdout);
    static struct pollfd polled[1024];
    int open = 1;
    polled[0] = (struct pollfd){listener, POLLIN, 0};
    for (;;) {
        if (poll(polled, (nfds_t)open, -1) < 0 && errno != EINTR) die("poll");
        for (int index = open - 1; index > 0; index--) {
            char bytes[4096];
            if (!polled[index].revents) continue;
            ssize_t length = read(polled[index].fd, bytes, sizeof bytes);
            if (length > 0 && write(polled[index].fd, bytes, (size_t)length) == length) continue;
            close(polled[index].fd);
            polled[index] = polled[--open];
        }
        int next;
        while (open < 1024 && (next = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
            polled[open++] = (struct pollfd){next, POLLIN, 0};
        }
    }
}

int main(int count, char **arguments) {
    int status = 64;
    signal(SIGPIPE, SIG_IGN);
    if (count > 1 && strcmp(arguments[1], "forge") == 0) status = forge(count - 2, arguments + 2);
    if (count > 1 && strcmp(arguments[1], "dial") == 0) status = dial(count - 2, arguments + 2);
    if (count > 1 && strcmp(arguments[1], "echo") == 0) status = echo(count - 2, arguments + 2);
    if (status == 64) fputs(usage, stderr);
    return status;
}
