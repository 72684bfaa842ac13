// SPDX-License-Identifier: GPL-2.0
/*
 * The helper is killed, upgraded or stopped in each step of a replacement: the new server
 * serves the device, and no access of the consumer fails.
 */
#include "lib/replaced.h"

/*
 * Ask for the new server, and wait until a server holds its reply: @holder, the old or
 * the new one, to the message @held.
 */
static int replace_until(FIXTURE_DATA(device) *self, struct testdev *holder,
			 const char *held, bool no_state)
{
	int ret = testdev_cmd(holder, "hold %s", held);

	if (!ret)
		ret = replace_with(self, self->next.socket, no_state);
	return ret ? ret : testdev_cmd(holder, "held 1");
}

static void check_replaced(struct __test_metadata *_metadata,
			   FIXTURE_DATA(device) *self, bool no_state)
{
	struct replace_result result;

	ASSERT_EQ(0, wait_result(self, &result));
	EXPECT_EQ(VUSER_REPLACING_DONE, result.state)
	TH_LOG("%s", result.error);
	EXPECT_EQ(no_state ? 0 : 7, self->bar[MEM / 4]);
	check_served_by(_metadata, self, &self->next);
	EXPECT_EQ(0, self->load->bad);
}

/* A step of a replacement, in which a server holds a reply. */
#define STEP(name, holder, held, no_state)                                     \
	TEST_F(device, helper_may_be_killed_in_##name)                         \
	{                                                                      \
		ASSERT_EQ(0,                                                   \
			  replace_until(self, &self->holder, held, no_state)); \
		helper_kill(self->helper);                                     \
		ASSERT_EQ(0, testdev_cmd(&self->holder, "release"));           \
		self->helper = helper_start();                                 \
		ASSERT_LT(0, self->helper);                                    \
		check_replaced(_metadata, self, no_state);                     \
	}                                                                      \
	TEST_F(device, helper_may_be_upgraded_in_##name)                       \
	{                                                                      \
		ASSERT_EQ(0,                                                   \
			  replace_until(self, &self->holder, held, no_state)); \
		EXPECT_EQ(0, helper_stop(self->helper));                       \
		self->helper = helper_start();                                 \
		ASSERT_LT(0, self->helper);                                    \
		ASSERT_EQ(0, testdev_cmd(&self->holder, "release"));           \
		check_replaced(_metadata, self, no_state);                     \
	}                                                                      \
	TEST_F(device, helper_may_be_stopped_for_a_while_in_##name)            \
	{                                                                      \
		ASSERT_EQ(0,                                                   \
			  replace_until(self, &self->holder, held, no_state)); \
		ASSERT_EQ(0, kill(self->helper, SIGSTOP));                     \
		ASSERT_EQ(0, testdev_cmd(&self->holder, "release"));           \
		ASSERT_EQ(0, kill(self->helper, SIGCONT));                     \
		check_replaced(_metadata, self, no_state);                     \
	}

STEP(the_reset, next, "reset", true)
STEP(the_first_mapping, next, "dma-map", true)
STEP(the_interrupts, next, "set-irqs", true)
STEP(the_pause, td, "write", true)
STEP(the_read_of_the_state, td, "mig-read", false)
STEP(the_write_of_the_state, next, "mig-write", false)
/* The new server is already in the place of the one before. */
STEP(the_start, next, "write", true)

TEST_F(device, request_is_refused_until_the_new_server_has_started)
{
	ASSERT_EQ(0, replace_until(self, &self->next, "write", true));
	EXPECT_EQ(-EBUSY, replace(self, self->td.socket));
	ASSERT_EQ(0, testdev_cmd(&self->next, "release"));
	check_replaced(_metadata, self, true);
}

/* A request of which the helper does not know yet. */
TEST_F(device, next_helper_connects_to_the_new_server)
{
	helper_kill(self->helper);
	ASSERT_EQ(0, replace(self, self->next.socket));
	self->helper = helper_start();
	ASSERT_LT(0, self->helper);
	check_replaced(_metadata, self, true);
}

TEST_HARNESS_MAIN
