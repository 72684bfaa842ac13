// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer migrates a device, and the server refuses, hangs or vanishes, or the consumer is
 * killed.
 */
#include <signal.h>

#include "lib/migrate_fixture.h"
#include "lib/task.h"

/* Servers that fail ----------------------------------------------------------------------- */

TEST_F(device, refused_state_is_reported)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, testdev_cmd(&p->td, "fail feature 28 1"));
	EXPECT_EQ(-ENOSPC, set_state(p, COPY));
	EXPECT_EQ(RUNNING, state(p));
	EXPECT_EQ(-1, p->fd);
	/* The server refuses to say its state, too. */
	ASSERT_EQ(0, testdev_cmd(&p->td, "fail feature 28 2"));
	EXPECT_EQ(-ENOSPC, set_state(p, STOP));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, refused_data_are_reported)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "fail mig-read 28 1"));
	EXPECT_EQ(-ENOSPC, take(p->fd, buf, sizeof(buf)));
	/* Nothing was lost. */
	ASSERT_EQ(0, drain(p->fd, &self->stream, 1000));
	EXPECT_EQ(STATE_SIZE, self->stream.len);
	ASSERT_EQ(0, set_state(&self->to, RESUMING));
	ASSERT_EQ(0, testdev_cmd(&self->to.td, "fail mig-write 28 1"));
	EXPECT_EQ(-ENOSPC, put(self->to.fd, self->stream.data, 100));
	ASSERT_EQ(self->stream.len, fill(self->to.fd, &self->stream, 1000));
	ASSERT_EQ(0, set_state(&self->to, RUNNING));
}

TEST_F(device, server_that_does_not_change_the_state_in_time_is_in_error)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold feature"));
	EXPECT_EQ(-ETIMEDOUT, set_state(p, COPY));
	EXPECT_EQ(ERROR, state(p));
	/* A server that does not answer in time is lost. */
	EXPECT_EQ(0, mdev_wait(p->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, data_that_do_not_come_in_time_end_the_file)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	EXPECT_EQ(-ETIMEDOUT, take(p->fd, buf, sizeof(buf)));
	/* A server that does not answer in time is lost. */
	EXPECT_EQ(-ENODEV, take(p->fd, buf, sizeof(buf)));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, reset(p));
	/* The next file has all data. */
	save(_metadata, self, 1000);
	EXPECT_EQ(STATE_SIZE, self->stream.len);
}

/* A state without an end: a read ends, and so does the device. */
TEST_F(device, endless_state_is_read_in_parts)
{
	struct party *p = &self->from;
	char *buf = mem_anon(1 << 20);

	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, testdev_cmd(&p->td, "endless 1"));
	ASSERT_EQ(0, set_state(p, COPY));
	EXPECT_LT(0, take(p->fd, buf, 1 << 20));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
	munmap(buf, 1 << 20);
}

static const char *const corruptions[] = { "id",    "command", "type", "long",
					   "short", "huge",    "tiny", "half",
					   "cut",   "twice",   "fd" };

/* No reply harms more than this server's device. */
TEST_F(device, malformed_replies_end_the_server)
{
	struct party *p = &self->from;
	struct stream s;
	uint32_t i;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "1000"));
	for (i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
		s.len = 0;
		ASSERT_EQ(0, set_state(p, COPY));
		ASSERT_EQ(0, testdev_cmd(&p->td, "corrupt mig-read %s",
					 corruptions[i]));
		drain(p->fd, &s, 500);
		EXPECT_GE(STATE_SIZE, s.len);
		party_close(p);
		testdev_kill(&p->td);
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "created", SOON_MS));
		ASSERT_EQ(0,
			  testdev_serve(&p->td, (const char *const[]) {
							"--migration", NULL }));
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "attached", SOON_MS));
		ASSERT_EQ(0, party_open(p));
	}
	check_works(_metadata, p);
}

/* Loss --------------------------------------------------------------------------------------- */

static int lose(struct party *p)
{
	testdev_kill(&p->td);
	return mdev_wait(p->td.uuid, "state", "lost", SOON_MS);
}

TEST_F(device, lost_server_ends_each_state)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;
	uint32_t to;

	for (to = STOP; to <= PRE_P2P; to++) {
		if (!supports(self->flags, to))
			continue;
		ASSERT_EQ(0, set_state(p, to));
		ASSERT_EQ(0, lose(p));
		EXPECT_EQ(to == RUNNING ? RUNNING : ERROR, state(p));
		if (to != RUNNING)
			EXPECT_GT(0, set_state(p, RUNNING));
		if (p->fd >= 0) {
			EXPECT_EQ(-ENODEV, to == RESUMING ?
						   put(p->fd, &to, 4) :
						   take(p->fd, &to, 4));
			close(p->fd);
		}
		p->fd = -1;
		ASSERT_EQ(0, testdev_serve(&p->td, args));
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
		ASSERT_EQ(0, reset(p));
		check_works(_metadata, p);
	}
}

