// SPDX-License-Identifier: GPL-2.0
/*
 * The server of an open device is replaced by another one while both run: what the
 * consumer and each server see, which servers are refused, and a loss of each party in
 * each step.
 */
#include <sys/ioctl.h>

#include "lib/replaced.h"

/* Success ---------------------------------------------------------------------- */

TEST_F(device, consumer_goes_on_with_the_new_server)
{
	struct replace_result result;

	ASSERT_TRUE(used_again(self));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, wait_result(self, &result));
	EXPECT_EQ(VUSER_REPLACING_DONE, result.state);
	EXPECT_LT(0, result.pause_us);
	EXPECT_STREQ(self->next.socket, result.endpoint);
	check_served_by(_metadata, self, &self->next);
	/* No access failed. */
	EXPECT_EQ(0, self->load->bad);
	/* The new server does not have the state: the device was reset. */
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(1, testdev_num(&self->next, "count reset"));
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	/* The server before has no memory and no interrupt of the consumer. */
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	EXPECT_EQ(0, testdev_num(&self->td, "irq-enabled %u %u", MSIX, VECTOR));
	/* It can be ended. */
	testdev_kill(&self->td);
	check_served_by(_metadata, self, &self->next);
	EXPECT_EQ(0, self->load->bad);
}

TEST_F(device, server_can_be_replaced_again_and_again)
{
	struct replace_result result;
	struct testdev old;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, replace(self, self->next.socket));
		ASSERT_EQ(0, wait_result(self, &result));
		ASSERT_EQ(VUSER_REPLACING_DONE, result.state);
		check_served_by(_metadata, self, &self->next);
		old = self->td;
		self->td = self->next;
		strcpy(self->td.uuid, old.uuid);
		testdev_kill(&old);
		unlink(old.socket);
		ASSERT_EQ(0, serve_next(self, migration));
	}
	EXPECT_EQ(0, self->load->bad);
}

/* The device connects to the new endpoint from now on. */
TEST_F(device, new_server_that_is_lost_is_connected_to_again)
{
	struct replace_result result;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "60000"));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, wait_result(self, &result));
	ASSERT_EQ(VUSER_REPLACING_DONE, result.state);
	testdev_kill(&self->next);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->next, migration));
	check_served_by(_metadata, self, &self->next);
}

/* State ------------------------------------------------------------------------ */

TEST_F(device, state_moves_to_the_new_server)
{
	struct replace_result result;
	uint32_t i;

	for (i = 0; i < 100; i++)
		self->bar[MEM / 4 + 16 + i] = 1000 + i;
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	ASSERT_EQ(0, wait_result(self, &result));
	EXPECT_EQ(VUSER_REPLACING_DONE, result.state)
	TH_LOG("%s", result.error);
	check_served_by(_metadata, self, &self->next);
	EXPECT_EQ(7, self->bar[MEM / 4]);
	for (i = 0; i < 100; i++)
		ASSERT_EQ(1000 + i, self->bar[MEM / 4 + 16 + i]);
	EXPECT_EQ(0, self->load->bad);
	/* The device was not reset, and the consumer does not notice. */
	EXPECT_EQ(0, testdev_num(&self->next, "count reset"));
	EXPECT_EQ(0, eventfd_wait(self->err, QUIET_MS));
}

TEST_F(device, server_that_cannot_load_state_is_refused)
{
	testdev_stop(&self->next);
	ASSERT_EQ(0, serve_next(self, NULL));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("the consumer could not migrate the device");
	check_goes_on(_metadata, self);
}

TEST_F(device, state_is_not_moved_while_shared_areas_are_used)
{
	volatile uint32_t *area = region_mmap(self->dev.device, BAR(4), 0, PAGE,
					      PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, area);
	area[0] = 5;
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("the consumer uses shared areas");
	EXPECT_EQ(5, area[0]);
	check_goes_on(_metadata, self);
	munmap((void *)area, PAGE);
}

/* Each step of the move fails: the server in use runs on. */
TEST_F(device, server_in_use_runs_on_if_its_state_cannot_be_moved)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail mig-read 5 1"));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("the server in use does not give the state");
	check_goes_on(_metadata, self);

	ASSERT_EQ(0, testdev_cmd(&self->next, "fail mig-write 5 1"));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("the new server does not take the state");
	check_goes_on(_metadata, self);

	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "endpoint", self->next.socket,
			       SOON_MS));
	check_served_by(_metadata, self, &self->next);
	EXPECT_EQ(7, self->bar[MEM / 4]);
	EXPECT_EQ(0, self->load->bad);
}

/* Accesses do not wait longer than the settings say. */
TEST_F(device, state_without_an_end_is_not_moved)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "500"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "endless 1"));
	ASSERT_EQ(0, testdev_cmd(&self->next, "endless 1"));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("does not move in reconnect_timeout_ms");
	check_goes_on(_metadata, self);
}

