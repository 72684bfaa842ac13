// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the memory of a container, while servers refuse, lie, hang, vanish, or
 * are replaced, and while consumers are killed.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/dirty_device.h"
#include "lib/helper.h"
#include "lib/replace.h"
#include "lib/task.h"

FIXTURE_SETUP(log)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	ASSERT_EQ(0, testdev_start(&self->td, logging));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "3000"));
	ASSERT_EQ(0, log_open(self, mem_anon(SIZE)));
}

FIXTURE_TEARDOWN(log)
{
	log_close(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
}

/* Servers that refuse or lie ------------------------------------------------------------ */

TEST_F(log, refused_report_makes_all_pages_dirty)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail feature 22 1"));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, server_that_refuses_to_start_makes_all_pages_dirty)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail feature 22 1"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	/* The next START asks again. */
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* A lack of memory may end: the server is asked again. */
TEST_F(log, server_without_memory_starts_later)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail feature 12 1"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, server_that_logs_already_is_started_again)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail feature 16 1"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, refused_stop_is_not_reported)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, testdev_cmd(&self->td, "fail feature 22 1"));
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	/* The server logs still and refuses START, so the kernel sends STOP first. */
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* Reports of another range, or with a bitmap that is too short. */
TEST_F(log, malformed_report_makes_all_pages_dirty)
{
	static const char *const kinds[] = { "count", "less" };
	unsigned int i;

	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, log_pages(self));
		ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature %s",
					 kinds[i]));
		EXPECT_EQ(NR_PAGES, log_pages(self)) TH_LOG("%s", kinds[i]);
		EXPECT_TRUE(log_works(self, &self->td));
	}
}

static const char *const corruptions[] = { "id", "short", "cut", "twice" };

/* No reply harms more than this server's device. */
TEST_F_TIMEOUT(log, reply_that_violates_the_protocol_makes_all_pages_dirty, 120)
{
	unsigned int i;
	int pages;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1000"));
	for (i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
		ASSERT_EQ(0, log_set(self->fd, LOG_START));
		ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature %s",
					 corruptions[i]));
		pages = log_pages(self);
		/* A second reply does not make the first one wrong. */
		EXPECT_TRUE(pages == NR_PAGES ||
			    (!pages && !strcmp(corruptions[i], "twice")))
		TH_LOG("%s: %d pages", corruptions[i], pages);
		log_close(self);
		testdev_kill(&self->td);
		ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "created",
				       SOON_MS));
		ASSERT_EQ(0, testdev_serve(&self->td, logging));
		ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "attached",
				       SOON_MS));
		ASSERT_EQ(0, log_open(self, self->mem));
	}
}

TEST_F(log, report_of_more_than_the_memory_is_cut)
{
	uint64_t bits[WORDS + 1] = {};

	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature ones"));
	/* The range ends after the memory. */
	ASSERT_EQ(0, log_get(self->fd, IOVA, SIZE + 60 * PAGE, bits,
			     sizeof(bits)));
	EXPECT_EQ(NR_PAGES, count_bits(bits, WORDS + 1));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* The kernel knows of the writes that it makes itself. */
TEST_F(log, server_that_hides_its_writes_by_message_does_not_hide_them)
{
	log_close(self);
	ASSERT_EQ(0, testdev_cmd(&self->td, "strip-fds 1"));
	ASSERT_EQ(0, log_open(self, self->mem));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 33));
	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature zeros"));
	EXPECT_TRUE(only_page_is_dirty(self, 33));
	EXPECT_EQ(0, log_pages(self));
}

TEST_F(log, log_of_huge_pages_is_reported_in_small_pages)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature huge-page"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	ASSERT_EQ(0, dirty_page(&self->td, 7));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_EQ(0, log_pages(self));
}

