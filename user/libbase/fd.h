/* SPDX-License-Identifier: BSD-3-Clause */
/* File descriptors that a peer sent: anything may be behind them. */
#ifndef LIBBASE_FD_H
#define LIBBASE_FD_H

#include <stdbool.h>

/**
 * vu_fd_close - close what a peer sent, without waiting for it
 * @fd: or -1
 *
 * The close of a file on a FUSE or a network file system waits for who serves
 * that, perhaps for ever, and the peer may be that one.  So only what is known
 * to close at once is closed here, and all else by a thread.
 */
void vu_fd_close(int fd);

/* An eventfd, or there is no /proc that would tell. */
bool vu_fd_may_be_eventfd(int fd);

/* A UNIX socket; asks nobody but the kernel. */
bool vu_fd_is_unix(int fd);

#endif /* LIBBASE_FD_H */
