// SPDX-License-Identifier: GPL-2.0
/*
 * Ioeventfds: a store that matches signals an eventfd, any other store is a
 * write to the server.
 */
#include "lib/consumer.h"

#define BAR3 (TESTDEV_BAR3_SIZE)

FIXTURE(consumer)
{
	struct vfio_dev dev;
	volatile unsigned char *bar;
};

/* Each store is made by pwrite, then by a trapped store to a mapping. */
FIXTURE_VARIANT(consumer)
{
	int trapped;
};

FIXTURE_VARIANT_ADD(consumer, pwrite) {
	.trapped = 0,
};

FIXTURE_VARIANT_ADD(consumer, store) {
	.trapped = 1,
};

FIXTURE_SETUP(consumer)
{
	int i;

	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->dev.device, BAR(3), 0, BAR3,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	for (i = 0; i < TESTDEV_NR_DOORBELLS; i++)
		testdev_num(&shared, "doorbell %d 0", i);
}

FIXTURE_TEARDOWN(consumer)
{
	munmap((void *)self->bar, BAR3);
	vfio_dev_close(&self->dev);
}

static int put(FIXTURE_DATA(consumer) *self, int trapped, uint64_t off,
	       uint64_t value, unsigned int size)
{
	volatile void *p = self->bar + off;

	if (!trapped)
		return region_put(self->dev.device, BAR(3), off, &value, size);
	switch (size) {
	case 1:
		*(volatile uint8_t *)p = value;
		return 0;
	case 2:
		*(volatile uint16_t *)p = value;
		return 0;
	case 4:
		*(volatile uint32_t *)p = value;
		return 0;
	default:
		*(volatile uint64_t *)p = value;
		return 0;
	}
}

#define PUT(off, value, size) \
	ASSERT_EQ(0, put(self, variant->trapped, off, value, size))
#define SIGNALS(nr) testdev_num(&shared, "doorbell %d %d", nr, SOON_MS / 2)
#define QUIET(nr)   EXPECT_EQ(0, testdev_num(&shared, "doorbell %d 0", nr))

TEST_F(consumer, store_of_any_value_signals_the_eventfd)
{
	PUT(TESTDEV_DB_ANY, 0, 4);
	EXPECT_EQ(1, SIGNALS(0));
	PUT(TESTDEV_DB_ANY, 0xffffffff, 4);
	EXPECT_EQ(1, SIGNALS(0));
	/* Nothing was sent to the server. */
	EXPECT_EQ(0, testdev_log_count(&shared));
}

TEST_F(consumer, each_store_is_counted)
{
	int i;

	for (i = 0; i < 100; i++)
		PUT(TESTDEV_DB_ANY, i, 4);
	EXPECT_EQ(100, SIGNALS(0));
	EXPECT_EQ(0, testdev_log_count(&shared));
}