TEST_F(log, log_of_odd_pages_is_not_used)
{
	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature odd-page"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	/* The kernel has sent STOP, so the server can start again. */
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* The bitmap does not fit into one message. */
TEST_F(log, report_of_a_small_message_size_has_all_pages)
{
	static const char *const small[] = { "--dma-logging",
					     "--max-data-xfer-size=16", NULL };

	log_close(self);
	testdev_stop(&self->td);
	ASSERT_EQ(0, testdev_start(&self->td, small));
	ASSERT_EQ(0, log_open(self, self->mem));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	ASSERT_EQ(0, dirty_page(&self->td, 0));
	ASSERT_EQ(0, dirty_page(&self->td, 127));
	ASSERT_EQ(0, dirty_page(&self->td, 128));
	ASSERT_EQ(0, dirty_page(&self->td, NR_PAGES - 1));
	EXPECT_EQ(4, log_pages(self));
	EXPECT_TRUE(has_bit(self->bits, 0) && has_bit(self->bits, 127) &&
		    has_bit(self->bits, 128) &&
		    has_bit(self->bits, NR_PAGES - 1));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* Servers that hang or vanish ------------------------------------------------------------- */

TEST_F(log, server_that_does_not_report_in_time_is_lost)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold feature"));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
}

TEST_F(log, server_that_does_not_start_in_time_is_lost)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold feature"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
}

TEST_F(log, lost_server_makes_all_pages_dirty_until_the_next_one_serves)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	ASSERT_EQ(0, dirty_page(&self->td, 3));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	ASSERT_EQ(0, testdev_serve(&self->td, logging));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* No bitmap was read while the server was lost. */
TEST_F(log, pages_of_a_lost_server_are_dirty_once)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 3));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, logging));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
	/* The log can be stopped and started with the new server, too. */
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, pages_of_a_replaced_server_are_dirty_once)
{
	struct replace_result result;
	struct testdev next = {};
	struct nlt nl;

	ASSERT_EQ(0, nlt_open(&nl));
	/* The path of the socket is made from the UUID. */
	uuid_new(next.uuid);
	ASSERT_EQ(0, testdev_serve(&next, logging));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 3));
	ASSERT_EQ(0, replace_ask(&nl, self->td.uuid, next.socket, true));
	ASSERT_EQ(0, replace_wait(&nl, self->td.uuid, SOON_MS, &result));
	ASSERT_EQ(VUSER_REPLACING_DONE, result.state)
	TH_LOG("%s", result.error);
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &next));
	log_close(self);
	testdev_stop(&next);
	nlt_close(&nl);
}

/* Killed consumers --------------------------------------------------------------------------- */

/* Another process makes a call that waits for the server, and is killed. */
static void kill_in(struct __test_metadata *_metadata, FIXTURE_DATA(log) *self,
		    uint32_t flags)
{
	pid_t pid;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold feature"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (flags == LOG_GET)
			log_pages(self);
		else
			log_set(self->fd, flags);
		_exit(0);
	}
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	/* The kill ends the wait; the server still holds the reply. */
	EXPECT_EQ(SIGKILL, task_wait_end(pid, SOON_MS) & 0x7f);
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
}

TEST_F(log, log_goes_on_after_a_killed_start)
{
	kill_in(_metadata, self, LOG_START);
	/* The killed process has started the log; the kernel sends START again. */
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, log_goes_on_after_a_killed_report)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 3));
	kill_in(_metadata, self, LOG_GET);
	/* The report of that call is lost. */
	EXPECT_LE(1, log_pages(self));
	EXPECT_TRUE(has_bit(self->bits, 3));
	EXPECT_TRUE(log_works(self, &self->td));
}

TEST_F(log, log_starts_after_a_killed_stop)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	kill_in(_metadata, self, LOG_STOP);
	EXPECT_EQ(-EINVAL, log_pages(self));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* A close does not wait longer than its own time for a thread that reads the log. */
TEST_F(log, close_ends_a_report_that_waits)
{
	long long begin;
	pid_t pid;

	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold feature"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->dev.device);
		_exit(log_pages(self) == NR_PAGES ? 0 : 1);
	}
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	begin = clock_ms();
	close(self->dev.device);
	self->dev.device = -1;
	EXPECT_GT(SOON_MS, clock_ms() - begin);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&self->td, "release"));
}

HELPER_MAIN
