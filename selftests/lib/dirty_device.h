/* SPDX-License-Identifier: GPL-2.0 */
/* A device whose server logs its writes, and a consumer that reads the log. */
#ifndef SELFTESTS_DIRTY_DEVICE_H
#define SELFTESTS_DIRTY_DEVICE_H

#include "consumer.h"
#include "dirty.h"
#include "mem.h"

#define IOVA	 0x10000000UL
#define NR_PAGES 200
#define SIZE	 (NR_PAGES * PAGE)
#define WORDS	 ((NR_PAGES + 63) / 64)

FIXTURE(log)
{
	struct testdev td;
	struct vfio_dev dev;
	int fd; /* the container */
	char *mem;
	uint64_t bits[WORDS + 1];
	long locked;
};

static const char *const logging[] = { "--dma-logging", NULL };

/* GET_BITMAP of the fixture's memory; the number of dirty pages or -errno. */
static inline int log_pages(FIXTURE_DATA(log) *self)
{
	int ret;

	memset(self->bits, 0, sizeof(self->bits));
	ret = log_get(self->fd, IOVA, SIZE, self->bits, WORDS * 8);
	return ret ? ret : (int)count_bits(self->bits, WORDS);
}

/* The device @td writes a byte to a page of the fixture's memory. */
static inline int dirty_page(struct testdev *td, unsigned int page)
{
	return testdev_cmd(td, "dma-write 0x%lx 77", IOVA + page * PAGE + 5);
}

/* Exactly this page was written since the last call. */
static inline bool only_page_is_dirty(FIXTURE_DATA(log) *self,
				      unsigned int page)
{
	return log_pages(self) == 1 && has_bit(self->bits, page);
}

/* The log has what the device @td writes, and nothing else. */
static inline bool log_works(FIXTURE_DATA(log) *self, struct testdev *td)
{
	static unsigned int page;

	page = (page + 67) % NR_PAGES;
	return log_pages(self) == 0 && !dirty_page(td, page) &&
	       only_page_is_dirty(self, page) && log_pages(self) == 0;
}

static inline int log_open(FIXTURE_DATA(log) *self, void *mem)
{
	int ret = vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU);

	self->fd = self->dev.container;
	self->mem = mem;
	if (ret || !mem)
		return ret ? ret : -ENOMEM;
	return dma_map(self->fd, mem, IOVA, SIZE, DMA_RW);
}

static inline void log_close(FIXTURE_DATA(log) *self)
{
	vfio_dev_close(&self->dev);
}

#endif /* SELFTESTS_DIRTY_DEVICE_H */