TEST_F(consumer, store_of_another_size_is_a_write)
{
	struct testdev_access acc;

	PUT(TESTDEV_DB_ANY, 0x5a, 2);
	QUIET(0);
	ASSERT_EQ(1, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ(3, acc.region);
	EXPECT_EQ(2, acc.size);
	EXPECT_EQ(0x5a, acc.value);
	/* This region has ioeventfds, so the write waits for its reply. */
	EXPECT_EQ('w', acc.dir);
}

TEST_F(consumer, store_at_another_offset_is_a_write)
{
	PUT(TESTDEV_DB_ANY + 4, 1, 4);
	PUT(TESTDEV_DB_MEMORY, 1, 4);
	QUIET(0);
	EXPECT_EQ(2, testdev_log_count(&shared));
}

TEST_F(consumer, datamatch_selects_the_eventfd)
{
	struct testdev_access acc;

	PUT(TESTDEV_DB_MATCH, TESTDEV_DB_MATCH1, 2);
	EXPECT_EQ(1, SIGNALS(1));
	QUIET(2);
	PUT(TESTDEV_DB_MATCH, TESTDEV_DB_MATCH2, 2);
	EXPECT_EQ(1, SIGNALS(2));
	QUIET(1);
	EXPECT_EQ(0, testdev_log_count(&shared));
	PUT(TESTDEV_DB_MATCH, TESTDEV_DB_MATCH1 + 1, 2);
	QUIET(1);
	QUIET(2);
	ASSERT_EQ(1, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ(TESTDEV_DB_MATCH1 + 1, acc.value);
	/* The value matches, the size does not. */
	PUT(TESTDEV_DB_MATCH, TESTDEV_DB_MATCH1, 4);
	QUIET(1);
	EXPECT_EQ(2, testdev_log_count(&shared));
}

TEST_F(consumer, size_0_matches_each_store)
{
	unsigned int size;

	for (size = 1; size <= 8; size *= 2) {
		/*
		 * pwrite splits by alignment; this offset is aligned to 8
		 * bytes.
		 */
		PUT(TESTDEV_DB_ANYSIZE, size, size);
		EXPECT_EQ(1, SIGNALS(3)) TH_LOG("%u bytes", size);
	}
	EXPECT_EQ(0, testdev_log_count(&shared));
}

TEST_F(consumer, store_of_eight_bytes_signals_the_eventfd)
{
	PUT(TESTDEV_DB_WIDE, 0x123456789, 8);
	EXPECT_EQ(1, SIGNALS(4));
	PUT(TESTDEV_DB_WIDE, 1, 4);
	QUIET(4);
	EXPECT_EQ(1, testdev_log_count(&shared));
}

TEST_F(consumer, reads_reach_the_server)
{
	uint32_t value = 0;

	ASSERT_EQ(0,
		  testdev_cmd(&shared, "poke 3 0x%x 4 0x1234", TESTDEV_DB_ANY));
	ASSERT_EQ(0, region_get(self->dev.device, BAR(3), TESTDEV_DB_ANY,
				&value, 4));
	EXPECT_EQ(0x1234, value);
	EXPECT_EQ(0x1234, *(volatile uint32_t *)(self->bar + TESTDEV_DB_ANY));
	QUIET(0);
}

/* A store before the doorbell is complete when the doorbell is signalled. */
TEST_F(consumer, stores_before_a_doorbell_are_complete)
{
	unsigned int i;

	for (i = 1; i <= 50; i++) {
		PUT(TESTDEV_DB_MEMORY, i, 4);
		PUT(TESTDEV_DB_ANY, i, 4);
		ASSERT_EQ(1, SIGNALS(0));
		ASSERT_EQ(i, testdev_num(&shared, "peek 3 0x%x 4",
					 TESTDEV_DB_MEMORY));
	}
}

/* Without ioeventfds, the same stores are writes. */
TEST(server_without_ioeventfds_gets_writes)
{
	static const char *const args[] = { "--no-io-fds", NULL };
	struct vfio_dev dev;
	struct testdev td;
	uint32_t value = 1;

	ASSERT_EQ(0, testdev_start(&td, args));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, testdev_log_clear(&td));
	EXPECT_EQ(0, region_put(dev.device, BAR(3), TESTDEV_DB_ANY, &value, 4));
	EXPECT_EQ(0, region_get(dev.device, BAR(3), TESTDEV_DB_ANY, &value, 4));
	EXPECT_EQ(2, testdev_log_count(&td));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* The first ioeventfd of the region has shadow memory, which vuser does not use. */
TEST(ioeventfds_in_the_layout_of_libvfio_user_are_signalled)
{
	static const char *const args[] = { "--shadow-io-fds", NULL };
	const uint16_t match = TESTDEV_DB_MATCH1, other = 0;
	struct testdev_access acc;
	struct vfio_dev dev;
	struct testdev td;
	uint32_t value = 1;

	ASSERT_EQ(0, testdev_start(&td, args));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, testdev_log_clear(&td));
	EXPECT_EQ(0,
		  region_put(dev.device, BAR(3), TESTDEV_DB_MATCH, &match, 2));
	EXPECT_EQ(1, testdev_num(&td, "doorbell 1 %d", SOON_MS / 2));
	EXPECT_EQ(0, testdev_log_count(&td));
	EXPECT_EQ(0,
		  region_put(dev.device, BAR(3), TESTDEV_DB_MATCH, &other, 2));
	EXPECT_EQ(0, testdev_num(&td, "doorbell 1 0"));
	EXPECT_EQ(0, testdev_num(&td, "doorbell 2 0"));
	EXPECT_EQ(1, testdev_log_count(&td));
	EXPECT_EQ(0, region_put(dev.device, BAR(3), TESTDEV_DB_ANY, &value, 4));
	EXPECT_EQ(0, testdev_num(&td, "doorbell 0 0"));
	ASSERT_EQ(2, testdev_log_count(&td));
	ASSERT_EQ(0, testdev_log_get(&td, 1, &acc));
	EXPECT_EQ(TESTDEV_DB_ANY, acc.offset);
	EXPECT_EQ(1, acc.value);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

SHARED_MAIN(NULL)
