// SPDX-License-Identifier: GPL-2.0
/* The common configuration, register by register. */
#include <errno.h>
#include <string.h>

#include "../../devices/vhost/virtio.h"
#include "../harness.h"

#define QUEUES	 3
#define VECTORS	 4
#define MAX_SIZE 256
#define FEATURES                                                            \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_RESET) | \
	 VIRTIO_BIT(5))

/* Actions that the registers requested. */
static struct {
	unsigned int resets;
	unsigned int starts;
	unsigned int queue_starts;
	unsigned int queue_stops;
	unsigned int vectors;
	unsigned int changes;
	uint16_t queue;
	int fail;
} seen;

static struct virtio v;

static void on_reset(void *ctx)
{
	(void)ctx;
	seen.resets++;
}

static int on_start(void *ctx)
{
	(void)ctx;
	seen.starts++;
	return seen.fail;
}

static int on_queue_start(void *ctx, uint16_t queue)
{
	(void)ctx;
	seen.queue_starts++;
	seen.queue = queue;
	return seen.fail;
}

static void on_queue_stop(void *ctx, uint16_t queue)
{
	(void)ctx;
	seen.queue_stops++;
	seen.queue = queue;
}

static void on_vector(void *ctx, uint16_t queue)
{
	(void)ctx;
	seen.vectors++;
	seen.queue = queue;
}

static void on_change(void *ctx)
{
	(void)ctx;
	seen.changes++;
}

static const struct virtio_ops ops = {
	.reset = on_reset,
	.start = on_start,
	.queue_start = on_queue_start,
	.queue_stop = on_queue_stop,
	.queue_vector = on_vector,
	.config_changed = on_change,
};

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	require(!virtio_init(&v, &ops, NULL, QUEUES, VECTORS, MAX_SIZE));
	v.offered = FEATURES;
}

static uint64_t rd(uint64_t offset, uint32_t count)
{
	uint64_t value = 0;

	virtio_read(&v, offset, &value, count);
	return value;
}

static void wr(uint64_t offset, uint32_t count, uint64_t value)
{
	virtio_write(&v, offset, &value, count);
}

static void select_queue(uint16_t queue)
{
	wr(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
}

static void accept(uint64_t features)
{
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	wr(VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	wr(VIRTIO_PCI_COMMON_GF, 4, features >> 32);
}

/* Run a driver up to DRIVER_OK. */
static void start_driver(void)
{
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 1);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	accept(FEATURES);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
}

static const struct {
	uint8_t offset;
	uint8_t size;
	uint64_t initial;
	/* The value after all ones were written. */
	uint64_t written;
} table[] = {
	{ VIRTIO_PCI_COMMON_DFSELECT, 4, 0, 0xffffffff },
	{ VIRTIO_PCI_COMMON_DF, 4, (uint32_t)FEATURES, (uint32_t)FEATURES },
	{ VIRTIO_PCI_COMMON_GFSELECT, 4, 0, 0xffffffff },
	{ VIRTIO_PCI_COMMON_GF, 4, 0, 0xffffffff },
	{ VIRTIO_PCI_COMMON_MSIX, 2, 0xffff, 0xffff },
	{ VIRTIO_PCI_COMMON_NUMQ, 2, QUEUES, QUEUES },
	/* Without features: neither FEATURES_OK nor bits that depend on it. */
	{ VIRTIO_PCI_COMMON_STATUS, 1, 0, 0xb3 },
	{ VIRTIO_PCI_COMMON_CFGGENERATION, 1, 0, 0 },
	{ VIRTIO_PCI_COMMON_Q_SELECT, 2, 0, 0xffff },
	{ VIRTIO_PCI_COMMON_Q_SIZE, 2, MAX_SIZE, MAX_SIZE },
	{ VIRTIO_PCI_COMMON_Q_MSIX, 2, 0xffff, 0xffff },
	/* Writing 1 is the only value with an effect on these two. */
	{ VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0, 0 },
	{ VIRTIO_PCI_COMMON_Q_NOFF, 2, 0, 0 },
	{ VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0, UINT64_MAX },
	{ VIRTIO_PCI_COMMON_Q_AVAILLO, 8, 0, UINT64_MAX },
	{ VIRTIO_PCI_COMMON_Q_USEDLO, 8, 0, UINT64_MAX },
	{ VIRTIO_PCI_COMMON_Q_NDATA, 2, 0, 0 },
	{ VIRTIO_PCI_COMMON_Q_RESET, 2, 0, 0 },
};

#define NR_TABLE (sizeof(table) / sizeof(table[0]))

TEST(registers_have_their_initial_values)
{
	size_t i;

	setup();
	for (i = 0; i < NR_TABLE; i++)
		check_eq(rd(table[i].offset, table[i].size), table[i].initial);
	virtio_fini(&v);
}

TEST(register_written_at_its_width_keeps_its_writable_bits)
{
	size_t i;

	for (i = 0; i < NR_TABLE; i++) {
		setup();
		wr(table[i].offset, table[i].size, UINT64_MAX);
		check_eq(rd(table[i].offset, table[i].size), table[i].written);
		virtio_fini(&v);
	}
}

/* Other widths have no effect, except for halves of 64-bit registers. */
TEST(register_written_at_another_width_is_unchanged)
{
	uint32_t width;
	size_t i;

	for (i = 0; i < NR_TABLE; i++) {
		for (width = 1; width <= 8; width *= 2) {
			if (width == table[i].size ||
			    (table[i].size == 8 && width == 4))
				continue;
			setup();
			wr(table[i].offset, width, UINT64_MAX);
			check_eq(rd(table[i].offset, table[i].size),
				 table[i].initial);
			check_eq(seen.resets, 0);
			virtio_fini(&v);
		}
	}
}

TEST(registers_are_read_at_each_width_and_offset)
{
	uint8_t all[VIRTIO_COMMON_SIZE], part[8];
	uint32_t offset, width;

	setup();
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1122334455667788);
	virtio_read(&v, 0, all, sizeof(all));
	for (width = 1; width <= 8; width *= 2) {
		for (offset = 0; offset + width <= sizeof(all); offset++) {
			virtio_read(&v, offset, part, width);
			check(!memcmp(part, all + offset, width));
		}
	}
	/* After the end reads return 0. */
	check_eq(rd(VIRTIO_COMMON_SIZE, 8), 0);
	check_eq(rd(VIRTIO_COMMON_SIZE - 2, 8), 0);
	check_eq(rd(0xffe, 4), 0);
	virtio_fini(&v);
}

