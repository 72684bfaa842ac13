// SPDX-License-Identifier: GPL-2.0
/*
 * Posted writes: they keep their order, precede a later read, and never delay
 * DMA.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "lib/consumer.h"

CONSUMER_FIXTURE

#define MEM	  TESTDEV_REG_MEMORY
#define NR_STORES 1000

TEST_F(consumer, posted_stores_keep_their_order)
{
	struct testdev_access acc;
	volatile uint32_t *bar;
	unsigned int i;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	for (i = 0; i < NR_STORES; i++)
		bar[(MEM + i % 256 * 4) / 4] = i;
	/* The load returns the last value, so all stores have arrived. */
	EXPECT_EQ(NR_STORES - 1, bar[(MEM + (NR_STORES - 1) % 256 * 4) / 4]);
	ASSERT_EQ(NR_STORES + 1, testdev_log_count(&shared));
	for (i = 0; i < NR_STORES; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		ASSERT_EQ('p', acc.dir);
		ASSERT_EQ(i, acc.value);
		ASSERT_EQ(MEM + i % 256 * 4, acc.offset);
	}
}

/* pwrite and stores share one order. */
TEST_F(consumer, pwrite_and_stores_keep_their_order)
{
	struct testdev_access acc;
	volatile uint32_t *bar;
	uint32_t i, next;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	for (i = 0; i < 100; i += 2) {
		bar[MEM / 4] = i;
		next = i + 1;
		ASSERT_EQ(0,
			  region_put(self->dev.device, BAR(0), MEM, &next, 4));
	}
	EXPECT_EQ(99, bar[MEM / 4]);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		ASSERT_EQ(i, acc.value);
	}
}

struct flood {
	volatile uint32_t *bar;
	unsigned int nr;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	unsigned int i;

	for (i = 1; i <= f->nr; i++)
		f->bar[MEM / 4] = i;
	return NULL;
}

/* A stopped server gets more stores than the socket holds. */
TEST_F(consumer, stores_wait_for_a_stopped_server)
{
	struct flood f = { .nr = 20000 };
	struct timespec until;
	pthread_t thread;

	f.bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			    PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, f.bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "log-stop"));
	ASSERT_EQ(0, kill(shared.pid, SIGSTOP));
	ASSERT_EQ(0, pthread_create(&thread, NULL, flood, &f));
	/* The thread must block: it cannot have ended. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	EXPECT_EQ(ETIMEDOUT, pthread_timedjoin_np(thread, NULL, &until));
	ASSERT_EQ(0, kill(shared.pid, SIGCONT));
	pthread_join(thread, NULL);
	EXPECT_EQ(f.nr, f.bar[MEM / 4]);
}

/*
 * The server waits for the reply to a DMA read while stores fill the socket:
 * the socket keeps room for replies.
 */
TEST_F(consumer, dma_works_during_a_flood_of_stores)
{
	struct flood f = { .nr = 5000 };
	pthread_t thread;
	uint64_t *mem;
	int i;

	f.bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			    PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, f.bar);
	mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	mem[0] = 0xabcdef;
	ASSERT_EQ(0, testdev_cmd(&shared, "log-stop"));
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 0x1000, DMA_RW));
	ASSERT_EQ(0, pthread_create(&thread, NULL, flood, &f));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0 8"));
		EXPECT_STREQ("efcdab0000000000", testdev_reply());
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(f.nr, f.bar[MEM / 4]);
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 0x1000, 0, NULL));
}

/* An error reply to a posted write is dropped. */
TEST_F(consumer, error_reply_to_a_posted_write_is_dropped)
{
	volatile uint32_t *bar;
	unsigned int i;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "fail write %d 50", EINVAL));
	for (i = 0; i < 60; i++)
		bar[MEM / 4] = i;
	EXPECT_EQ(59, bar[MEM / 4]);
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
}

/* The value of a counter of the shared device; -1 if `vuserctl` fails. */
static long counter(const char *name)
{
	char command[128], seen[32];
	long value = -1, number;
	FILE *in;

	snprintf(command, sizeof(command), "vuserctl stats %s", shared.uuid);
	in = popen(command, "r");
	if (!in)
		return -1;
	while (fscanf(in, "%31s %ld", seen, &number) == 2)
		if (!strcmp(seen, name))
			value = number;
	return pclose(in) ? -1 : value;
}

