/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE file system with one file, whose reads are answered when the test
 * says so: memory that takes as long as its owner likes to come.
 */
#ifndef SELFTESTS_FUSE_H
#define SELFTESTS_FUSE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#define FUSE_FILE_SIZE 0x10000UL
#define FUSE_BYTE      'F' /* all that is in it */

struct fuse {
	int dev;
	char dir[32];
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	bool hold; /* keep the next read */
	uint64_t held; /* its id, 0: none */
	uint32_t held_size;
	sem_t came; /* a read is kept */
};

/* Mounts it; 0 or -errno. */
int fuse_start(struct fuse *f);
/* Unmounts it, answering nothing any more. */
void fuse_stop(struct fuse *f);
/* The file, opened for reading and writing, or -errno. */
int fuse_open(struct fuse *f);
/* Keeps the next read, until fuse_release(). */
void fuse_hold(struct fuse *f);
void fuse_release(struct fuse *f);

#endif /* SELFTESTS_FUSE_H */
