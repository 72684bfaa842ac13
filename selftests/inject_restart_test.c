// SPDX-License-Identifier: GPL-2.0
/*
 * Failures while another server is made to serve an open device.  See inject_test.c.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/nlt.h"
#include "lib/replace.h"
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

/* A consumer of a device, whose server another one replaces again and again. */
FIXTURE(replace)
{
	struct testdev td[2];
	/* The server in use. */
	struct testdev *used;
	const char *uuid;
	struct vfio_dev dev;
	struct nlt nl;
	char *mem;
	int fds[2];
	long locked;
};

static const char *const migration[] = { "--migration", NULL };

static struct testdev *unused_server(FIXTURE_DATA(replace) *self)
{
	return self->used == &self->td[0] ? &self->td[1] : &self->td[0];
}

FIXTURE_SETUP(replace)
{
	self->locked = res_locked();
	new_eventfds(self->fds, 2);
	self->mem = mem_anon(4 * PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, testdev_start(&self->td[0], migration));
	self->used = &self->td[0];
	self->uuid = self->td[0].uuid;
	/* The path of the socket is made from the UUID. */
	memset(&self->td[1], 0, sizeof(self->td[1]));
	uuid_new(self->td[1].uuid);
	ASSERT_EQ(0, mdev_set(self->uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->uuid, "reconnect_timeout_ms", "600000"));
	ASSERT_EQ(0, vfio_dev_open(&self->dev, self->uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX,
				      0, 2, self->fds));
}

FIXTURE_TEARDOWN(replace)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td[0]);
	testdev_stop(&self->td[1]);
	nlt_close(&self->nl);
	close(self->fds[0]);
	close(self->fds[1]);
}

/* Returns -EIO if the replacement failed, or if no server serves the device. */
static int replace_server(FIXTURE_DATA(replace) *self, bool no_state)
{
	struct testdev *next = unused_server(self);
	struct replace_result result;
	uint32_t id = 0;
	int ret;

	ret = testdev_serve(next, migration);
	if (!ret)
		ret = replace_ask(&self->nl, self->uuid, next->socket,
				  no_state);
	if (!ret)
		ret = replace_wait(&self->nl, self->uuid, AGAIN_MS, &result);
	if (ret)
		return ret;
	if (result.state != VUSER_REPLACING_DONE)
		return -EIO;
	self->used = next;
	ret = region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4);
	return ret ? ret : id == TESTDEV_ID ? 0 : -EIO;
}

static int replace_with_state(void *data)
{
	return replace_server(data, false);
}

static int replace_without_state(void *data)
{
	return replace_server(data, true);
}

/* A failure after the new server was used has lost the device. */
static void serve_again(void *data)
{
	FIXTURE_DATA(replace) *self = data;
	char state[32] = "", endpoint[128] = "";
	struct replace_result result;

	/* A call that failed may have been the question for the result. */
	replace_wait(&self->nl, self->uuid, AGAIN_MS, &result);
	mdev_get(self->uuid, "endpoint", endpoint, sizeof(endpoint));
	if (!strcmp(endpoint, unused_server(self)->socket))
		self->used = unused_server(self);
	testdev_kill(unused_server(self));
	mdev_get(self->uuid, "state", state, sizeof(state));
	if (!strcmp(state, "open"))
		return;
	testdev_kill(self->used);
	testdev_serve(self->used, migration);
	mdev_wait(self->uuid, "state", "open", AGAIN_MS);
}

TEST_F_TIMEOUT(replace, replacement_survives_each_failure_in_a_worker,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(replace_with_state, serve_again, self, INJECT_WORKERS,
		     .one_only = true);
}

TEST_F_TIMEOUT(replace, replacement_without_state_survives_each_failure,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(replace_without_state, serve_again, self, INJECT_WORKERS,
		     .one_only = true);
}

TEST_F_TIMEOUT(replace, replacement_survives_each_failure_in_the_helper,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(replace_with_state, serve_again, self, INJECT_HELPER,
		     .one_only = true);
}

TEST_F_TIMEOUT(replace, request_to_replace_survives_each_failure,
	       2 * SWEEP_LIMIT)
{
	EXPECT_SWEEP(replace_with_state, serve_again, self, INJECT_SELF);
}

SWEEP_MAIN