TEST(halves_of_addresses_are_written_separately)
{
	static const uint8_t regs[] = { VIRTIO_PCI_COMMON_Q_DESCLO,
					VIRTIO_PCI_COMMON_Q_AVAILLO,
					VIRTIO_PCI_COMMON_Q_USEDLO };
	unsigned int i;

	setup();
	for (i = 0; i < 3; i++) {
		wr(regs[i], 4, 0x55667788);
		check_eq(rd(regs[i], 8), 0x55667788);
		wr(regs[i] + 4, 4, 0x11223344);
		check_eq(rd(regs[i], 8), 0x1122334455667788);
		/* A write across the middle has no effect. */
		wr(regs[i] + 2, 4, 0);
		check_eq(rd(regs[i], 8), 0x1122334455667788);
	}
	check_eq(v.queues[0].desc, 0x1122334455667788);
	check_eq(v.queues[0].driver, 0x1122334455667788);
	check_eq(v.queues[0].device, 0x1122334455667788);
	virtio_fini(&v);
}

TEST(registers_of_nonexistent_queues_read_as_0)
{
	size_t i;

	setup();
	for (i = QUEUES; i <= 0xffff; i += 0x7ffe) {
		select_queue(i);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_NOFF, 2), 0);
		wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
		wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1000);
		wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
		wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		wr(VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	}
	for (i = 0; i < QUEUES; i++) {
		select_queue(i);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), MAX_SIZE);
		check_eq(rd(VIRTIO_PCI_COMMON_Q_NOFF, 2), i);
	}
	virtio_fini(&v);
}

TEST(queue_size_changes_within_limits_and_before_enable)
{
	setup();
	select_queue(1);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	/* Zero and too large values are ignored. */
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 0);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, MAX_SIZE + 1);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	/* The size cannot change while the queue is enabled. */
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	wr(VIRTIO_PCI_COMMON_Q_SIZE, 2, 32);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1000);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	virtio_fini(&v);
}

TEST(features_have_two_pages_of_32_bits)
{
	setup();
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_DF, 4), FEATURES >> 32);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	check_eq(rd(VIRTIO_PCI_COMMON_DF, 4), 0);
	wr(VIRTIO_PCI_COMMON_DFSELECT, 4, UINT32_MAX);
	check_eq(rd(VIRTIO_PCI_COMMON_DF, 4), 0);
	accept(0x1234567890abcdef);
	check_eq(v.accepted, 0x1234567890abcdef);
	check_eq(rd(VIRTIO_PCI_COMMON_GF, 4), 0x12345678);
	/* Other pages hold nothing. */
	wr(VIRTIO_PCI_COMMON_GFSELECT, 4, 2);
	wr(VIRTIO_PCI_COMMON_GF, 4, UINT32_MAX);
	check_eq(rd(VIRTIO_PCI_COMMON_GF, 4), 0);
	check_eq(v.accepted, 0x1234567890abcdef);
	virtio_fini(&v);
}