/*
 * Old versions of the Rust crate vfio_user answer posted writes.  A load comes
 * after all replies.
 */
TEST_F(consumer, replies_to_posted_writes_are_counted_and_dropped)
{
	long writes = counter("posted-write"), replies;
	volatile uint32_t *bar;
	unsigned int i;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	replies = counter("posted-reply");
	EXPECT_LE(0, replies);
	ASSERT_EQ(0, testdev_cmd(&shared, "answer-posted 1"));
	for (i = 0; i < NR_STORES; i++)
		bar[MEM / 4] = i;
	EXPECT_EQ(NR_STORES - 1, bar[MEM / 4]);
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
	EXPECT_EQ(writes + NR_STORES, counter("posted-write"));
	EXPECT_EQ(replies + NR_STORES, counter("posted-reply"));
}

/* These servers also mark error replies as commands. */
TEST_F(consumer, error_for_a_posted_write_may_be_typed_as_a_command)
{
	long errors = counter("posted-error");
	volatile uint32_t *bar;
	unsigned int i;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "answer-posted 1"));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail write %d 50", EINVAL));
	for (i = 0; i < 60; i++)
		bar[MEM / 4] = i;
	EXPECT_EQ(59, bar[MEM / 4]);
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
	EXPECT_EQ(errors + 50, counter("posted-error"));
}

TEST_F(consumer, error_for_a_waiting_command_may_be_typed_as_a_command)
{
	struct vfio_region_info info;
	uint32_t value = 7;

	ASSERT_EQ(0, testdev_cmd(&shared, "answer-posted 1"));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", ENXIO));
	EXPECT_EQ(-EIO, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail reset %d 1", EPERM));
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, region_get(self->dev.device, BAR(0), TESTDEV_REG_ID,
				&value, 4));
	EXPECT_EQ(TESTDEV_ID, value);
	EXPECT_EQ(0, region_info(self->dev.device, BAR(0), &info));
}

/* An error typed as a command must still be the reply to a waiting command. */
static void expect_violation(struct __test_metadata *_metadata, const char *hex)
{
	struct vfio_dev dev;
	struct testdev td;

	ASSERT_EQ(0, testdev_start(&td, NULL));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, mdev_wait(td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(0, testdev_cmd(&td, "raw %s", hex));
	EXPECT_EQ(0, mdev_wait_lost(td.uuid, SOON_MS));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* The header of REGION_READ, id 0, flags 0x20: no command waits. */
TEST(error_typed_as_a_command_without_a_waiting_command_is_a_violation)
{
	expect_violation(_metadata, "0000090010000000"
				    "2000000016000000");
}

/* The same as the reply to a posted write that was not sent, id 0x8001. */
TEST(error_typed_as_a_command_for_an_unsent_posted_write_is_a_violation)
{
	expect_violation(_metadata, "01800a0010000000"
				    "2000000016000000");
}

/* Each posted write is answered at most once. */
TEST(reply_to_a_posted_write_that_was_not_sent_is_a_violation)
{
	/* Reply 0x8001 to REGION_WRITE: no data. */
	static const char reply[] = "01800a00"
				    "20000000"
				    "01000000"
				    "00000000"
				    "0010000000000000"
				    "00000000"
				    "04000000";
	uint32_t value = 7;
	struct vfio_dev dev;
	struct testdev td;

	ASSERT_EQ(0, testdev_start(&td, NULL));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, testdev_cmd(&td, "answer-posted 1"));
	EXPECT_EQ(0, region_put(dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, region_get(dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, mdev_wait(td.uuid, "state", "open", SOON_MS));
	/* The server has answered the only write already. */
	EXPECT_EQ(0, testdev_cmd(&td, "raw %s", reply));
	EXPECT_EQ(0, mdev_wait_lost(td.uuid, SOON_MS));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

SHARED_MAIN(NULL)
