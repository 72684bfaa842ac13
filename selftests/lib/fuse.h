/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE file system with one file, whose reads are answered when the test
 * says so: memory that takes as long as its owner likes to come.
 */
#ifndef SELFTESTS_FUSE_H
#define SELFTESTS_FUSE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define FUSE_FILE_SIZE 0x10000UL
#define FUSE_BYTE      'F' /* all that is in it */

/* What both processes see. */
struct fuse_shared {
	atomic_bool hold; /* keep the next read */
	sem_t came; /* a read is kept */
};

/*
 * Its server is a process of its own: one that waits for itself, with no way
 * to be ended, is what FUSE makes of a test that fails.
 */
struct fuse {
	bool ahead; /* given: it is read ahead, so that who waits can be killed */
	pid_t pid;
	int bell; /* a byte: answer the read that is kept */
	char dir[32];
	struct fuse_shared *shared;
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
/* Waits until a read is kept. */
void fuse_wait(struct fuse *f);

#endif /* SELFTESTS_FUSE_H */
