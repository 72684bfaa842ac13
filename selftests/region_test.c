// SPDX-License-Identifier: GPL-2.0
/*
 * pread and pwrite of regions: each size, transfers that are split, and the
 * ends of regions.
 */
#include "lib/consumer.h"

CONSUMER_FIXTURE

#define MEM TESTDEV_REG_MEMORY

/* The messages into which one pread or pwrite is split. */
struct split_case {
	uint64_t off;
	size_t size;
	unsigned int nr;
	unsigned int sizes[8];
};

static const struct split_case split_cases[] = {
	{ MEM + 0, 1, 1, { 1 } },
	{ MEM + 3, 1, 1, { 1 } },
	{ MEM + 0, 2, 1, { 2 } },
	{ MEM + 1, 2, 2, { 1, 1 } },
	{ MEM + 0, 3, 2, { 2, 1 } },
	{ MEM + 1, 3, 2, { 1, 2 } },
	{ MEM + 0, 4, 1, { 4 } },
	{ MEM + 2, 4, 2, { 2, 2 } },
	{ MEM + 1, 4, 3, { 1, 2, 1 } },
	{ MEM + 0, 5, 2, { 4, 1 } },
	{ MEM + 0, 6, 2, { 4, 2 } },
	{ MEM + 0, 7, 3, { 4, 2, 1 } },
	{ MEM + 1, 7, 3, { 1, 2, 4 } },
	{ MEM + 0, 8, 1, { 8 } },
	{ MEM + 4, 8, 2, { 4, 4 } },
	{ MEM + 1, 8, 4, { 1, 2, 4, 1 } },
	{ MEM + 0, 15, 4, { 8, 4, 2, 1 } },
	{ MEM + 0, 16, 2, { 8, 8 } },
	{ MEM + 4, 16, 3, { 4, 8, 4 } },
	{ MEM + 1, 17, 5, { 1, 2, 4, 8, 2 } },
};

#define NR_SPLIT_CASES (sizeof(split_cases) / sizeof(split_cases[0]))

static void check_log(struct __test_metadata *_metadata,
		      const struct split_case *c)
{
	struct testdev_access acc;
	uint64_t off = c->off;
	unsigned int i;

	EXPECT_EQ(c->nr, testdev_log_count(&shared))
	TH_LOG("%zu bytes at 0x%llx", c->size, (unsigned long long)c->off);
	for (i = 0; i < c->nr; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		EXPECT_EQ(c->sizes[i], acc.size);
		EXPECT_EQ(off, acc.offset);
		EXPECT_EQ(0, acc.region);
		EXPECT_EQ('r', acc.dir);
		off += acc.size;
	}
}

TEST_F(consumer, read_is_split_into_aligned_messages)
{
	unsigned char want[32], got[32];
	const struct split_case *c;
	unsigned int i, k;

	for (k = 0; k < sizeof(want); k++)
		want[k] = 0xa0 + k;
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, want,
				sizeof(want)));
	/* A read comes after all posted writes. */
	ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, got, 1));
	for (i = 0; i < NR_SPLIT_CASES; i++) {
		c = &split_cases[i];
		ASSERT_EQ(0, testdev_log_clear(&shared));
		memset(got, 0, sizeof(got));
		ASSERT_EQ(0, region_get(self->dev.device, BAR(0), c->off, got,
					c->size));
		EXPECT_EQ(0, memcmp(want + c->off - MEM, got, c->size));
		check_log(_metadata, c);
	}
}

TEST_F(consumer, split_write_stores_all_bytes)
{
	unsigned char want[32], zero[32] = {}, got[32];
	const struct split_case *c;
	unsigned int i, k;

	for (i = 0; i < NR_SPLIT_CASES; i++) {
		c = &split_cases[i];
		for (k = 0; k < sizeof(want); k++)
			want[k] = i + 3 * k;
		ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, zero,
					sizeof(zero)));
		ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, got, 1));
		ASSERT_EQ(0, testdev_log_clear(&shared));
		ASSERT_EQ(0, region_put(self->dev.device, BAR(0), c->off, want,
					c->size));
		/* The read comes after all of the writes. */
		ASSERT_EQ(0, testdev_cmd(&shared, "log-stop"));
		ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, got,
					sizeof(got)));
		EXPECT_EQ(0, memcmp(want, got + c->off - MEM, c->size));
	}
}

