/* SPDX-License-Identifier: BSD-3-Clause */
/* Connect to a UNIX stream socket, or listen on one. */
#ifndef LIBBASE_UNIX_H
#define LIBBASE_UNIX_H

#include <sys/types.h>

/**
 * vu_unix_connect - connect to the UNIX stream socket at a path
 * @path: path of the socket file, less than PATH_MAX bytes. For more than 107 bytes,
 *        /proc must be mounted
 *
 * Return: a non-blocking, close-on-exec socket; -EAGAIN when the queue of the
 * listening socket is full; -EINVAL for an empty path; -ENAMETOOLONG; or another
 * errno of connect(2).
 */
int vu_unix_connect(const char *path);

/**
 * vu_unix_listen - create a listening UNIX stream socket at a path
 * @path: path of the socket file, less than PATH_MAX bytes; a socket file on which no
 *        process listens is replaced. For more than 107 bytes, /proc must be mounted,
 *        the last name in the path has at most 82 bytes, and getsockname(2) returns a
 *        path below /proc/self/fd
 *
 * Return: a non-blocking, close-on-exec socket; -EADDRINUSE when a process
 * listens there or the file is not a socket; -EINVAL for an empty path;
 * -ENAMETOOLONG; or another errno of bind(2).
 */
int vu_unix_listen(const char *path);

/**
 * vu_unix_listen_mode - create a listening UNIX stream socket with a file mode
 * @path: as for vu_unix_listen()
 * @mode: mode of the socket file, whatever the umask is; at no time does the file have
 *        more bits. A client needs write permission to connect.
 *
 * Return: as vu_unix_listen(); -EINVAL for an invalid mode.
 */
int vu_unix_listen_mode(const char *path, mode_t mode);

#endif /* LIBBASE_UNIX_H */
