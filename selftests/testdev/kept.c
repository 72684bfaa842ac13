// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int kept_fd = -1;
static int kept_irq_fd = -1;
static uint64_t kept_offset;
static uint64_t kept_size;
static uint8_t *mem = MAP_FAILED;
static size_t mem_size;

void kept_set(int fd, uint64_t offset, uint64_t size)
{
	pthread_mutex_lock(&lock);
	if (kept_fd >= 0)
		close(kept_fd);
	kept_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	kept_offset = offset;
	kept_size = size;
	pthread_mutex_unlock(&lock);
}

int kept_map(int prot)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (mem != MAP_FAILED)
		munmap(mem, mem_size);
	mem_size = kept_size;
	mem = mmap(NULL, mem_size, prot, MAP_SHARED, kept_fd, kept_offset);
	if (mem == MAP_FAILED)
		ret = -errno;
	pthread_mutex_unlock(&lock);
	return ret;
}

/*
 * The kernel accesses the memory for us through a pipe, so a fault is EFAULT
 * instead of SIGBUS.
 */
int kept_peek(uint64_t off, uint64_t *value)
{
	int fds[2], ret = 0;

	if (mem == MAP_FAILED || off + sizeof(*value) > mem_size)
		return -EINVAL;
	if (pipe(fds))
		return -errno;
	if (write(fds[1], mem + off, sizeof(*value)) != sizeof(*value) ||
	    read(fds[0], value, sizeof(*value)) != sizeof(*value))
		ret = -errno;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

int kept_poke(uint64_t off, uint64_t value)
{
	int fds[2], ret = 0;

	if (mem == MAP_FAILED || off + sizeof(value) > mem_size)
		return -EINVAL;
	if (pipe(fds))
		return -errno;
	if (write(fds[1], &value, sizeof(value)) != sizeof(value) ||
	    read(fds[0], mem + off, sizeof(value)) != sizeof(value))
		ret = -errno;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

int kept_pread(uint64_t off, uint64_t *value)
{
	ssize_t len = pread(kept_fd, value, sizeof(*value), kept_offset + off);

	if (len < 0)
		return -errno;
	return len == sizeof(*value) ? 0 : -ENODATA;
}

int kept_pwrite(uint64_t off, uint64_t value)
{
	ssize_t len = pwrite(kept_fd, &value, sizeof(value), kept_offset + off);

	if (len < 0)
		return -errno;
	return len == sizeof(value) ? 0 : -ENODATA;
}

int kept_reopen(void)
{
	char path[64];
	void *p;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept_fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	p = mmap(NULL, kept_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 kept_offset);
	if (p == MAP_FAILED)
		ret = -errno;
	else
		munmap(p, kept_size);
	close(fd);
	return ret;
}

int kept_stat(char *text, size_t size)
{
	struct stat st;

	if (fstat(kept_fd, &st))
		return -errno;
	snprintf(text, size, "%" PRIu64 " %" PRIu64 " %lld %ld %lu",
		 kept_offset, kept_size, (long long)st.st_size,
		 (long)st.st_blksize, (unsigned long)st.st_ino);
	return 0;
}

void kept_set_irq(int fd)
{
	pthread_mutex_lock(&lock);
	if (kept_irq_fd >= 0)
		close(kept_irq_fd);
	kept_irq_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&lock);
}

int kept_irq(void)
{
	return eventfd_write(kept_irq_fd, 1) ? -errno : 0;
}
