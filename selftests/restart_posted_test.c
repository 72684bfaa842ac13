// SPDX-License-Identifier: GPL-2.0
/* Posted stores that a lost server did not read reach the next server, once. */
#include <signal.h>
#include <sys/ioctl.h>

#include "lib/restart.h"
#include "lib/task.h"

/* The state of a server that contains no posted store, see VFIO_USER_NO_WRITE. */
#define NO_WRITE 0xffffffff

/* A server that knows which store it has made last; its BAR 0 has posted stores. */
static int serve_with_last(FIXTURE_DATA(device) *self, unsigned int last)
{
	char text[16];
	const char *const args[] = { "--no-twin", "--no-io-fds", "--last-write",
				     text, NULL };

	snprintf(text, sizeof(text), "%u", last);
	return testdev_serve(&self->td, args);
}

/* Stores are recorded if state_kept is set when the device is opened. */
static void open_with_last(struct __test_metadata *_metadata,
			   FIXTURE_DATA(device) *self)
{
	ASSERT_EQ(0, set_policy(self, "wait", "yes"));
	close_device(self);
	testdev_kill(&self->td);
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	ASSERT_EQ(0, wait_state(self, "attached"));
	open_device(_metadata, self);
}

/* The values of the posted stores to MEM that the server got. */
static unsigned int posted(FIXTURE_DATA(device) *self, uint64_t *values,
			   unsigned int max)
{
	long long i, nr = testdev_log_count(&self->td);
	struct testdev_access acc;
	unsigned int found = 0;

	for (i = 0; i < nr && found < max; i++)
		if (!testdev_log_get(&self->td, i, &acc) && acc.dir == 'p' &&
		    acc.region == BAR(0) && acc.offset >= MEM)
			values[found++] = acc.value;
	return found;
}

TEST_F(device, stores_that_the_lost_server_did_not_read_reach_the_next_server)
{
	uint64_t values[8];
	long long last;

	open_with_last(_metadata, self);
	self->bar[MEM / 4] = 1;
	self->bar[MEM / 4 + 1] = 2;
	EXPECT_EQ(2, self->bar[MEM / 4 + 1]);
	last = testdev_num(&self->td, "last-write");
	ASSERT_LT(0, last);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	self->bar[MEM / 4 + 1] = 4;
	self->bar[MEM / 4] = 5;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, last));
	EXPECT_EQ(5, self->bar[MEM / 4]);
	EXPECT_EQ(4, self->bar[MEM / 4 + 1]);
	/* Each once, in their order, before the stores that follow. */
	self->bar[MEM / 4] = 6;
	EXPECT_EQ(6, self->bar[MEM / 4]);
	ASSERT_EQ(4, posted(self, values, 8));
	EXPECT_EQ(3, values[0]);
	EXPECT_EQ(4, values[1]);
	EXPECT_EQ(5, values[2]);
	EXPECT_EQ(6, values[3]);
	EXPECT_EQ(last + 4, testdev_num(&self->td, "last-write"));
	EXPECT_EQ(0, eventfd_wait(self->err, QUIET_MS));
}

TEST_F(device, stores_reach_the_second_server_after_the_first_was_lost_too)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	self->bar[MEM / 4] = 4;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(4, self->bar[MEM / 4]);
	/* The state of this server is that of the first one. */
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(4, self->bar[MEM / 4]);
	ASSERT_EQ(2, posted(self, values, 8));
	EXPECT_EQ(3, values[0]);
}

/* Another server, at another path, that answers posted stores. */
static int serve_that_answers(FIXTURE_DATA(device) *self)
{
	char uuid[sizeof(self->td.uuid)];
	int ret;

	strcpy(uuid, self->td.uuid);
	unlink(self->td.socket);
	memset(&self->td, 0, sizeof(self->td));
	/* The path of the socket is made from the UUID. */
	uuid_new(self->td.uuid);
	ret = serve_with_last(self, NO_WRITE);
	if (!ret)
		ret = testdev_cmd(&self->td, "answer-posted 1");
	strcpy(self->td.uuid, uuid);
	return ret ? ret : mdev_set(uuid, "endpoint", self->td.socket);
}

/* The last store failed, so its message ID was not sent. */
TEST_F(device, server_may_answer_the_stores_that_it_gets_again)
{
	uint64_t values[2];
	pid_t pid;

	open_with_last(_metadata, self);
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	pid = fork();
	ASSERT_LE(0, pid);
	while (!pid)
		self->bar[MEM / 4] = 3;
	ASSERT_EQ(0, task_wait_in(pid, "vuser_sock_send", SOON_MS));
	kill(pid, SIGKILL);
	ASSERT_EQ(SIGKILL, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_that_answers(self));
	EXPECT_EQ(0, wait_state(self, "open"));
	EXPECT_EQ(3, self->bar[MEM / 4]);
	ASSERT_EQ(2, posted(self, values, 2));
	EXPECT_EQ(3, values[0]);
	EXPECT_EQ(0, eventfd_wait(self->err, QUIET_MS));
}

TEST_F(device, stores_before_a_reset_are_not_repeated)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	self->bar[MEM / 4] = 3;
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(0, posted(self, values, 8));
}

TEST_F(device, server_that_does_not_know_its_last_store_gets_none)
{
	uint64_t values[8];

	open_with_last(_metadata, self);
	ASSERT_EQ(0, kill(self->td.pid, SIGSTOP));
	self->bar[MEM / 4] = 3;
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, testdev_serve(&self->td, no_twin));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(0, posted(self, values, 8));
}

TEST_F(device,
       err_is_signalled_if_the_state_lacks_more_stores_than_are_recorded)
{
	unsigned int i;

	open_with_last(_metadata, self);
	for (i = 0; i < 600; i++)
		self->bar[MEM / 4] = i;
	EXPECT_EQ(599, self->bar[MEM / 4]);
	ASSERT_EQ(0, lose(self));
	ASSERT_EQ(0, serve_with_last(self, NO_WRITE));
	EXPECT_EQ(0, self->bar[MEM / 4]);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
}

HELPER_MAIN
