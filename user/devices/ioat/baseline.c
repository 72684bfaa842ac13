// SPDX-License-Identifier: GPL-2.0
/* The time of a copy without a device, as a baseline for the device. */
#include <errno.h>
#include <linux/memfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../common/exit-status.h"
#include "baseline.h"
#include "regs.h"

#define MAX_BLOCKS 100000000ul

/*
 * The number of different blocks, as many as the benchmark's ring has
 * descriptors. So many blocks do not fit into the caches, nor into an emulator's
 * TLB. Fewer blocks may fit, depending on what ran before, and a copy then takes
 * two thirds of the time.
 */
#define AREA_BLOCKS 512
#define AREA_SIZE   (AREA_BLOCKS * (size_t)IOAT_XFER_MAX)

/*
 * The offset of the destination in its mapping. The distance of two mappings is
 * a multiple of a huge page. Without this offset, source and destination could
 * always use the same entries of caches and TLBs (an emulator's TLB is
 * direct-mapped). A copy then takes four times as long.
 */
#define SHIFT (9 * 4096)

/* Mappings consist of whole huge pages. */
#define HUGE_PAGE ((size_t)2 << 20)
#define MAP_SIZE  ((AREA_SIZE + SHIFT + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1))

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Shared memory with all pages present, like the mapped memory of a client. */
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

/* Use huge pages if some are free, as clients do. */
static int map_areas(uint8_t **src, uint8_t **dst)
{
	*src = map_area(MFD_HUGETLB | MFD_HUGE_2MB);
	*dst = map_area(MFD_HUGETLB | MFD_HUGE_2MB);
	if (*src && *dst)
		return 0;
	unmap_areas(*src, *dst);
	fprintf(stderr,
		"vuser-ioat: no huge pages are free, using small ones\n");
	*src = map_area(0);
	*dst = map_area(0);
	return *src && *dst ? 0 : -errno;
}

/* A call that the compiler cannot optimize away. */
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
 * ioat_baseline_run - measure the time of plain copies and print the result
 * @blocks: number of blocks of 64 KiB, as text
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
		fprintf(stderr,
			"vuser-ioat: --copy-baseline needs a number from 1 to %lu\n",
			MAX_BLOCKS);
		return EX_USAGE;
	}
	ret = map_areas(&src, &dst);
	if (ret) {
		fprintf(stderr, "vuser-ioat: cannot map memory: %s\n",
			strerror(-ret));
		unmap_areas(src, dst);
		return EX_OSERR;
	}
	memset(src, 'x', AREA_SIZE);
	copy(dst + SHIFT, src, AREA_SIZE);
	printf("%.1f\n", measure(dst + SHIFT, src, n));
	unmap_areas(src, dst);
	return 0;
}
