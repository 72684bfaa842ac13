/* SPDX-License-Identifier: GPL-2.0 */
/* UNIX sockets of tests that act as a server, and files in their messages. */
#ifndef SELFTESTS_UNIX_H
#define SELFTESTS_UNIX_H

#include <stddef.h>

/* The most files that a message can carry (SCM_MAX_FD). */
#define UNIX_MAX_FILES 253

/* Listens at @path, of which a file is removed; a descriptor or -errno. */
int unix_listen(const char *path);
/*
 * Sends @len bytes and @nr references to one file, in one message; 0 or -errno.
 */
int unix_send_files(int sock, const void *buf, size_t len, int file,
		    unsigned int nr);

#endif /* SELFTESTS_UNIX_H */
