// SPDX-License-Identifier: GPL-2.0
/*
 * A server restarts while a consumer has the device open: which servers are accepted, how
 * they get the interrupts, and losses of the new server.
 */
#include <signal.h>
#include <sys/ioctl.h>

#include "lib/model.h"
#include "lib/restart.h"

/* Interrupts ------------------------------------------------------------------- */

/* The lost server may have swallowed an interrupt. */
TEST_F(device, each_interrupt_is_signalled_once_when_the_server_is_back)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, lose(self));
	EXPECT_EQ(0, eventfd_wait(self->msix, 0));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(1, eventfd_wait(self->msix, SOON_MS));
}

/* The server serves one client at a time, so it must see the end of its connection. */
TEST_F(device, server_that_was_stopped_for_too_long_serves_the_device_again)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	EXPECT_EQ(0xffffffff, self->bar[TESTDEV_REG_ID / 4]);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, kill(self->td.pid, SIGCONT));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(TESTDEV_ID, self->bar[TESTDEV_REG_ID / 4]);
}

FIXTURE(intx)
{
	struct testdev td;
	struct vfio_dev dev;
	int fd;
};

static const char *const plain_intx[] = { "--plain-intx", NULL };

FIXTURE_SETUP(intx)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	new_eventfds(&self->fd, 1);
	ASSERT_EQ(0, testdev_start(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_INTX_IRQ_INDEX,
				      0, 1, &self->fd));
}

FIXTURE_TEARDOWN(intx)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
	close(self->fd);
}

static int intx_unmask(int device)
{
	return irq_set(device,
		       VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE,
		       VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0);
}

/* The kernel masks INTx; the mask outlives the server. */
TEST_F(intx, masked_interrupt_comes_from_the_new_server_after_the_unmask)
{
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	/* One that the lost server may have swallowed. */
	EXPECT_EQ(0, intx_unmask(self->dev.device));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	EXPECT_EQ(0, intx_unmask(self->dev.device));
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* A signal of the new server, before the consumer's reset, is not lost. */
TEST_F(intx, interrupt_before_the_reset_comes_after_it)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "fail"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reset", "never"));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, plain_intx));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "resuming", SOON_MS));
	while (testdev_num(&self->td, "irq-enabled %u 0",
			   VFIO_PCI_INTX_IRQ_INDEX) != 1)
		usleep(1000);
	ASSERT_LT(0,
		  testdev_num(&self->td, "irq %u 0", VFIO_PCI_INTX_IRQ_INDEX));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* Servers that differ ---------------------------------------------------------- */

FIXTURE_VARIANT(differs)
{
	const char *arg;
	const char *why;
};

FIXTURE(differs)
{
	struct testdev td;
	struct vfio_dev dev;
};

FIXTURE_VARIANT_ADD(differs, no_reset) {
	.arg = "--no-reset",
	.why = "the flags of the device differ",
};

FIXTURE_VARIANT_ADD(differs, bar4_size) {
	.arg = "--bar4-size=0x20000",
	.why = "a region has another size",
};

FIXTURE_VARIANT_ADD(differs, plain_intx) {
	.arg = "--plain-intx",
	.why = "its interrupts differ",
};

FIXTURE_VARIANT_ADD(differs, small_msix) {
	.arg = "--small-msix",
	.why = "a region has another size",
};

FIXTURE_VARIANT_ADD(differs, msix_bar) {
	.arg = "--msix-bar=2",
	.why = "its MSI-X table is in another region",
};

FIXTURE_VARIANT_ADD(differs, areas) {
	.arg = "--areas=file",
	.why = "a region can be read, written or mapped otherwise",
};

FIXTURE_SETUP(differs)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "ones"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
}

FIXTURE_TEARDOWN(differs)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

static bool error_has(const char *uuid, const char *text)
{
	long long deadline = clock_ms() + SOON_MS;
	char error[300];

	while (clock_ms() < deadline) {
		if (mdev_get(uuid, "error", error, sizeof(error)))
			return false;
		if (strstr(error, text))
			return true;
		usleep(10000);
	}
	return false;
}

