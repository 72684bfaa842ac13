// SPDX-License-Identifier: BSD-3-Clause
/* File descriptors that a peer sent, and that may be any file. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"

/*
 * Maximum number of threads. When all of them are stuck in close(2), further calls
 * are delayed.
 */
#define THREADS_MAX 16

/**
 * struct closer - file descriptors that threads close
 * @lock: protects all members below
 * @fds: a ring buffer
 * @max: number of entries that @fds has room for
 * @first: index of the oldest entry
 * @nr: number of entries
 * @threads: number of threads; each ends when there are no entries
 */
static struct closer {
	pthread_mutex_t lock;
	int *fds;
	unsigned int max;
	unsigned int first;
	unsigned int nr;
	unsigned int threads;
} closer = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool vu_fd_is_unix(int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       domain == AF_UNIX;
}

/* Return: 1 for a file with the name @want in /proc, 0 for another file, -1 if unknown. */
static int has_name(int fd, const char *want)
{
	char path[32], name[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, sizeof(name) - 1);
	if (len < 0)
		return -1;
	name[len] = '\0';
	return !strcmp(name, want);
}

static int is_eventfd(int fd)
{
	return has_name(fd, "anon_inode:[eventfd]");
}

/* A file of vuser's kernel module that takes the writes of an eventfd. */
static int is_irq_file(int fd)
{
	return has_name(fd, "anon_inode:[vuser-irq]");
}

bool vu_fd_may_be_eventfd(int fd)
{
	return is_eventfd(fd) != 0;
}

bool vu_fd_may_be_userfaultfd(int fd)
{
	return has_name(fd, "anon_inode:[userfaultfd]") != 0;
}

bool vu_fd_may_be_irq(int fd)
{
	return is_eventfd(fd) || is_irq_file(fd);
}

bool vu_fd_is_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

/*
 * Whether close(2) never waits: for shared memory, huge pages, eventfds and UNIX
 * sockets. The checks do not wait for a server of a file system either.
 */
static bool closes_at_once(int fd)
{
	return vu_fd_is_memory(fd) || vu_fd_is_unix(fd) ||
	       is_eventfd(fd) == 1 || is_irq_file(fd) == 1;
}

static void *run(void *data)
{
	int fd;

	(void)data;
	pthread_mutex_lock(&closer.lock);
	while (closer.nr) {
		fd = closer.fds[closer.first];
		closer.first = (closer.first + 1) % closer.max;
		closer.nr--;
		pthread_mutex_unlock(&closer.lock);
		close(fd);
		pthread_mutex_lock(&closer.lock);
	}
	closer.threads--;
	if (!closer.threads) {
		free(closer.fds);
		closer.fds = NULL;
		closer.max = 0;
	}
	pthread_mutex_unlock(&closer.lock);
	return NULL;
}

/* The thread blocks all signals: they are for the threads of the program. */
static bool start_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&thread, &attr, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return !ret;
}

/* Make room for one more entry. The limit of the process' files bounds the buffer. */
static bool make_room(void)
{
	unsigned int max = closer.max ? 2 * closer.max : 64, i;
	int *fds;

	if (closer.nr < closer.max)
		return true;
	fds = calloc(max, sizeof(*fds));
	if (!fds)
		return false;
	for (i = 0; i < closer.nr; i++)
		fds[i] = closer.fds[(closer.first + i) % closer.max];
	free(closer.fds);
	closer.fds = fds;
	closer.max = max;
	closer.first = 0;
	return true;
}

/*
 * Without memory, leave the fd open, since closing it here could wait for ever.
 */
static void close_later(int fd)
{
	pthread_mutex_lock(&closer.lock);
	if (make_room()) {
		closer.fds[(closer.first + closer.nr) % closer.max] = fd;
		closer.nr++;
		if (closer.threads < THREADS_MAX && start_thread())
			closer.threads++;
	}
	pthread_mutex_unlock(&closer.lock);
}

void vu_fd_close(int fd)
{
	if (fd < 0)
		return;
	if (closes_at_once(fd))
		close(fd);
	else
		close_later(fd);
}