/* Posted writes may still be in flight: a read of the ID waits for them. */
TEST_F(consumer, write_is_split_into_aligned_messages)
{
	unsigned char data[32] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct testdev_access acc;
	unsigned int i, k;
	uint32_t id;

	for (i = 0; i < NR_SPLIT_CASES; i++) {
		const struct split_case *c = &split_cases[i];

		ASSERT_EQ(0, testdev_log_clear(&shared));
		ASSERT_EQ(0, region_put(self->dev.device, BAR(0), c->off, data,
					c->size));
		ASSERT_EQ(0, region_get(self->dev.device, BAR(0),
					TESTDEV_REG_ID, &id, 4));
		EXPECT_EQ(c->nr + 1, testdev_log_count(&shared));
		for (k = 0; k < c->nr; k++) {
			ASSERT_EQ(0, testdev_log_get(&shared, k, &acc));
			EXPECT_EQ(c->sizes[k], acc.size);
			EXPECT_EQ('p', acc.dir);
		}
	}
}

/* A message has at most 4 bytes, and each write waits for its reply. */
TEST_F(consumer, config_access_is_split_to_4_bytes)
{
	struct testdev_access acc;
	uint8_t buf[16] = {};
	unsigned int i;

	ASSERT_EQ(0, testdev_log_clear(&shared));
	ASSERT_EQ(0, region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				0, buf, 16));
	ASSERT_EQ(4, testdev_log_count(&shared));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		EXPECT_EQ(4, acc.size);
		EXPECT_EQ(VFIO_PCI_CONFIG_REGION_INDEX, acc.region);
	}
	EXPECT_EQ(TESTDEV_VENDOR_ID, buf[0] | buf[1] << 8);
	EXPECT_EQ(TESTDEV_DEVICE_ID, buf[2] | buf[3] << 8);

	ASSERT_EQ(0, testdev_log_clear(&shared));
	memset(buf, 0, sizeof(buf));
	ASSERT_EQ(0, region_put(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				0x800, buf, 8));
	ASSERT_EQ(2, testdev_log_count(&shared));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		EXPECT_EQ('w', acc.dir);
		EXPECT_EQ(4, acc.size);
	}
}

TEST_F(consumer, config_is_accessible_by_bytes)
{
	uint8_t one = 0;
	uint16_t two = 0;

	ASSERT_EQ(0, region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				1, &one, 1));
	EXPECT_EQ(TESTDEV_VENDOR_ID >> 8, one);
	ASSERT_EQ(0, region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				2, &two, 2));
	EXPECT_EQ(TESTDEV_DEVICE_ID, two);
	two = 0x0004;
	ASSERT_EQ(0, region_put(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				4, &two, 2));
	two = 0;
	ASSERT_EQ(0, region_get(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				4, &two, 2));
	EXPECT_EQ(0x0004, two);
}

/*
 * Writes to regions with shared areas or ioeventfds wait for the reply, to keep
 * the order.
 */
