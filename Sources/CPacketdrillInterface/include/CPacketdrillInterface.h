// The table that packetdrill's --so_filename wants filled: what lies where, and the calls that Swift cannot declare.
//
// The layout is that of `struct packetdrill_interface` in gtests/net/packetdrill/packetdrill.h of google/packetdrill,
// as it has stood since epoll, pipe and splice came to its end (33 entries). Only the layout is shared: the names of
// the entries are ours.
#ifndef SWIFT_TCP_PACKETDRILL_INTERFACE_H
#define SWIFT_TCP_PACKETDRILL_INTERFACE_H

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/// Calls of the socket API with `userdata` before their arguments. Each returns what the call returns, or -1 with errno.
struct packetdrill_interface {
    void *userdata;
    void (*free)(void *userdata);
    int (*socket)(void *userdata, int domain, int type, int protocol);
    int (*bind)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *userdata, int fd, int backlog);
    int (*accept)(void *userdata, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *userdata, int fd, void *buffer, size_t count);
    ssize_t (*readv)(void *userdata, int fd, const struct iovec *pieces, int count);
    ssize_t (*recv)(void *userdata, int fd, void *buffer, size_t count, int flags);
    ssize_t (*recvfrom)(void *userdata, int fd, void *buffer, size_t count, int flags, struct sockaddr *address,
                        socklen_t *length);
    ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *userdata, int fd, const void *buffer, size_t count);
    ssize_t (*writev)(void *userdata, int fd, const struct iovec *pieces, int count);
    ssize_t (*send)(void *userdata, int fd, const void *buffer, size_t count, int flags);
    ssize_t (*sendto)(void *userdata, int fd, const void *buffer, size_t count, int flags,
                      const struct sockaddr *address, socklen_t length);
    ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *userdata, int fd, int command, ...);
    int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
    int (*close)(void *userdata, int fd);
    int (*shutdown)(void *userdata, int fd, int how);
    int (*getsockopt)(void *userdata, int fd, int level, int option, void *value, socklen_t *length);
    int (*setsockopt)(void *userdata, int fd, int level, int option, const void *value, socklen_t length);
    int (*poll)(void *userdata, struct pollfd *entries, nfds_t count, int timeout);
    /// An IP packet reaches the stack. 0, or -1.
    int (*netdev_send)(void *userdata, const void *packet, size_t count);
    /// Waits for the next IP packet that leaves the stack. `count` comes as the size of the buffer and goes as that of
    /// the packet, 0 for none; `time` is when it left, in microseconds. 0, or -1.
    int (*netdev_receive)(void *userdata, void *buffer, size_t *count, long long *time);
    /// usleep, in microseconds.
    int (*pause)(void *userdata, useconds_t duration);
    /// gettimeofday.
    int (*time_of_day)(void *userdata, struct timeval *time, struct timezone *zone);
    int (*epoll_create)(void *userdata, int size);
    int (*epoll_ctl)(void *userdata, int epoll, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *userdata, int epoll, struct epoll_event *events, int limit, int timeout);
    int (*pipe)(void *userdata, int fds[2]);
    int (*splice)(void *userdata, int from, int64_t *from_offset, int to, int64_t *to_offset, size_t count,
                  unsigned flags);
};

/// Swift's part of fcntl: the third argument, read as the command wants it.
int stcp_drill_fcntl(void *userdata, int fd, int command, long argument);
/// Swift's part of ioctl: the number behind the third argument, which takes the result.
int stcp_drill_ioctl(void *userdata, int fd, unsigned long request, int *argument);

static inline int stcp_variadic_fcntl(void *userdata, int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    // Commands that take nothing leave it unread.
    long argument = command == F_GETFD || command == F_GETFL ? 0 : va_arg(arguments, int);
    va_end(arguments);
    return stcp_drill_fcntl(userdata, fd, command, argument);
}

static inline int stcp_variadic_ioctl(void *userdata, int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    int *argument = va_arg(arguments, int *);
    va_end(arguments);
    return stcp_drill_ioctl(userdata, fd, request, argument);
}

/// Fills the two entries that take any number of arguments.
static inline void stcp_fill_variadics(struct packetdrill_interface *interface) {
    interface->fcntl = stcp_variadic_fcntl;
    interface->ioctl = stcp_variadic_ioctl;
}

/// Calls the two, for those who cannot from Swift.
static inline int stcp_call_fcntl(const struct packetdrill_interface *interface, int fd, int command, int argument) {
    return interface->fcntl(interface->userdata, fd, command, argument);
}

static inline int stcp_call_ioctl(
    const struct packetdrill_interface *interface, int fd, unsigned long request, int *argument) {
    return interface->ioctl(interface->userdata, fd, request, argument);
}

/// A descriptor of the process that is good for nothing but its number.
static inline int stcp_reserve_descriptor(void) { return open("/dev/null", O_RDWR | O_CLOEXEC); }

#endif
#endif
