// System calls of Linux that Swift's Glibc module does not know: TUN, epoll, eventfd, and interfaces by ioctl.
//
// Functions return a value of at least 0, or the negated errno.
#ifndef SWIFT_TCP_NETWORK_DEVICES_H
#define SWIFT_TCP_NETWORK_DEVICES_H

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STCP_NAME_SIZE IFNAMSIZ

/// Opens the TUN clone device.
static inline int stcp_tun_open(void) {
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static inline struct ifreq stcp_request(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return request;
}

/// Attaches `fd` to the TUN interface `name`, which is made when it is not there; packets come without any header.
/// `assigned` takes the name that the kernel gave it ("tun%d" asks for a free one).
static inline int stcp_tun_attach(int fd, const char *name, char assigned[STCP_NAME_SIZE]) {
    struct ifreq request = stcp_request(name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) < 0) return -errno;
    memcpy(assigned, request.ifr_name, STCP_NAME_SIZE);
    return 0;
}

/// One ioctl on a socket of a family, for the interface that the request names.
static inline int stcp_interface_ioctl(int family, unsigned long code, void *request) {
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = ioctl(fd, code, request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static inline int stcp_interface_mtu(const char *name) {
    struct ifreq request = stcp_request(name);
    int result = stcp_interface_ioctl(AF_INET, SIOCGIFMTU, &request);
    return result < 0 ? result : request.ifr_mtu;
}

static inline int stcp_interface_set_mtu(const char *name, int mtu) {
    struct ifreq request = stcp_request(name);
    request.ifr_mtu = mtu;
    return stcp_interface_ioctl(AF_INET, SIOCSIFMTU, &request);
}

/// 1 when the interface is up, 0 when it is down.
static inline int stcp_interface_is_up(const char *name) {
    struct ifreq request = stcp_request(name);
    int result = stcp_interface_ioctl(AF_INET, SIOCGIFFLAGS, &request);
    return result < 0 ? result : (request.ifr_flags & IFF_UP) != 0;
}

static inline int stcp_interface_set_up(const char *name) {
    struct ifreq request = stcp_request(name);
    int result = stcp_interface_ioctl(AF_INET, SIOCGIFFLAGS, &request);
    if (result < 0) return result;
    request.ifr_flags |= IFF_UP;
    return stcp_interface_ioctl(AF_INET, SIOCSIFFLAGS, &request);
}

static inline int stcp_interface_store4(const char *label, unsigned long code, uint32_t value) {
    struct ifreq request = stcp_request(label);
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(value);
    memcpy(&request.ifr_addr, &address, sizeof address);
    return stcp_interface_ioctl(AF_INET, code, &request);
}

/// Gives the interface an IPv4 address. `label` is its name, for a second address with ":1" and so on behind it.
static inline int stcp_interface_add4(const char *label, uint32_t address, uint32_t mask) {
    int result = stcp_interface_store4(label, SIOCSIFADDR, address);
    return result < 0 ? result : stcp_interface_store4(label, SIOCSIFNETMASK, mask);
}

/// The sixteen bytes of an IPv6 address, from its halves.
static inline void stcp_store6(void *bytes, uint64_t high, uint64_t low) {
    uint8_t *next = (uint8_t *)bytes;
    for (int i = 0; i < 8; i++) {
        next[i] = (uint8_t)(high >> (56 - 8 * i));
        next[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
}

/// Gives the interface an IPv6 address, both halves as numbers.
static inline int stcp_interface_add6(const char *name, uint64_t high, uint64_t low, uint32_t prefix_length) {
    // As in <linux/ipv6.h>, which does not go together with <netinet/in.h> everywhere.
    struct {
        struct in6_addr address;
        uint32_t prefix_length;
        int index;
    } request;
    memset(&request, 0, sizeof request);
    stcp_store6(&request.address, high, low);
    request.prefix_length = prefix_length;
    request.index = (int)if_nametoindex(name);
    if (request.index == 0) return -errno;
    return stcp_interface_ioctl(AF_INET6, SIOCSIFADDR, &request);
}

/// 0 once sockets can have the interface's IPv6 address: the kernel makes it usable some time after it was given.
static inline int stcp_interface_can_bind6(const char *name, uint64_t high, uint64_t low) {
    struct sockaddr_in6 address;
    memset(&address, 0, sizeof address);
    address.sin6_family = AF_INET6;
    stcp_store6(&address.sin6_addr, high, low);
    if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) address.sin6_scope_id = if_nametoindex(name);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static inline int stcp_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static inline int stcp_eventfd_create(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/// Has `epoll` report `fd` when it can be read.
static inline int stcp_epoll_add(int epoll, int fd) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = fd;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/// Waits for up to `milliseconds`, for ever when that is negative. An interruption counts as a return of 0.
static inline int stcp_epoll_wait(int epoll, int milliseconds) {
    struct epoll_event events[4];
    int count = epoll_wait(epoll, events, 4, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    return count;
}

#endif
#endif