TEST_F(device, new_server_may_be_lost_while_it_loads_the_state)
{
	ASSERT_EQ(0, testdev_cmd(&self->next, "hold mig-write"));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	ASSERT_EQ(0, testdev_cmd(&self->next, "held 1"));
	testdev_kill(&self->next);
	EXPECT_FAILS_WITH("the new server does not take the state");
	check_goes_on(_metadata, self);
}

/* The consumer migrates the device ------------------------------------------------- */

static int set_mig_state(FIXTURE_DATA(device) *self, uint32_t state)
{
	struct {
		struct vfio_device_feature head;
		struct vfio_device_feature_mig_state state;
	} set = {
		.head.argsz = sizeof(set),
		.head.flags = VFIO_DEVICE_FEATURE_SET |
			      VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		.state.device_state = state,
	};

	return ioctl(self->dev.device, VFIO_DEVICE_FEATURE, &set) ? -errno : 0;
}

TEST_F(device, server_is_not_replaced_while_the_consumer_migrates)
{
	struct replace_result result;

	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_STOP));
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	EXPECT_FAILS_WITH("the consumer migrates the device");
	ASSERT_EQ(0, replace(self, self->next.socket));
	EXPECT_FAILS_WITH("the consumer migrates the device");
	EXPECT_EQ(VFIO_DEVICE_STATE_STOP, testdev_num(&self->td, "mig-state"));
	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_RUNNING));
	check_goes_on(_metadata, self);
	ASSERT_EQ(0, replace_with(self, self->next.socket, false));
	ASSERT_EQ(0, wait_result(self, &result));
	EXPECT_EQ(VUSER_REPLACING_DONE, result.state);
	check_served_by(_metadata, self, &self->next);
}

/* The migration begins after the new server was prepared. */
TEST_F(device, migration_that_begins_meanwhile_ends_the_replacement)
{
	ASSERT_EQ(0, testdev_cmd(&self->next, "hold dma-map"));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, testdev_cmd(&self->next, "held 1"));
	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_STOP));
	ASSERT_EQ(0, testdev_cmd(&self->next, "release"));
	EXPECT_FAILS_WITH("the consumer migrates the device");
	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_RUNNING));
	check_goes_on(_metadata, self);
}

/* The helper sees only the second request, which names the same server. */
TEST_F(device, server_that_was_not_accepted_can_be_asked_for_again_at_once)
{
	struct replace_result result;

	ASSERT_EQ(0, testdev_cmd(&self->next, "hold dma-map"));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, testdev_cmd(&self->next, "held 1"));
	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_STOP));
	ASSERT_EQ(0, kill(self->helper, SIGSTOP));
	ASSERT_EQ(0, testdev_cmd(&self->next, "release"));
	EXPECT_FAILS_WITH("the consumer migrates the device");
	ASSERT_EQ(0, set_mig_state(self, VFIO_DEVICE_STATE_RUNNING));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, kill(self->helper, SIGCONT));
	ASSERT_EQ(0, wait_result(self, &result));
	EXPECT_EQ(VUSER_REPLACING_DONE, result.state);
	check_served_by(_metadata, self, &self->next);
}

TEST_F(device, server_without_migration_is_refused)
{
	testdev_stop(&self->next);
	ASSERT_EQ(0, serve_next(self, NULL));
	ASSERT_EQ(0, replace(self, self->next.socket));
	EXPECT_FAILS_WITH("the consumer could not migrate the device");
	check_goes_on(_metadata, self);
}

/* Servers that do not fit --------------------------------------------------------- */

TEST_F(device, server_of_another_device_is_refused)
{
	static const char *const args[] = { "--bar4-size=0x20000", NULL };

	testdev_stop(&self->next);
	ASSERT_EQ(0, serve_next(self, args));
	ASSERT_EQ(0, replace(self, self->next.socket));
	EXPECT_FAILS_WITH("a region has another size");
	check_goes_on(_metadata, self);
}

TEST_F(device, missing_server_is_reported)
{
	ASSERT_EQ(0, replace(self, "/run/vuser-none"));
	EXPECT_FAILS_WITH("/run/vuser-none");
	check_goes_on(_metadata, self);
}

TEST_F(device, only_an_open_device_gets_another_server)
{
	ASSERT_EQ(0, stop_loader(self));
	close_device(self);
	ASSERT_EQ(0, nlt_enable_ext_ack(&self->nl));
	EXPECT_EQ(-EBUSY, replace(self, self->next.socket));
	EXPECT_NE('\0', nlt_ext_ack()[0]);
	EXPECT_EQ(-EINVAL, replace(self, "relative"));
	EXPECT_NE('\0', nlt_ext_ack()[0]);
	EXPECT_EQ(-EINVAL, replace(self, ""));
	EXPECT_NE('\0', nlt_ext_ack()[0]);
}