/* The device may run in another place already. */
TEST_F(device, device_that_was_stopped_does_not_run_with_the_next_server)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;
	char buf[4];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, lose(p));
	ASSERT_EQ(0, testdev_serve(&p->td, args));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(ERROR, state(p));
	EXPECT_EQ(STOP, testdev_num(&p->td, "mig-state"));
	EXPECT_EQ(-ENODEV, take(p->fd, buf, 4));
	EXPECT_EQ(-EINVAL, set_state(p, RUNNING));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, device_that_ran_goes_on_with_the_next_server)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, lose(p));
	ASSERT_EQ(0, testdev_serve(&p->td, args));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "open", SOON_MS));
	check_works(_metadata, p);
	save(_metadata, self, 4096);
	EXPECT_EQ(STATE_SIZE, self->stream.len);
}

/* Kills and concurrent use ----------------------------------------------------------------------- */

enum act {
	ACT_STATE,
	ACT_RUN,
	ACT_IRQS,
	ACT_READ,
	ACT_WRITE,
	ACT_INFO
};

static pid_t start_act(struct party *p, enum act act)
{
	struct vfio_precopy_info info;
	char buf[100] = "S";
	pid_t pid = fork();

	if (pid)
		return pid;
	switch (act) {
	case ACT_STATE:
		set_state(p, STOP);
		break;
	case ACT_RUN:
		set_state(p, RUNNING);
		break;
	case ACT_IRQS:
		irq_set_eventfds(p->dev.device, MSIX, VECTOR, 1, &p->msix);
		break;
	case ACT_READ:
		take(p->fd, buf, sizeof(buf));
		break;
	case ACT_WRITE:
		put(p->fd, buf, sizeof(buf));
		break;
	case ACT_INFO:
		precopy_info(p->fd, &info, sizeof(info));
		break;
	}
	_exit(0);
}

static void check_kill(struct __test_metadata *_metadata, struct party *p,
		       enum act act, const char *held)
{
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&p->td, "hold %s", held));
	pid = start_act(p, act);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, testdev_cmd(&p->td, "held 1"));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
}

TEST_F(device, consumer_is_killed_while_it_waits)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	check_kill(_metadata, p, ACT_STATE, "feature");
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, reset(p));
	ASSERT_EQ(0, set_state(p, COPY));
	check_kill(_metadata, p, ACT_READ, "mig-read");
	/* Another process that has the file: data are missing. */
	EXPECT_EQ(-EIO, take(p->fd, buf, sizeof(buf)));
	ASSERT_EQ(0, reset(p));
	ASSERT_EQ(0, set_state(p, RESUMING));
	check_kill(_metadata, p, ACT_WRITE, "mig-write");
	EXPECT_EQ(-EIO, put(p->fd, buf, sizeof(buf)));
	ASSERT_EQ(0, reset(p));
	if (self->flags & VFIO_MIGRATION_PRE_COPY) {
		ASSERT_EQ(0, set_state(p, PRE));
		check_kill(_metadata, p, ACT_INFO, "mig-read");
		ASSERT_EQ(0, reset(p));
	}
	check_works(_metadata, p);
}

