// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse.h"

#define NODE_FILE 2

/* The lock is held, or nobody else writes. */
static void reply(struct fuse *f, uint64_t unique, int error, const void *data,
		  size_t len)
{
	struct fuse_out_header head = {
		.len = sizeof(head) + len,
		.error = error,
		.unique = unique,
	};
	struct iovec iov[2] = {
		{ &head, sizeof(head) },
		{ (void *)data, len },
	};

	/* One who asked and was killed since: nobody is there to complain to. */
	if (writev(f->dev, iov, 2) < 0 && errno != ENOENT && errno != ENODEV)
		perror("fuse");
}

static void reply_read(struct fuse *f, uint64_t unique, uint32_t size)
{
	char *data = malloc(size);

	if (!data)
		abort();
	memset(data, FUSE_BYTE, size);
	reply(f, unique, 0, data, size);
	free(data);
}

static struct fuse_attr attr_of(uint64_t node)
{
	bool file = node == NODE_FILE;

	return (struct fuse_attr) {
		.ino = node,
		.size = file ? FUSE_FILE_SIZE : 0,
		.mode = file ? S_IFREG | 0600 : S_IFDIR | 0700,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer_init(struct fuse *f, uint64_t unique)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 4096,
	};

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_lookup(struct fuse *f, uint64_t unique)
{
	struct fuse_entry_out out = {
		.nodeid = NODE_FILE,
		.attr = attr_of(NODE_FILE),
	};

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_getattr(struct fuse *f, uint64_t unique, uint64_t node)
{
	struct fuse_attr_out out = { .attr = attr_of(node) };

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_read(struct fuse *f, uint64_t unique,
			const struct fuse_read_in *in)
{
	pthread_mutex_lock(&f->lock);
	if (f->hold) {
		f->hold = false;
		f->held = unique;
		f->held_size = in->size;
		sem_post(&f->came);
	} else {
		reply_read(f, unique, in->size);
	}
	pthread_mutex_unlock(&f->lock);
}

static void answer(struct fuse *f, const struct fuse_in_header *in)
{
	struct fuse_open_out open = {};

	switch (in->opcode) {
	case FUSE_INIT:
		answer_init(f, in->unique);
		break;
	case FUSE_LOOKUP:
		answer_lookup(f, in->unique);
		break;
	case FUSE_GETATTR:
		answer_getattr(f, in->unique, in->nodeid);
		break;
	case FUSE_OPEN:
		reply(f, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		answer_read(f, in->unique, (const void *)(in + 1));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_RELEASE:
		reply(f, in->unique, 0, NULL, 0);
		break;
	default:
		reply(f, in->unique, -ENOSYS, NULL, 0);
	}
}

static void *run(void *arg)
{
	static char buf[FUSE_MIN_READ_BUFFER + 4096];
	struct fuse *f = arg;
	ssize_t len;

	for (;;) {
		len = read(f->dev, buf, sizeof(buf));
		if (len < 0 && errno == ENODEV)
			return NULL;
		if (len > 0)
			answer(f, (const void *)buf);
	}
}

int fuse_start(struct fuse *f)
{
	char options[128];
	int ret;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	sem_init(&f->came, 0, 0);
	strcpy(f->dir, "/run/fuse.XXXXXX");
	f->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (f->dev < 0)
		return -errno;
	if (!mkdtemp(f->dir)) {
		ret = -errno;
		goto err_close;
	}
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", f->dev);
	if (mount("selftest", f->dir, "fuse", MS_NOSUID | MS_NODEV, options)) {
		ret = -errno;
		goto err_rmdir;
	}
	ret = -pthread_create(&f->thread, NULL, run, f);
	if (!ret)
		return 0;

	umount2(f->dir, MNT_FORCE | MNT_DETACH);
err_rmdir:
	rmdir(f->dir);
err_close:
	close(f->dev);
	return ret;
}

void fuse_stop(struct fuse *f)
{
	/* Aborts what is under way; the thread's read ends with it. */
	umount2(f->dir, MNT_FORCE);
	umount2(f->dir, MNT_DETACH);
	pthread_join(f->thread, NULL);
	close(f->dev);
	rmdir(f->dir);
}

int fuse_open(struct fuse *f)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/mem", f->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void fuse_hold(struct fuse *f)
{
	pthread_mutex_lock(&f->lock);
	f->hold = true;
	pthread_mutex_unlock(&f->lock);
}

void fuse_release(struct fuse *f)
{
	pthread_mutex_lock(&f->lock);
	f->hold = false;
	if (f->held)
		reply_read(f, f->held, f->held_size);
	f->held = 0;
	pthread_mutex_unlock(&f->lock);
}