/* Losses ----------------------------------------------------------------------- */

#define STEPS(name)                                                          \
	TEST_F(device,                                                       \
	       new_server_that_is_lost_in_its_##name##_changes_nothing)      \
	{                                                                    \
		check_new_lost(_metadata, self, held_##name);                \
	}                                                                    \
	TEST_F(device, server_in_use_may_be_lost_in_##name##_of_the_new_one) \
	{                                                                    \
		check_old_lost(_metadata, self, held_##name);                \
	}                                                                    \
	TEST_F(device, device_can_be_closed_in_##name##_of_the_new_server)   \
	{                                                                    \
		check_close(_metadata, self, held_##name);                   \
	}

static const char held_reset[] = "reset";
static const char held_dma_map[] = "dma-map";
static const char held_interrupts[] = "set-irqs";

static int replace_until(FIXTURE_DATA(device) *self, const char *held)
{
	int ret = testdev_cmd(&self->next, "hold %s", held);

	if (!ret)
		ret = replace(self, self->next.socket);
	return ret ? ret : testdev_cmd(&self->next, "held 1");
}

static void check_new_lost(struct __test_metadata *_metadata,
			   FIXTURE_DATA(device) *self, const char *held)
{
	ASSERT_EQ(0, replace_until(self, held));
	/* Only one at a time. */
	EXPECT_EQ(-EBUSY, replace(self, self->next.socket));
	testdev_kill(&self->next);
	EXPECT_FAILS_WITH("");
	check_goes_on(_metadata, self);
	/* Another try succeeds. */
	ASSERT_EQ(0, testdev_serve(&self->next, migration));
	ASSERT_EQ(0, replace(self, self->next.socket));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "endpoint", self->next.socket,
			       SOON_MS));
	check_served_by(_metadata, self, &self->next);
	EXPECT_EQ(0, self->load->bad);
}

/* The replacement fails, and the device gets its own server back. */
static void check_old_lost(struct __test_metadata *_metadata,
			   FIXTURE_DATA(device) *self, const char *held)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "60000"));
	ASSERT_EQ(0, replace_until(self, held));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&self->next, "release"));
	EXPECT_FAILS_WITH("");
	ASSERT_EQ(0, testdev_serve(&self->td, migration));
	check_served_by(_metadata, self, &self->td);
}

static void check_close(struct __test_metadata *_metadata,
			FIXTURE_DATA(device) *self, const char *held)
{
	long long start;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, replace_until(self, held));
	kill(self->loader, SIGKILL);
	EXPECT_EQ(SIGKILL, stop_loader(self));
	start = clock_ms();
	close_device(self);
	EXPECT_GT(2500, clock_ms() - start);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_FAILS_WITH("");
	EXPECT_EQ(0, mdev_remove(self->td.uuid));
}

STEPS(reset)
STEPS(dma_map)
STEPS(interrupts)

/* The new server is lost after it got the last message of its setup. */
TEST_F(device, shared_areas_stay_those_of_the_server_in_use_if_the_new_is_lost)
{
	volatile uint32_t *area = region_mmap(self->dev.device, BAR(4), 0, PAGE,
					      PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, area);
	area[0] = 5;
	/* The store to the command register. */
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold write"));
	ASSERT_EQ(0, replace(self, self->next.socket));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	testdev_kill(&self->next);
	/* The new server is lost at the latest when it gets a message. */
	EXPECT_EQ(0,
		  dma_map(self->dev.container, self->mem, FAR, PAGE, DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
	EXPECT_FAILS_WITH("");
	EXPECT_EQ(5, area[0]);
	area[1] = 6;
	EXPECT_EQ(6, testdev_num(&self->td, "peek 4 4 4"));
	check_goes_on(_metadata, self);
	munmap((void *)area, PAGE);
}

TEST_F(device, memory_that_the_new_server_refuses_is_mapped_in_the_one_in_use)
{
	ASSERT_EQ(0, replace_until(self, held_interrupts));
	ASSERT_EQ(0, testdev_cmd(&self->next, "fail dma-map 22 8"));
	EXPECT_EQ(0,
		  dma_map(self->dev.container, self->mem, FAR, PAGE, DMA_RW));
	EXPECT_FAILS_WITH("the new server does not accept the interrupts");
	EXPECT_EQ(mem_sum(self->mem, PAGE),
		  testdev_num(&self->td, "dma-sum 0x%lx %lu", FAR, PAGE));
	check_goes_on(_metadata, self);
}

/* The server in use was ended: this is a loss of the new one. */
TEST_F(device, new_server_that_is_lost_in_its_setup_comes_back)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "60000"));
	ASSERT_EQ(0, replace_until(self, "write"));
	testdev_kill(&self->next);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->next, migration));
	check_served_by(_metadata, self, &self->next);
}

TEST_HARNESS_MAIN