TEST_F(device, thread_that_waits_for_the_other_can_be_killed)
{
	struct party *p = &self->from;
	pid_t holder, waiter;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	holder = start_act(p, ACT_READ);
	ASSERT_LT(0, holder);
	ASSERT_EQ(0, testdev_cmd(&p->td, "held 1"));
	waiter = start_act(p, ACT_STATE);
	ASSERT_LT(0, waiter);
	EXPECT_EQ(0, task_wait_in(waiter, "vuser_mig_lock", SOON_MS));
	kill(waiter, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(waiter, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	EXPECT_EQ(0, task_wait_end(holder, SOON_MS));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

/* The state after STOP on the way to RUNNING. */
static uint32_t first_running(uint64_t flags)
{
	return flags & VFIO_MIGRATION_P2P ? P2P : RUNNING;
}

/* The device has loaded the state and runs, but without the registers of this consumer. */
TEST_F(device, device_that_does_not_get_its_registers_is_in_error)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->to;
	pid_t pid;

	save(_metadata, self, 1000);
	load(_metadata, self, 1000);
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold write"));
	pid = start_act(p, ACT_RUN);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, testdev_cmd(&p->td, "held 1"));
	EXPECT_EQ(first_running(self->flags), testdev_num(&p->td, "mig-state"));
	ASSERT_EQ(0, lose(p));
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, testdev_serve(&p->td, args));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, consumer_is_killed_while_the_registers_are_written)
{
	struct party *p = &self->to;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	save(_metadata, self, 1000);
	load(_metadata, self, 1000);
	check_kill(_metadata, p, ACT_RUN, "write");
	EXPECT_EQ(first_running(self->flags), testdev_num(&p->td, "mig-state"));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

/* Another thread has the lock of the interrupts when they are signalled once. */
TEST_F(device, consumer_that_waits_to_repeat_interrupts_can_be_killed)
{
	struct party *p = &self->to;
	pid_t holder, waiter;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	save(_metadata, self, 1000);
	load(_metadata, self, 1000);
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold set-irqs"));
	holder = start_act(p, ACT_IRQS);
	ASSERT_LT(0, holder);
	ASSERT_EQ(0, testdev_cmd(&p->td, "held 1"));
	waiter = start_act(p, ACT_RUN);
	ASSERT_LT(0, waiter);
	EXPECT_EQ(0,
		  task_wait_in(waiter, "vuser_irq_repeat_killable", SOON_MS));
	kill(waiter, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(waiter, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	EXPECT_EQ(0, task_wait_end(holder, SOON_MS));
	check_works(_metadata, p);
}

/* Another process reads the state when the device is closed. */
TEST_F(device, close_does_not_wait_longer_for_a_read_than_its_setting)
{
	struct party *p = &self->from;
	long long start;
	pid_t pid;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, mdev_set(p->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char buf[100];

		/* The other files keep the device open. */
		party_close(p);
		_exit(take(p->fd, buf, sizeof(buf)) == -EIO ? 0 : 1);
	}
	ASSERT_EQ(0, testdev_cmd(&p->td, "held 1"));
	start = clock_ms();
	party_close(p);
	EXPECT_GT(2500, clock_ms() - start);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	testdev_cmd(&p->td, "release");
}

/* Servers with less ------------------------------------------------------------------------------ */

static int start_one(struct party *p, const char *const *args)
{
	memset(p, 0, sizeof(*p));
	return party_start(p, args);
}

TEST(server_without_migration_is_reported)
{
	struct vfio_device_feature_mig_state set = { .device_state = STOP };
	struct party p;
	uint64_t flags;

	ASSERT_EQ(0, start_one(&p, NULL));
	EXPECT_EQ(-ENOTTY, get_flags(&p, &flags));
	EXPECT_EQ(-ENOTTY, state(&p));
	EXPECT_EQ(-ENOTTY, feature(p.dev.device,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &set, sizeof(set)));
	party_stop(&p);
}

TEST(server_of_the_first_version_is_not_asked)
{
	static const char *const args[] = { "--migration", "--minor=0", NULL };
	struct party p;
	uint64_t flags;

	ASSERT_EQ(0, start_one(&p, args));
	EXPECT_EQ(-ENOTTY, get_flags(&p, &flags));
	EXPECT_EQ(0, testdev_num(&p.td, "count feature"));
	party_stop(&p);
}

TEST(device_that_cannot_be_reset_runs_again_after_close)
{
	static const char *const args[] = { "--migration", "--no-reset", NULL };
	struct party p;

	ASSERT_EQ(0, start_one(&p, args));
	ASSERT_EQ(0, set_state(&p, COPY));
	EXPECT_EQ(-EINVAL, reset(&p));
	EXPECT_EQ(COPY, state(&p));
	party_close(&p);
	EXPECT_EQ(RUNNING, testdev_num(&p.td, "mig-state"));
	ASSERT_EQ(0, party_open(&p));
	check_works(_metadata, &p);
	party_stop(&p);
}

TEST(messages_are_not_larger_than_the_server_accepts)
{
	static const char *const args[] = { "--migration",
					    "--max-data-xfer-size=256", NULL };
	struct stream s = {};
	struct party p;

	ASSERT_EQ(0, start_one(&p, args));
	store(&p, 77);
	ASSERT_EQ(0, set_state(&p, COPY));
	ASSERT_EQ(0, drain(p.fd, &s, STREAM_MAX));
	EXPECT_EQ(STATE_SIZE, s.len);
	store(&p, 1);
	ASSERT_EQ(0, set_state(&p, RESUMING));
	EXPECT_EQ(s.len, fill(p.fd, &s, STREAM_MAX));
	ASSERT_EQ(0, set_state(&p, RUNNING));
	EXPECT_TRUE(is_stored(&p, 77));
	party_stop(&p);
}

HELPER_MAIN