TEST_F(differs, server_that_differs_is_refused_with_the_reason)
{
	const char *const args[] = { variant->arg, NULL };
	char state[32];
	uint32_t id;

	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, args));
	EXPECT_TRUE(error_has(self->td.uuid, variant->why));
	ASSERT_EQ(0, mdev_get(self->td.uuid, "state", state, sizeof(state)));
	EXPECT_STREQ("lost", state);
	/* A server that does not differ is taken afterwards. */
	testdev_kill(&self->td);
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
}

/* Limits of the server are not part of the device. */
TEST_F(device, server_with_other_limits_is_taken)
{
	static const char *const args[] = { "--max-dma-maps=8",
					    "--max-msg-fds=2", "--minor=0",
					    NULL };

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, args));
	check_served(_metadata, self);
}

/* Losses while the device resumes ---------------------------------------------- */

static void check_loss_in(struct __test_metadata *_metadata,
			  FIXTURE_DATA(device) *self, const char *order)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, order));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	EXPECT_EQ(0, wait_state(self, "resuming"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

TEST_F(device, server_that_is_lost_in_its_reset_is_replaced)
{
	check_loss_in(_metadata, self, "hold reset");
}

TEST_F(device, server_that_is_lost_in_its_dma_map_is_replaced)
{
	check_loss_in(_metadata, self, "hold dma-map");
}

TEST_F(device, server_that_is_lost_while_it_gets_interrupts_is_replaced)
{
	check_loss_in(_metadata, self, "hold set-irqs");
}

TEST_F(device, server_that_is_lost_in_its_setup_is_replaced)
{
	check_loss_in(_metadata, self, "hold write");
}

/* The server refuses a step; it is tried again until it does not. */
TEST_F(device, server_that_refuses_dma_is_tried_again)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, "fail dma-map 12 1"));
	check_served(_metadata, self);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

TEST_F(device, device_can_be_closed_while_it_resumes)
{
	long long start;

	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_at(self, "hold dma-map"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	start = clock_ms();
	close_device(self);
	EXPECT_GT(2500, clock_ms() - start);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, mdev_remove(self->td.uuid));
}

TEST_F(device, lost_device_that_is_closed_gets_its_server_as_before)
{
	ASSERT_EQ(0, set_policy(self, "wait", "no"));
	ASSERT_EQ(0, lose(self));
	close_device(self);
	EXPECT_EQ(0, wait_state(self, "created"));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(0, wait_state(self, "attached"));
}

/* MSI ---------------------------------------------------------------------------- */

/* Only the server knows which vectors of MSI the consumer has masked. */
TEST(with_state_kept_masked_vectors_of_msi_stay_masked)
{
	static const char *const args[] = { "--model", NULL };
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	char order[64];
	uint32_t pos;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, model_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(td.uuid, "state_kept", "yes"));
	ASSERT_EQ(0, model_open(&td, &dev));
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSI, 0, 2, fds));
	pos = find_cap(dev.device, PCI_CAP_ID_MSI);
	ASSERT_EQ(0, config_put(dev.device, pos + PCI_MSI_MASK_64, 2, 4));
	EXPECT_EQ(2, in_device(&td, pos + PCI_MSI_MASK_64, 4));
	testdev_kill(&td);
	ASSERT_EQ(0, mdev_wait(td.uuid, "state", "lost", SOON_MS));
	/* The server has kept the register. */
	snprintf(order, sizeof(order), "poke %u %u 4 2", CONFIG,
		 pos + PCI_MSI_MASK_64);
	ASSERT_EQ(0, serve_with(&td, args, order));
	ASSERT_EQ(0, mdev_wait(td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(2, config_get(dev.device, pos + PCI_MSI_MASK_64, 4));
	EXPECT_EQ(2, in_device(&td, pos + PCI_MSI_MASK_64, 4));
	EXPECT_STREQ("none", fire(&td, 1));
	EXPECT_STREQ("msi", fire(&td, 0));
	vfio_dev_close(&dev);
	testdev_stop(&td);
	close(fds[0]);
	close(fds[1]);
}

HELPER_MAIN
