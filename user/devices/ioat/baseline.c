// SPDX-License-Identifier: GPL-2.0
/* What a copy costs without a device around it, to compare the device with. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "baseline.h"
#include "regs.h"

#define MAX_BLOCKS	100000000ul

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Shared memory with every page present, as a client's mapped memory is. */
static void *map_block(void)
{
	int fd = memfd_create("vuser-ioat-baseline", MFD_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, IOAT_XFER_MAX))
		p = mmap(NULL, IOAT_XFER_MAX, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* A call the compiler cannot see through, so that no copy is left out. */
static void *(*volatile copy)(void *dst, const void *src, size_t n) = memcpy;

static double measure(void *dst, void *src, unsigned long blocks)
{
	uint64_t start;
	unsigned long i;

	memset(src, 'x', IOAT_XFER_MAX);
	copy(dst, src, IOAT_XFER_MAX);
	start = now_ns();
	for (i = 0; i < blocks; i++)
		copy(dst, src, IOAT_XFER_MAX);
	return (double)(now_ns() - start) / blocks;
}

/**
 * ioat_copy_baseline - time plain copies and print the result
 * @blocks: how many blocks of 64 KiB, as typed
 *
 * Return: exit status.
 */
int ioat_copy_baseline(const char *blocks)
{
	unsigned long n;
	void *src, *dst;
	char *end;

	errno = 0;
	n = strtoul(blocks, &end, 10);
	if (errno || *end || !n || n > MAX_BLOCKS) {
		fprintf(stderr, "vuser-ioat: --copy-baseline takes 1 to %lu\n",
			MAX_BLOCKS);
		return 2;
	}
	src = map_block();
	dst = map_block();
	if (!src || !dst) {
		fprintf(stderr, "vuser-ioat: cannot map memory: %s\n",
			strerror(errno));
		return 1;
	}
	printf("%.1f\n", measure(dst, src, n));
	munmap(src, IOAT_XFER_MAX);
	munmap(dst, IOAT_XFER_MAX);
	return 0;
}
