// SPDX-License-Identifier: GPL-2.0
/*
 * Measures islands: many mappings that are one dma region.  The server is
 * vuser-testdev.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"
#include "row.h"

#define PAGE	  4096ul
#define HUGE_PAGE (2ul << 20)
#define BASE	  (4ul << 30)
/* Pages of an island whose messages are counted: as DPDK with 1 GiB of memory. */
#define NR_PAGES 512
/* The pages that the server streams through: 256 MiB. */
#define NR_HUGE 128
#define ROUNDS	9
#define SAMPLES 2000

struct consumer {
	struct testdev td;
	struct vfio_dev dev;
};

/* Sets up the container; the device is opened later. */
static void start(struct consumer *c)
{
	c->dev = (struct vfio_dev)VFIO_DEV_INIT;
	if (testdev_start(&c->td, NULL))
		die("start the server");
	c->dev.container = container_open();
	c->dev.group = group_open(c->td.uuid);
	if (group_attach(c->dev.group, c->dev.container) ||
	    ioctl(c->dev.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("set up the container");
}

static void open_device(struct consumer *c)
{
	c->dev.device = group_device(c->dev.group, c->td.uuid);
	if (c->dev.device < 0)
		die("open the device");
}

static void close_device(struct consumer *c)
{
	close(c->dev.device);
	c->dev.device = -1;
}

static void unmap_all(struct consumer *c)
{
	if (dma_unmap(c->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL))
		die("UNMAP_DMA");
}

/* Maps @nr files of one page each, adjacent in IOVA. */
static void map_files(struct consumer *c, unsigned int nr, size_t size,
		      void *(*get)(size_t size, int *fd))
{
	unsigned int i;
	void *mem;
	int fd;

	for (i = 0; i < nr; i++) {
		mem = get(size, &fd);
		if (!mem)
			die("memory");
		memset(mem, 1, size);
		if (dma_map(c->dev.container, mem, BASE + i * size, size,
			    DMA_RW))
			die("MAP_DMA");
		munmap(mem, size);
		close(fd);
	}
}

static void bench_messages(struct consumer *c)
{
	long long nr;

	map_files(c, NR_PAGES, PAGE, mem_memfd);
	open_device(c);
	nr = testdev_num(&c->td, "count dma-map");
	if (nr < 0)
		die("count");
	row_print("DMA_MAP messages at open, 512 pages in one island", nr, "",
		  1, 1);
}

/* Maps and unmaps a page at @iova; nanoseconds for both. */
static double remap_ns(struct consumer *c, void *mem, uint64_t iova)
{
	uint64_t begin = now_ns();

	if (dma_map(c->dev.container, mem, iova, PAGE, DMA_RW) ||
	    dma_unmap(c->dev.container, iova, PAGE, 0, NULL))
		die("MAP_DMA and UNMAP_DMA");
	return now_ns() - begin;
}

/* In the open island of bench_messages(), and far from it. */
static void bench_remap(struct consumer *c)
{
	uint64_t inside = BASE + (NR_PAGES - 1) * PAGE;
	void *mem = mem_anon(PAGE);
	struct samples a, b;
	unsigned int i;

	if (!mem || dma_unmap(c->dev.container, inside, PAGE, 0, NULL))
		die("a hole in the island");
	samples_init(&a, SAMPLES);
	samples_init(&b, SAMPLES);
	for (i = 0; i < SAMPLES; i++) {
		samples_add(&a, remap_ns(c, mem, inside));
		samples_add(&b, remap_ns(c, mem, 16 * BASE));
	}
	row_print("map and unmap of a page in an island : of a page alone",
		  samples_median(&a), "ns", samples_median(&b), 0.5);
}

/* The median time of the first pass of the server through the memory. */
static double stream_ns(struct consumer *c)
{
	struct samples s;
	long long ns;
	int i;

	samples_init(&s, ROUNDS);
	for (i = 0; i < ROUNDS; i++) {
		open_device(c);
		if (testdev_num(&c->td, "dma-count") != 1)
			die("one dma region");
		ns = testdev_num(&c->td, "dma-stream %lu %lu", BASE,
				 NR_HUGE * HUGE_PAGE);
		if (ns < 0)
			die("stream");
		samples_add(&s, ns);
		close_device(c);
	}
	return samples_median(&s);
}

static void bench_stream(struct consumer *c)
{
	double island, file;
	void *mem;

	if (res_meminfo("HugePages_Free") < NR_HUGE) {
		fprintf(stderr,
			"%d huge pages of 2 MiB are not free: the stream is not measured\n",
			NR_HUGE);
		return;
	}
	map_files(c, NR_HUGE, HUGE_PAGE, mem_hugetlb);
	island = stream_ns(c);
	unmap_all(c);
	mem = mem_hugetlb(NR_HUGE * HUGE_PAGE, NULL);
	if (!mem)
		die("huge pages");
	memset(mem, 1, NR_HUGE * HUGE_PAGE);
	if (dma_map(c->dev.container, mem, BASE, NR_HUGE * HUGE_PAGE, DMA_RW))
		die("MAP_DMA");
	file = stream_ns(c);
	unmap_all(c);
	munmap(mem, NR_HUGE * HUGE_PAGE);
	row_print("server reads 256 MiB, island of huge pages : one file",
		  island / 1e6, "ms", file / 1e6, 1.05);
}

static int bench(int argc, char **argv)
{
	struct consumer c;

	(void)argc;
	(void)argv;
	start(&c);
	bench_messages(&c);
	bench_remap(&c);
	close_device(&c);
	unmap_all(&c);
	bench_stream(&c);
	vfio_dev_close(&c.dev);
	testdev_stop(&c.td);
	return 0;
}

int main(int argc, char **argv)
{
	return helper_run(argc, argv, bench);
}
