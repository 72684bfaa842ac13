// SPDX-License-Identifier: GPL-2.0
/*
 * A well-behaved device under load.  Each operation is verified and timed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include "../lib/mem.h"
#include "soak.h"

#define DATA_IOVA  0x100000UL
#define DATA_PAGES 16
#define DATA_SIZE  (DATA_PAGES * PAGE)
/* Where memory is mapped and unmapped again. */
#define OTHER_IOVA 0x800000UL
#define BLOCK	   256

struct load {
	struct dice *dice;
	struct testdev td;
	struct vfio_dev dev;
	volatile uint64_t *bar0;
	uint8_t *from; /* DATA_SIZE bytes at DATA_IOVA */
	uint8_t *to; /* as much, behind @from */
	uint8_t *other; /* DATA_SIZE bytes that are not mapped */
	int event;
};

static void fill(struct dice *dice, void *buf, size_t len)
{
	uint64_t *words = buf;
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		words[i] = roll(dice);
}

static int compare(const void *a, const void *b, size_t len)
{
	atomic_fetch_add(&soak->bytes, len);
	return memcmp(a, b, len) ? -EILSEQ : 0;
}

/* A mapped register: the store and the load are trapped. */
static int use_register(struct load *l)
{
	unsigned int at = (TESTDEV_REG_MEMORY + 8 * pick(l->dice, 256)) / 8;
	uint64_t value = roll(l->dice), got;

	l->bar0[at] = value;
	got = l->bar0[at];
	return compare(&value, &got, sizeof(got));
}

static int use_block(struct load *l)
{
	uint8_t put[BLOCK], got[BLOCK];
	uint64_t at = BLOCK * pick(l->dice, TESTDEV_BAR5_SIZE / BLOCK);
	int ret;

	fill(l->dice, put, sizeof(put));
	ret = region_put(l->dev.device, BAR(5), at, put, sizeof(put));
	if (!ret)
		ret = region_get(l->dev.device, BAR(5), at, got, sizeof(got));
	return ret ?: compare(put, got, sizeof(got));
}

/* The server copies the memory of the consumer. */
static int use_dma(struct load *l)
{
	size_t len = PAGE * (1 + pick(l->dice, DATA_PAGES));
	int ret;

	fill(l->dice, l->from, len);
	ret = testdev_cmd(&l->td, "dma-copy 0x%lx 0x%lx %zu",
			  DATA_IOVA + DATA_SIZE, DATA_IOVA, len);
	return ret ?: compare(l->from, l->to, len);
}

static int use_interrupt(struct load *l)
{
	int ret = testdev_cmd(&l->td, "irq %u 0", VFIO_PCI_MSIX_IRQ_INDEX);
	long count;

	if (ret)
		return ret;
	count = eventfd_wait(l->event, SOON_MS);
	return count == 1 ? 0 : -ETIMEDOUT;
}

/* Maps memory, which the server writes, and unmaps it. */
static int use_map(struct load *l)
{
	size_t len = PAGE * (1 + pick(l->dice, DATA_PAGES));
	int ret;

	fill(l->dice, l->from, len);
	ret = dma_map(l->dev.container, l->other, OTHER_IOVA, len, DMA_RW);
	if (ret)
		return ret;
	ret = testdev_cmd(&l->td, "dma-copy 0x%lx 0x%lx %zu", OTHER_IOVA,
			  DATA_IOVA, len);
	if (!ret)
		ret = compare(l->from, l->other, len);
	return ret ?: dma_unmap(l->dev.container, OTHER_IOVA, len, 0, NULL);
}

static const struct {
	const char *name;
	int (*run)(struct load *l);
	enum soak_kind kind;
} steps[] = {
	{ "a mapped register", use_register, SOAK_ACCESS },
	{ "a mapped register", use_register, SOAK_ACCESS },
	{ "pwrite and pread", use_block, SOAK_ACCESS },
	{ "DMA", use_dma, SOAK_ACCESS },
	{ "an interrupt", use_interrupt, SOAK_ACCESS },
	{ "MAP_DMA and UNMAP_DMA", use_map, SOAK_MAP },
};

static int start(struct load *l)
{
	int ret = testdev_start(&l->td, NULL);
	void *bar0;

	l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->from = mem_anon(2 * DATA_SIZE);
	l->other = mem_anon(DATA_SIZE);
	if (l->event < 0 || !l->from || !l->other)
		return -ENOMEM;
	l->to = l->from + DATA_SIZE;
	/* vuserd is killed now and then, on a machine that may be slow. */
	if (!ret)
		ret = mdev_set(l->td.uuid, "request_timeout_ms", "60000");
	if (!ret)
		ret = vfio_dev_open(&l->dev, l->td.uuid, VFIO_TYPE1v2_IOMMU);
	if (ret)
		return ret;
	bar0 = region_mmap(l->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			   PROT_READ | PROT_WRITE);
	if (bar0 == MAP_FAILED)
		return -errno;
	l->bar0 = bar0;
	return dma_map(l->dev.container, l->from, DATA_IOVA, 2 * DATA_SIZE, DMA_RW) ?:
		       irq_set_eventfds(l->dev.device, VFIO_PCI_MSIX_IRQ_INDEX,
					0, 1, &l->event);
}

static void fail(unsigned int number, const char *what, int error)
{
	if (!atomic_exchange(&soak->failed, true))
		snprintf(soak->why, sizeof(soak->why), "device %u: %s: %s",
			 number, what, strerror(-error));
}

static void record(enum soak_kind kind, unsigned long us)
{
	unsigned long longest = atomic_load(&soak->longest_us[kind]);

	atomic_fetch_add(&soak->ops, 1);
	while (us > longest && !atomic_compare_exchange_weak(
				       &soak->longest_us[kind], &longest, us))
		;
}

static bool step(struct load *l, unsigned int number)
{
	unsigned int i = pick(l->dice, sizeof(steps) / sizeof(steps[0]));
	struct timespec begin, end;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	ret = steps[i].run(l);
	clock_gettime(CLOCK_MONOTONIC, &end);
	record(steps[i].kind, (end.tv_sec - begin.tv_sec) * 1000000 +
				      (end.tv_nsec - begin.tv_nsec) / 1000);
	if (ret)
		fail(number, steps[i].name, ret);
	return !ret;
}

void load_run(struct dice *dice, unsigned int number)
{
	struct load l = { .dice = dice, .dev = VFIO_DEV_INIT };
	int ret = start(&l);

	if (ret)
		fail(number, "start", ret);
	atomic_fetch_add(&soak->started, 1);
	while (!ret && !soak->stop && step(&l, number))
		;
	/* The mapping keeps the device open, and the device must not be removed then. */
	if (l.bar0)
		munmap((void *)l.bar0, TESTDEV_BAR0_SIZE);
	vfio_dev_close(&l.dev);
	testdev_stop(&l.td);
}
