// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuse.h"

#define NODE_FILE 2

/* Further requests are answered at once, however silent the file system is. */
#define NR_LATE 1024

/* A request that is answered late. */
struct late {
	struct fuse_in_header head;
	time_t due; /* of CLOCK_MONOTONIC, in seconds */
};

/* The requests that are answered late, in the order in which they are due. */
static struct late lates[NR_LATE];
static unsigned int nr_late;

/* The state of the process that serves the file system. */
struct server {
	int dev;
	bool readahead;
	unsigned int late;
	struct fuse_shared *shared;
	uint64_t held; /* ID of the read that is held back, 0: none */
	uint32_t held_size;
};

static void reply(struct server *f, uint64_t unique, int error,
		  const void *data, size_t len)
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

	/*
	 * ENOENT: the reader was killed.  ENODEV: the file system is unmounted.
	 * In both cases no reply is needed.
	 */
	if (writev(f->dev, iov, 2) < 0 && errno != ENOENT && errno != ENODEV)
		perror("fuse");
}

static void reply_read(struct server *f, uint64_t unique, uint32_t size)
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

static void answer_init(struct server *f, uint64_t unique)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 4096,
		.max_readahead = f->readahead ? FUSE_FILE_SIZE : 0,
		.flags = f->readahead ? FUSE_ASYNC_READ : 0,
	};

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_lookup(struct server *f, uint64_t unique)
{
	struct fuse_entry_out out = {
		.nodeid = NODE_FILE,
		.attr = attr_of(NODE_FILE),
	};

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_getattr(struct server *f, uint64_t unique, uint64_t node)
{
	struct fuse_attr_out out = { .attr = attr_of(node) };

	reply(f, unique, 0, &out, sizeof(out));
}

static void answer_read(struct server *f, uint64_t unique,
			const struct fuse_read_in *in)
{
	if (!atomic_exchange(&f->shared->hold, false)) {
		reply_read(f, unique, in->size);
		return;
	}
	f->held = unique;
	f->held_size = in->size;
	sem_post(&f->shared->held);
}

static void answer(struct server *f, const struct fuse_in_header *in)
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
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(f, in->unique, 0, NULL, 0);
		break;
	default:
		reply(f, in->unique, -ENOSYS, NULL, 0);
	}
}

/*
 * Whether a request comes from a process of vuserd. The test itself must be able to close
 * the file, also in a program that it starts.
 */
static bool from_vuserd(const struct fuse_in_header *in)
{
	char path[64], name[16];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/comm", in->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, name, sizeof(name));
	close(fd);
	return len == 7 && !memcmp(name, "vuserd\n", 7);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Whether a request of vuserd is not answered now. */
static bool defer(const struct server *f, const struct fuse_in_header *in)
{
	if (!f->late)
		return true;
	if (nr_late == NR_LATE || in->opcode == FUSE_READ)
		return false;
	lates[nr_late].head = *in;
	lates[nr_late++].due = now() + f->late;
	return true;
}

/* Answers the requests that are due. */
static void answer_late(struct server *f)
{
	time_t time = now();
	unsigned int i;

	for (i = 0; i < nr_late && lates[i].due <= time; i++)
		answer(f, &lates[i].head);
	nr_late -= i;
	memmove(lates, lates + i, nr_late * sizeof(lates[0]));
}

/* Answers one FUSE request; false if the file system is unmounted. */
static bool serve(struct server *f)
{
	static char buf[FUSE_MIN_READ_BUFFER + 4096];
	ssize_t len = read(f->dev, buf, sizeof(buf));

	if (len < 0)
		return errno != ENODEV;
	if (f->shared->silent && from_vuserd((const void *)buf) &&
	    defer(f, (const void *)buf))
		return true;
	answer(f, (const void *)buf);
	return true;
}

static void run(struct server *f, int release_fd)
{
	struct pollfd pfds[2] = {
		{ .fd = f->dev, .events = POLLIN },
		{ .fd = release_fd, .events = POLLIN },
	};
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(pfds, 2, nr_late ? 1000 : -1) >= 0) {
		answer_late(f);
		if (pfds[0].revents && !serve(f))
			break;
		if (!pfds[1].revents)
			continue;
		if (read(release_fd, &c, 1) != 1)
			break;
		if (f->held)
			reply_read(f, f->held, f->held_size);
		f->held = 0;
	}
	_exit(0);
}

static int fuse_mount(struct fuse *f, int dev)
{
	char options[128];
	int ret;

	strcpy(f->dir, "/run/fuse.XXXXXX");
	if (!mkdtemp(f->dir))
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (!mount("selftest", f->dir, "fuse", MS_NOSUID | MS_NODEV, options))
		return 0;
	ret = -errno;
	rmdir(f->dir);
	return ret;
}

int fuse_start(struct fuse *f)
{
	struct server server = {};
	int release_fd[2], ret;

	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->shared == MAP_FAILED)
		return -errno;
	sem_init(&f->shared->held, 1, 0);
	server.shared = f->shared;
	server.readahead = f->readahead;
	server.late = f->late;
	server.dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server.dev < 0 || pipe2(release_fd, O_CLOEXEC))
		return -errno;
	ret = fuse_mount(f, server.dev);
	if (!ret) {
		f->pid = fork();
		if (!f->pid) {
			close(release_fd[1]);
			run(&server, release_fd[0]);
		}
	}
	f->release_fd = release_fd[1];
	close(release_fd[0]);
	close(server.dev);
	return ret;
}

void fuse_stop(struct fuse *f)
{
	/* The end of the server aborts all pending reads. */
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	umount2(f->dir, MNT_DETACH);
	rmdir(f->dir);
	close(f->release_fd);
	munmap(f->shared, sizeof(*f->shared));
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
	f->shared->hold = true;
}

void fuse_wait(struct fuse *f)
{
	while (sem_wait(&f->shared->held))
		;
}

void fuse_release(struct fuse *f)
{
	if (write(f->release_fd, "", 1) != 1)
		perror("fuse");
}
