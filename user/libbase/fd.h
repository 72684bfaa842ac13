/* SPDX-License-Identifier: BSD-3-Clause */
/* File descriptors that a peer sent, and that may be any file. */
#ifndef LIBBASE_FD_H
#define LIBBASE_FD_H

#include <stdbool.h>

/**
 * vu_fd_close - close a file descriptor of a peer, without waiting
 * @fd: the file descriptor, or -1
 *
 * Closing a file on FUSE or on a network file system waits for the server of the file
 * system, perhaps for ever, and this server may be the peer. So this function closes
 * only files that are known to close at once; a thread closes all others.
 */
void vu_fd_close(int fd);

/*
 * Return: false if @fd is not an eventfd; true if it is one, or if /proc is not
 * mounted.
 */
bool vu_fd_may_be_eventfd(int fd);

/* As vu_fd_may_be_eventfd(), for a userfaultfd. */
bool vu_fd_may_be_userfaultfd(int fd);

/*
 * Whether a file is an eventfd or one of vuser's kernel module that signals an eventfd.
 * True if that cannot be found out.
 */
bool vu_fd_may_be_irq(int fd);

/*
 * Whether @fd is shared memory or huge pages: a memfd, or a file on tmpfs or hugetlbfs.
 * Does not wait for a server of a file system.
 */
bool vu_fd_is_memory(int fd);

/* Whether @fd is a UNIX socket. Does not wait for a server of a file system. */
bool vu_fd_is_unix(int fd);

#endif /* LIBBASE_FD_H */
