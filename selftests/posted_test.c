// SPDX-License-Identifier: GPL-2.0
/*
 * Posted writes: they keep their order, precede a later read, and never delay
 * DMA.
 */
#include <pthread.h>
#include <signal.h>

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

SHARED_MAIN(NULL)
