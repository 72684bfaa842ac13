/* SPDX-License-Identifier: GPL-2.0 */
/* A device with a consumer, whose server is lost and started again. */
#ifndef SELFTESTS_RESTART_H
#define SELFTESTS_RESTART_H

#include <sys/eventfd.h>
#include <sys/mman.h>

#include "clock.h"
#include "consumer.h"
#include "helper.h"
#include "mem.h"

#define PAGE 0x1000UL
#define MEM  TESTDEV_REG_MEMORY
/* The DMA address of the fixture's memory. */
#define IOVA 0x10000UL
/* The vector of MSI-X that the fixture enables. */
#define VECTOR 3

FIXTURE(device)
{
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *bar;
	char *mem;
	long locked;
	int err;
	int msix;
};

static const char *const no_twin[] = { "--no-twin", NULL };

static inline void open_device(struct __test_metadata *_metadata,
			       FIXTURE_DATA(device) *self)
{
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_ERR_IRQ_INDEX,
				      0, 1, &self->err));
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, IOVA, 4 * PAGE,
			     DMA_RW));
}

FIXTURE_SETUP(device)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	new_eventfds(&self->err, 1);
	new_eventfds(&self->msix, 1);
	self->mem = mem_anon(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, 4 * PAGE, 1);
	ASSERT_EQ(0, testdev_start(&self->td, no_twin));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "3000"));
	open_device(_metadata, self);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX,
				      VECTOR, 1, &self->msix));
}

static inline void close_device(FIXTURE_DATA(device) *self)
{
	if (self->bar)
		munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
}

FIXTURE_TEARDOWN(device)
{
	close_device(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	close(self->err);
	close(self->msix);
}

/* Whether another server has come to this state of the device. */
static inline int wait_state(FIXTURE_DATA(device) *self, const char *state)
{
	return mdev_wait(self->td.uuid, "state", state, SOON_MS);
}

static inline int set_policy(FIXTURE_DATA(device) *self, const char *on_loss,
			     const char *kept)
{
	int ret = mdev_set(self->td.uuid, "on_loss", on_loss);

	return ret ? ret : mdev_set(self->td.uuid, "state_kept", kept);
}

static inline int lose(FIXTURE_DATA(device) *self)
{
	testdev_kill(&self->td);
	return wait_state(self, "lost");
}

/* The error of the device has @text. */
static inline bool has_error(FIXTURE_DATA(device) *self, const char *text)
{
	long long deadline = clock_ms() + SOON_MS;
	char error[300];

	while (clock_ms() < deadline) {
		if (mdev_get(self->td.uuid, "error", error, sizeof(error)))
			return false;
		if (strstr(error, text))
			return true;
		usleep(10000);
	}
	return false;
}

static inline int get_mem(FIXTURE_DATA(device) *self, uint32_t *value)
{
	return region_get(self->dev.device, BAR(0), MEM, value, 4);
}

/* The server has what the consumer gave to the lost one. */
static inline void check_served(struct __test_metadata *_metadata,
				FIXTURE_DATA(device) *self)
{
	uint32_t value = 0;

	EXPECT_EQ(0, wait_state(self, "open"));
	EXPECT_EQ(TESTDEV_ID, self->bar[TESTDEV_REG_ID / 4]);
	self->bar[MEM / 4] = 77;
	EXPECT_EQ(0, get_mem(self, &value));
	EXPECT_EQ(77, value);
	EXPECT_EQ(mem_sum(self->mem, 4 * PAGE),
		  testdev_num(&self->td, "dma-sum 0x%lx %lu", IOVA, 4 * PAGE));
	EXPECT_EQ(1, testdev_num(&self->td, "irq-enabled %u %u",
				 VFIO_PCI_MSIX_IRQ_INDEX, VECTOR));
	eventfd_wait(self->msix, 0);
	EXPECT_LT(0, testdev_num(&self->td, "irq %u %u",
				 VFIO_PCI_MSIX_IRQ_INDEX, VECTOR));
	/* The kernel repeats an interrupt after the new server serves: there may be two. */
	EXPECT_LE(1, eventfd_wait(self->msix, SOON_MS));
}

static inline int set_vector(FIXTURE_DATA(device) *self)
{
	return irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 5, 1,
				&self->msix);
}

/* A server at another path, so that it gets its orders before it is attached. */
static inline int serve_with(struct testdev *td, const char *const *args,
			     const char *order)
{
	struct testdev next = {};
	int ret;

	/* The path of the socket is made from the UUID. */
	uuid_new(next.uuid);
	ret = testdev_serve(&next, args);
	if (!ret)
		ret = testdev_cmd(&next, "%s", order);
	unlink(td->socket);
	strcpy(next.uuid, td->uuid);
	*td = next;
	return ret ? ret : mdev_set(td->uuid, "endpoint", td->socket);
}

static inline int serve_at(FIXTURE_DATA(device) *self, const char *order)
{
	return serve_with(&self->td, no_twin, order);
}

#endif /* SELFTESTS_RESTART_H */
