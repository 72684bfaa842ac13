/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE file system with one file.  The test decides when a read is answered,
 * so that it can use memory which takes arbitrarily long to fault in.
 */
#ifndef SELFTESTS_FUSE_H
#define SELFTESTS_FUSE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define FUSE_FILE_SIZE 0x10000UL
#define FUSE_BYTE      'F' /* every byte of the file */

/* Shared by the test and the server. */
struct fuse_shared {
	atomic_bool hold; /* hold the next read back */
	/* Do not answer vuserd, or answer it late: its open(2) and close(2) wait. */
	atomic_bool silent;
	sem_t held; /* posted when a read is held back */
};

/*
 * The server is a process of its own.  If it were a thread of the test, a
 * failed test could wait for its own server for ever and could not be killed.
 */
struct fuse {
	bool readahead; /* allow readahead, so that the waiting reader can be killed */
	unsigned int
		late; /* when silent: answer after this time in seconds; 0: never */
	pid_t pid;
	int release_fd; /* write a byte to answer the read that is held back */
	char dir[32];
	struct fuse_shared *shared;
};

/* Mounts the file system; 0 or -errno. */
int fuse_start(struct fuse *f);
/* Unmounts the file system and answers no further request. */
void fuse_stop(struct fuse *f);
/* Opens the file for reading and writing; a descriptor or -errno. */
int fuse_open(struct fuse *f);
/* Holds the next read back until fuse_release(). */
void fuse_hold(struct fuse *f);
void fuse_release(struct fuse *f);
/* Waits until a read is held back. */
void fuse_wait(struct fuse *f);

#endif /* SELFTESTS_FUSE_H */
