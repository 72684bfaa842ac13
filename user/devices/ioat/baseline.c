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

#define MAX_BLOCKS 100000000ul

/* As many different blocks as a ring of descriptors has: more than a cache. */
#define AREA_BLOCKS 64
#define AREA_SIZE   (AREA_BLOCKS * (size_t)IOAT_XFER_MAX)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Shared memory with every page present, as a client's mapped memory is. */
static void *map_area(void)
{
	int fd = memfd_create("vuser-ioat-baseline", MFD_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, AREA_SIZE))
		p = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* A call the compiler cannot see through, so that no copy is left out. */
static void *(*volatile copy)(void *dst, const void *src, size_t n) = memcpy;

static double measure(uint8_t *dst, const uint8_t *src, unsigned long blocks)
{
	uint64_t start = now_ns();
	unsigned long i;

	for (i = 0; i < blocks; i++) {
		size_t offset = i % AREA_BLOCKS * IOAT_XFER_MAX;

		copy(dst + offset, src + offset, IOAT_XFER_MAX);
	}
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
	uint8_t *src, *dst;
	char *end;

	errno = 0;
	n = strtoul(blocks, &end, 10);
	if (errno || *end || !n || n > MAX_BLOCKS) {
		fprintf(stderr, "vuser-ioat: --copy-baseline takes 1 to %lu\n",
			MAX_BLOCKS);
		return 2;
	}
	src = map_area();
	dst = map_area();
	if (!src || !dst) {
		fprintf(stderr, "vuser-ioat: cannot map memory: %s\n",
			strerror(errno));
		return 1;
	}
	memset(src, 'x', AREA_SIZE);
	copy(dst, src, AREA_SIZE);
	printf("%.1f\n", measure(dst, src, n));
	munmap(src, AREA_SIZE);
	munmap(dst, AREA_SIZE);
	return 0;
}
