// SPDX-License-Identifier: GPL-2.0
/*
 * The helper is killed, upgraded or stopped while another server is made to serve an open device:
 * the device goes on with the next helper, or when the helper goes on.
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define IOVA 0x10000UL
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

/* A device whose server is lost, and another server that holds a reply. */
FIXTURE(helper)
{
	struct testdev td;
	struct vfio_dev dev;
	char *mem;
	int fd;
	pid_t pid;
	pid_t load;
	long locked;
};

FIXTURE_VARIANT(helper)
{
	const char *held;
	/* Messages with files follow. */
	bool files_follow;
};

FIXTURE_VARIANT_ADD(helper, reset) {
	.held = "reset",
	.files_follow = true,
};

FIXTURE_VARIANT_ADD(helper, dma_map) {
	.held = "dma-map",
	.files_follow = true,
};

FIXTURE_VARIANT_ADD(helper, set_irqs) {
	.held = "set-irqs",
};

static int resume_until(FIXTURE_DATA(helper) *self, const char *held)
{
	struct testdev next = {};
	int ret;

	testdev_kill(&self->td);
	ret = mdev_wait(self->td.uuid, "state", "lost", SOON_MS);
	/* The path of the socket is made from the UUID. */
	uuid_new(next.uuid);
	if (!ret)
		ret = testdev_serve(&next, NULL);
	if (!ret)
		ret = testdev_cmd(&next, "hold %s", held);
	unlink(self->td.socket);
	strcpy(next.uuid, self->td.uuid);
	self->td = next;
	if (!ret)
		ret = mdev_set(self->td.uuid, "endpoint", self->td.socket);
	return ret ? ret : testdev_cmd(&self->td, "held 1");
}

static int load_id(FIXTURE_DATA(helper) *self)
{
	uint32_t id = 0;

	return region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4) ||
	       id != TESTDEV_ID;
}

FIXTURE_SETUP(helper)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	new_eventfds(&self->fd, 1);
	self->mem = mem_anon(PAGE);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, PAGE, 3);
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "60000"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, IOVA, PAGE, DMA_RW));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, MSIX, 0, 1, &self->fd));
	ASSERT_EQ(0, resume_until(self, variant->held));
	self->load = fork();
	ASSERT_LE(0, self->load);
	if (!self->load)
		_exit(load_id(self));
	ASSERT_EQ(0, task_wait_in(self->load, "vuser_conn_wait", SOON_MS));
}

FIXTURE_TEARDOWN(helper)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
	helper_kill(self->pid);
	close(self->fd);
}

/* The consumer goes on, and the server has what the consumer gave to the lost one. */
static void check_served(struct __test_metadata *_metadata,
			 FIXTURE_DATA(helper) *self)
{
	EXPECT_EQ(0, task_wait_end(self->load, SOON_MS));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0, load_id(self));
	EXPECT_EQ(mem_sum(self->mem, PAGE),
		  testdev_num(&self->td, "dma-sum 0x%lx %lu", IOVA, PAGE));
	eventfd_wait(self->fd, SOON_MS);
	EXPECT_LT(0, testdev_num(&self->td, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

TEST_F(helper, killed_helper_is_followed_by_the_next_one)
{
	helper_kill(self->pid);
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	check_served(_metadata, self);
}

TEST_F(helper, upgraded_helper_is_followed_by_the_next_one)
{
	EXPECT_EQ(0, helper_stop(self->pid));
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
	check_served(_metadata, self);
}

TEST_F(helper, stopped_helper_that_goes_on_is_waited_for)
{
	kill(self->pid, SIGSTOP);
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
	if (variant->files_follow)
		EXPECT_EQ(-ETIMEDOUT, task_wait_end(self->load, QUIET_MS));
	kill(self->pid, SIGCONT);
	check_served(_metadata, self);
}

/*
 * The messages with files fail at their time-out, and the server with them.  The server
 * is tried again when the helper goes on.
 */
TEST_F(helper, helper_that_is_stopped_for_too_long_tries_again)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "500"));
	kill(self->pid, SIGSTOP);
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
	/* Time passes while the helper is stopped. */
	poll(NULL, 0, 1000);
	if (variant->files_follow)
		EXPECT_EQ(-ETIMEDOUT, task_wait_end(self->load, 0));
	kill(self->pid, SIGCONT);
	check_served(_metadata, self);
}

TEST_HARNESS_MAIN
