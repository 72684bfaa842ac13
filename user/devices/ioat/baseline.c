// SPDX-License-Identifier: GPL-2.0
/* What a copy costs without a device around it, to compare the device with. */
#include <errno.h>
#include <linux/memfd.h>
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

/*
 * As many different blocks as the benchmark's ring of descriptors has: more than caches
 * hold, and than an emulator's TLB has entries. With fewer it depends on what ran before
 * whether they fit, and then a copy takes two thirds of the time.
 */
#define AREA_BLOCKS 512
#define AREA_SIZE   (AREA_BLOCKS * (size_t)IOAT_XFER_MAX)

/*
 * Where the destination starts in its mapping. Mappings are apart by a multiple
 * of what caches and TLBs index with, and where source and destination always
 * want the same entry (an emulator's TLB is direct-mapped) a copy takes four
 * times as long, or does not, as the addresses happen to be.
 */
#define SHIFT (9 * 4096)

/* Whole huge pages. */
#define HUGE_PAGE ((size_t)2 << 20)
#define MAP_SIZE  ((AREA_SIZE + SHIFT + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1))

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Shared memory with every page present, as a client's mapped memory is. */
static void *map_area(unsigned int flags)
{
	int fd = memfd_create("vuser-ioat-baseline", MFD_CLOEXEC | flags);
	void *p = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, MAP_SIZE))
		p = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static void unmap_areas(uint8_t *src, uint8_t *dst)
{
	if (src)
		munmap(src, MAP_SIZE);
	if (dst)
		munmap(dst, MAP_SIZE);
}

/* Clients use huge pages where they can. */
static int map_areas(uint8_t **src, uint8_t **dst)
{
	*src = map_area(MFD_HUGETLB | MFD_HUGE_2MB);
	*dst = map_area(MFD_HUGETLB | MFD_HUGE_2MB);
	if (*src && *dst)
		return 0;
	unmap_areas(*src, *dst);
	fprintf(stderr, "vuser-ioat: no huge pages: copying small ones\n");
	*src = map_area(0);
	*dst = map_area(0);
	return *src && *dst ? 0 : -errno;
}

/* A call the compiler cannot see through, so that no copy is left out. */
static void *(*volatile copy)(void *dst, const void *src, size_t n) = memmove;

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
 * ioat_baseline_run - time plain copies and print the result
 * @blocks: how many blocks of 64 KiB, as typed
 *
 * Return: exit status.
 */
int ioat_baseline_run(const char *blocks)
{
	unsigned long n;
	uint8_t *src, *dst;
	char *end;
	int ret;

	errno = 0;
	n = strtoul(blocks, &end, 10);
	if (errno || *end || !n || n > MAX_BLOCKS) {
		fprintf(stderr, "vuser-ioat: --copy-baseline takes 1 to %lu\n",
			MAX_BLOCKS);
		return 2;
	}
	ret = map_areas(&src, &dst);
	if (ret) {
		fprintf(stderr, "vuser-ioat: cannot map memory: %s\n",
			strerror(-ret));
		unmap_areas(src, dst);
		return 1;
	}
	memset(src, 'x', AREA_SIZE);
	copy(dst + SHIFT, src, AREA_SIZE);
	printf("%.1f\n", measure(dst + SHIFT, src, n));
	unmap_areas(src, dst);
	return 0;
}
