// SPDX-License-Identifier: GPL-2.0
/*
 * Failures while another server is made to serve an open device.  See inject_test.c.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/sweep.h"

#define PAGE 0x1000UL

/* A consumer with memory, interrupts and a page of a shared area. */
FIXTURE(restart)
{
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *area;
	char *mem;
	int fds[2];
	long locked;
};

FIXTURE_SETUP(restart)
{
	self->locked = res_locked();
	new_eventfds(self->fds, 2);
	self->mem = mem_anon(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "600000"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX,
				      0, 2, self->fds));
	self->area = region_mmap(self->dev.device, BAR(4), 0, PAGE,
				 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->area);
	self->area[0] = 1;
}

FIXTURE_TEARDOWN(restart)
{
	munmap((void *)self->area, PAGE);
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	close(self->fds[0]);
	close(self->fds[1]);
}

/* vuserd tries the server again until the device is open. */
static int restart(void *data)
{
	FIXTURE_DATA(restart) *self = data;
	uint32_t id = 0;
	int ret;

	testdev_kill(&self->td);
	ret = mdev_wait(self->td.uuid, "state", "lost", SOON_MS);
	if (!ret)
		ret = testdev_serve(&self->td, NULL);
	if (!ret)
		ret = mdev_wait(self->td.uuid, "state", "open", AGAIN_MS);
	if (!ret)
		ret = region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id,
				 4);
	return ret ? ret : id == TESTDEV_ID && !self->area[0] ? 0 : -EIO;
}

TEST_F_TIMEOUT(restart, resume_survives_each_failure_in_a_worker,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(restart, NULL, self, INJECT_WORKERS, .one_only = true);
}

TEST_F_TIMEOUT(restart, resume_survives_each_failure_in_the_helper,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(restart, NULL, self, INJECT_HELPER, .one_only = true);
}

SWEEP_MAIN