TEST_F(consumer, write_to_a_mixed_region_waits)
{
	struct testdev_access acc;
	uint32_t value = 0x600d;

	ASSERT_EQ(0, testdev_log_clear(&shared));
	ASSERT_EQ(0, region_put(self->dev.device, BAR(2), 0x10, &value, 4));
	ASSERT_EQ(1, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ('w', acc.dir);
	EXPECT_EQ(value, acc.value);
}

TEST_F(consumer, transfers_end_at_the_end_of_the_region)
{
	uint64_t base = region_offset(self->dev.device, BAR(0));
	unsigned char buf[16] = {};
	int device = self->dev.device;

	/* Up to the end, across the end, past the end. */
	EXPECT_EQ(8, pread(device, buf, 8, base + TESTDEV_BAR0_SIZE - 8));
	EXPECT_EQ(8, pread(device, buf, 16, base + TESTDEV_BAR0_SIZE - 8));
	EXPECT_EQ(1, pwrite(device, buf, 16, base + TESTDEV_BAR0_SIZE - 1));
	EXPECT_EQ(-1, pread(device, buf, 1, base + TESTDEV_BAR0_SIZE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(device, buf, 1, base + TESTDEV_BAR0_SIZE));
	EXPECT_EQ(EINVAL, errno);
	/* A region of size 0. */
	base = region_offset(device, VFIO_PCI_VGA_REGION_INDEX);
	EXPECT_EQ(-1, pread(device, buf, 4, base));
	EXPECT_EQ(EINVAL, errno);
	/* Past every region. */
	EXPECT_EQ(-1, pread(device, buf, 4, 0x7fULL << 40));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(consumer, transfer_of_no_bytes_succeeds_anywhere)
{
	int device = self->dev.device;
	char byte;

	EXPECT_EQ(0, pread(device, &byte, 0, 0));
	EXPECT_EQ(0, pread(device, &byte, 0,
			   region_offset(device, VFIO_PCI_VGA_REGION_INDEX)));
	EXPECT_EQ(0, pwrite(device, &byte, 0,
			    region_offset(device, VFIO_PCI_ROM_REGION_INDEX)));
	EXPECT_EQ(0, pread(device, &byte, 0, 0x7fULL << 40));
}

/* Consumers read configuration space in one piece or know that they cannot. */
TEST_F(consumer, transfer_across_the_end_of_configuration_space_is_refused)
{
	uint64_t base =
		region_offset(self->dev.device, VFIO_PCI_CONFIG_REGION_INDEX);
	unsigned char buf[16] = {};
	int device = self->dev.device;

	EXPECT_EQ(8, pread(device, buf, 8, base + TESTDEV_CONFIG_SIZE - 8));
	EXPECT_EQ(-1, pread(device, buf, 9, base + TESTDEV_CONFIG_SIZE - 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(device, buf, 9, base + TESTDEV_CONFIG_SIZE - 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(device, buf, 1, base + TESTDEV_CONFIG_SIZE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(device, buf, 1, base + TESTDEV_CONFIG_SIZE));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(consumer, rom_is_read_only)
{
	uint32_t sig = 0;
	int ret;

	ASSERT_EQ(0, region_get(self->dev.device, VFIO_PCI_ROM_REGION_INDEX, 0,
				&sig, 4));
	EXPECT_EQ(0xaa55, sig & 0xffff);
	ret = region_put(self->dev.device, VFIO_PCI_ROM_REGION_INDEX, 0, &sig,
			 4);
	EXPECT_EQ(-EINVAL, ret);
}

TEST_F(consumer, region_without_areas_keeps_its_value)
{
	uint64_t want = 0x1122334455667788, got = 0;

	ASSERT_EQ(0, region_put(self->dev.device, BAR(5), 0x100, &want, 8));
	ASSERT_EQ(0, region_get(self->dev.device, BAR(5), 0x100, &got, 8));
	EXPECT_EQ(want, got);
}

/* pread and pwrite of a shared area access the server's memory, too. */
TEST_F(consumer, pread_and_pwrite_reach_a_shared_area)
{
	uint32_t want = 0xfeedf00d, got = 0;

	ASSERT_EQ(0, testdev_cmd(&shared, "poke 2 0x%x 4 0x%x",
				 TESTDEV_AREA0_OFFSET + 0x20, want));
	ASSERT_EQ(0, region_get(self->dev.device, BAR(2),
				TESTDEV_AREA0_OFFSET + 0x20, &got, 4));
	EXPECT_EQ(want, got);
	want = 0x12345678;
	ASSERT_EQ(0, region_put(self->dev.device, BAR(2),
				TESTDEV_AREA1_OFFSET + 0x40, &want, 4));
	EXPECT_EQ(want, testdev_num(&shared, "peek 2 0x%x 4",
				    TESTDEV_AREA1_OFFSET + 0x40));
}

TEST_F(consumer, transfer_with_an_inaccessible_buffer_fails)
{
	uint64_t base = region_offset(self->dev.device, BAR(0));
	void *bad = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_NE(MAP_FAILED, bad);
	EXPECT_EQ(-1, pread(self->dev.device, bad, 4, base));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(self->dev.device, bad, 4, base));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(consumer, transfer_that_fails_half_way_returns_the_error)
{
	uint64_t base = region_offset(self->dev.device, BAR(0));
	char *two = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int device = self->dev.device;

	ASSERT_NE(MAP_FAILED, two);
	ASSERT_EQ(0, munmap(two + 0x1000, 0x1000));
	EXPECT_EQ(-1, pread(device, two + 0xff8, 16, base + MEM));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pwrite(device, two + 0xff8, 16, base + MEM));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(consumer, error_of_the_server_is_eio)
{
	uint32_t value = 0;

	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", EIO));
	EXPECT_EQ(-EIO, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", EPERM));
	EXPECT_EQ(-EIO, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", EINTR));
	EXPECT_EQ(-EIO, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	/*
	 * A write that waits for its reply returns the error; a posted one
	 * cannot.
	 */
	ASSERT_EQ(0, testdev_cmd(&shared, "fail write %d 1", EIO));
	EXPECT_EQ(-EIO, region_put(self->dev.device, BAR(2), 0, &value, 4));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail write %d 1", EIO));
	EXPECT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, region_get(self->dev.device, BAR(0), MEM, &value, 4));
}

/* The transfer is longer than the longest message. */
TEST_F(consumer, long_transfer_is_split_into_messages)
{
	size_t size = TESTDEV_BAR0_SIZE - MEM;
	unsigned char *want = malloc(size), *got = calloc(1, size);
	size_t i;

	ASSERT_NE(NULL, want);
	ASSERT_NE(NULL, got);
	for (i = 0; i < size; i++)
		want[i] = i * 7 + (i >> 8);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, want, size));
	ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, got, size));
	EXPECT_EQ(0, memcmp(want, got, size));
	free(want);
	free(got);
}

SHARED_MAIN(NULL)