TEST(features_ok_needs_offered_features_and_version_1)
{
	setup();
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	accept(FEATURES | VIRTIO_BIT(6));
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	/* A legacy driver does not accept version 1. */
	accept(FEATURES & ~VIRTIO_BIT(VIRTIO_F_VERSION_1));
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	/* The driver continues anyway, without effect. */
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	check_eq(seen.starts, 0);
	accept(FEATURES);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0xb);
	/* After FEATURES_OK the features are fixed. */
	accept(0);
	check_eq(v.accepted, FEATURES);
	virtio_fini(&v);
}

TEST(status_starts_the_device_and_0_resets_it)
{
	setup();
	wr(VIRTIO_PCI_COMMON_MSIX, 2, 2);
	select_queue(2);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1000);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	check_eq(seen.queue_starts, 0);
	start_driver();
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	check_eq(seen.starts, 1);
	/* Writing the same status again does nothing. */
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(seen.starts, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_MSIX, 2), 2);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(seen.resets, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
	select_queue(2);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
	virtio_fini(&v);
}

TEST(vectors_beyond_the_last_one_read_back_as_no_vector)
{
	setup();
	start_driver();
	select_queue(1);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, VECTORS - 1);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), VECTORS - 1);
	check_eq(seen.vectors, 0);
	/* A nonexistent vector is not accepted. */
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, VECTORS);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
	wr(VIRTIO_PCI_COMMON_MSIX, 2, VECTORS);
	check_eq(rd(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	wr(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	check_eq(seen.vectors, 1);
	check_eq(seen.queue, 1);
	virtio_fini(&v);
}

TEST(queue_is_started_and_reset_while_running)
{
	setup();
	start_driver();
	select_queue(1);
	wr(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1000);
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	check_eq(seen.queue_starts, 1);
	check_eq(seen.queue, 1);
	wr(VIRTIO_PCI_COMMON_Q_RESET, 2, 0);
	check_eq(seen.queue_stops, 0);
	wr(VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	check_eq(seen.queue_stops, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	/* The queue can be enabled again. */
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	check_eq(seen.queue_starts, 2);
	virtio_fini(&v);
}

TEST(queue_reset_without_its_feature_has_no_effect)
{
	setup();
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	accept(VIRTIO_BIT(VIRTIO_F_VERSION_1));
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(seen.starts, 1);
	wr(VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	check_eq(seen.queue_stops, 0);
	check_eq(rd(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	virtio_fini(&v);
}

TEST(failed_start_sets_needs_reset_until_reset)
{
	setup();
	seen.fail = -EIO;
	start_driver();
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0x4f);
	check_eq(seen.changes, 1);
	/* It is reported once, and the driver cannot clear it. */
	virtio_need_reset(&v);
	check_eq(seen.changes, 1);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0x4f);
	/* The driver cannot set the bit. */
	seen.fail = 0;
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 0x41);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 1);
	start_driver();
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	/* A queue that fails to start while the device runs. */
	seen.fail = -EIO;
	wr(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0x4f);
	check_eq(seen.changes, 2);
	virtio_fini(&v);
}

TEST(needs_reset_before_driver_ok_is_not_reported)
{
	setup();
	wr(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	virtio_need_reset(&v);
	check_eq(rd(VIRTIO_PCI_COMMON_STATUS, 1), 0x43);
	check_eq(seen.changes, 0);
	virtio_fini(&v);
}

TEST(config_generation_is_read_only_and_survives_reset)
{
	setup();
	v.generation = 255;
	check_eq(rd(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 255);
	v.generation++;
	check_eq(rd(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 0);
	/* Only the device changes it; a reset does not. */
	v.generation = 7;
	wr(VIRTIO_PCI_COMMON_CFGGENERATION, 1, 1);
	virtio_reset(&v);
	check_eq(rd(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 7);
	virtio_fini(&v);
}

TEST(virtio_init_with_invalid_sizes_fails)
{
	check_eq(virtio_init(&v, &ops, NULL, 0, 1, 256), -EINVAL);
	check_eq(virtio_init(&v, &ops, NULL, 1, 1, 0), -EINVAL);
	check_eq(virtio_init(&v, &ops, NULL, 1, 1, 96), -EINVAL);
	check_eq(virtio_init(&v, &ops, NULL, 1, 1, 65535), -EINVAL);
}
