// SPDX-License-Identifier: GPL-2.0
/* Commands of fixed size, and commands with data. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "../harness.h"

/*
 * Copy a payload to memory of exactly its size, so that ASan sees a decoder
 * that reads beyond it.
 */
static void *exactly(const void *data, size_t have, size_t len)
{
	char *copy = calloc(1, len ? len : 1);

	if (len)
		memcpy(copy, data, have < len ? have : len);
	return copy;
}

/*
 * Decode @_len bytes of @_data, padded with zeroes, by decoder(buf, len, ...).
 */
#define try_len(decoder, _data, _have, _len, ...)                \
	({                                                       \
		void *_copy = exactly(_data, _have, _len);       \
		long _ret = decoder(_copy, _len, ##__VA_ARGS__); \
		free(_copy);                                     \
		_ret;                                            \
	})

/* Check that the decoder accepts the exact length only. */
#define check_exact(decoder, data, size, ...)                     \
	do {                                                      \
		size_t _i;                                        \
		for (_i = 0; _i < (size) + 64; _i++)              \
			check_eq(try_len(decoder, data, size, _i, \
					 ##__VA_ARGS__),          \
				 _i == (size) ? 0 : -EMSGSIZE);   \
	} while (0)

TEST(header_is_accepted_if_size_and_type_are_valid)
{
	struct vfio_user_header hdr = { 7, VFIO_USER_REGION_READ, 32, 0, 0 };
	struct vfio_user_header out;
	uint32_t type;

	check_eq(vuser_decode_header(&hdr, 32, &out), 0);
	check(!memcmp(&hdr, &out, sizeof(hdr)));
	check_eq(vuser_decode_header(&hdr, 31, &out), -EMSGSIZE);
	hdr.msg_size = 16;
	check_eq(vuser_decode_header(&hdr, 32, &out), 0);
	hdr.msg_size = 15;
	check_eq(vuser_decode_header(&hdr, 32, &out), -EINVAL);
	hdr.msg_size = 0;
	check_eq(vuser_decode_header(&hdr, 32, &out), -EINVAL);
	hdr.msg_size = UINT32_MAX;
	check_eq(vuser_decode_header(&hdr, 32, &out), -EMSGSIZE);
	hdr.msg_size = 16;
	for (type = 0; type < 16; type++) {
		hdr.flags = type;
		check_eq(vuser_decode_header(&hdr, 32, &out),
			 type < 2 ? 0 : -EINVAL);
	}
	hdr.flags = ~VFIO_USER_FLAGS_TYPE_MASK;
	check_eq(vuser_decode_header(&hdr, 32, &out), 0);
}

TEST(unknown_commands_have_the_name_question_mark)
{
	check(!strcmp(vuser_command_name(VFIO_USER_VERSION), "VERSION"));
	check(!strcmp(vuser_command_name(VFIO_USER_MIG_DATA_WRITE),
		      "MIG_DATA_WRITE"));
	check(!strcmp(vuser_command_name(0), "?"));
	check(!strcmp(vuser_command_name(14), "?"));
	check(!strcmp(vuser_command_name(19), "?"));
	check(!strcmp(vuser_command_name(UINT16_MAX), "?"));
}

TEST(dma_map_is_decoded_as_encoded)
{
	struct vfio_user_dma_map map, out;

	check_eq(vuser_encode_dma_map(&map, sizeof(map), 0x1000, 0x2000, 0x3000,
				      VFIO_USER_DMA_MAP_READ),
		 sizeof(map));
	check_eq(vuser_encode_dma_map(&map, sizeof(map) - 1, 0x1000, 0x2000,
				      0x3000, VFIO_USER_DMA_MAP_READ),
		 -ENOBUFS);
	check_eq(map.argsz, 32);
	check_eq(map.flags, 1);
	check_eq(map.offset, 0x3000);
	check_eq(map.address, 0x1000);
	check_eq(map.size, 0x2000);
	check_exact(vuser_decode_dma_map, &map, sizeof(map), &out);
	check_eq(vuser_decode_dma_map(&map, sizeof(map), &out), 0);
	check(!memcmp(&map, &out, sizeof(map)));
}

TEST(dma_map_with_invalid_fields_is_rejected)
{
	struct vfio_user_dma_map map, good, out;

	vuser_encode_dma_map(&good, sizeof(good), 0x1000, 0x2000, 0x3000, 3);
#define bad(field, value)                 \
	(map = good, map.field = (value), \
	 vuser_decode_dma_map(&map, sizeof(map), &out))
	check_eq(bad(argsz, 31), -EINVAL);
	check_eq(bad(argsz, 0), -EINVAL);
	check_eq(bad(argsz, 33), 0);
	check_eq(bad(flags, 4), -EINVAL);
	check_eq(bad(flags, 1u << 31), -EINVAL);
	check_eq(bad(flags, 0), 0);
	check_eq(bad(size, 0), -EINVAL);
	check_eq(bad(address, UINT64_MAX - 0x1fff), 0);
	check_eq(bad(address, UINT64_MAX - 0x1ffe), -EINVAL);
	check_eq(bad(offset, UINT64_MAX - 0x1fff), 0);
	check_eq(bad(offset, UINT64_MAX - 0x1ffe), -EINVAL);
	check_eq(bad(size, UINT64_MAX), -EINVAL);
#undef bad
}

TEST(dma_unmap_with_invalid_fields_is_rejected)
{
	struct vfio_user_dma_unmap unmap, good, out;

	check_eq(vuser_encode_dma_unmap(&good, sizeof(good), 0x1000, 0x2000),
		 sizeof(good));
	check_eq(vuser_encode_dma_unmap(&good, sizeof(good) - 1, 0, 1),
		 -ENOBUFS);
	check_exact(vuser_decode_dma_unmap, &good, sizeof(good), &out);
	check_eq(good.argsz, 24);
#define bad(field, value)                     \
	(unmap = good, unmap.field = (value), \
	 vuser_decode_dma_unmap(&unmap, sizeof(unmap), &out))
	check_eq(bad(argsz, 23), -EINVAL);
	check_eq(bad(flags, 1), -EINVAL);
	check_eq(bad(flags, 4), -EINVAL);
	check_eq(bad(size, 0), -EINVAL);
	check_eq(bad(size, UINT64_MAX), -EINVAL);
	check_eq(bad(address, UINT64_MAX), -EINVAL);
	/* UNMAP_ALL must have neither an address nor a size. */
	check_eq(bad(flags, VFIO_USER_DMA_UNMAP_ALL), -EINVAL);
	good.flags = VFIO_USER_DMA_UNMAP_ALL;
	good.address = 0;
	check_eq(bad(size, 1), -EINVAL);
	check_eq(bad(size, 0), 0);
#undef bad
}

TEST(dma_unmap_reply_must_match_the_command)
{
	struct vfio_user_dma_unmap want, reply;
	size_t i;

	vuser_encode_dma_unmap(&want, sizeof(want), 0x1000, 0x2000);
	/* A reply without a payload is valid. */
	for (i = 0; i < 64; i++)
		check_eq(try_len(vuser_decode_dma_unmap_reply, &want,
				 sizeof(want), i, &want),
			 i == 0 || i == sizeof(want) ? 0 : -EMSGSIZE);
	reply = want;
	reply.address++;
	check_eq(vuser_decode_dma_unmap_reply(&reply, sizeof(reply), &want),
		 -EINVAL);
	reply = want;
	reply.size--;
	check_eq(vuser_decode_dma_unmap_reply(&reply, sizeof(reply), &want),
		 -EINVAL);
}

TEST(device_info_beyond_the_limits_is_rejected)
{
	struct vfio_user_device_info info, out;
	size_t i;

	check_eq(vuser_encode_device_info(&info, sizeof(info), 3, 9, 5),
		 sizeof(info));
	check_eq(vuser_encode_device_info(&info, sizeof(info) - 1, 3, 9, 5),
		 -ENOBUFS);
	check_exact(vuser_decode_device_info, &info, sizeof(info), &out);
	/* A later version's reply may be longer. */
	for (i = 0; i < 64; i++)
		check_eq(try_len(vuser_decode_device_info_reply, &info,
				 sizeof(info), i, &out),
			 i < sizeof(info) ? -EMSGSIZE : 0);
	check_eq(vuser_decode_device_info_reply(&info, sizeof(info), &out), 0);
	check_eq(out.flags, 3);
	check_eq(out.num_regions, 9);
	check_eq(out.num_irqs, 5);
	info.num_regions = VUSER_MAX_REGIONS;
	info.num_irqs = VUSER_MAX_IRQ_INDEXES;
	check_eq(vuser_decode_device_info_reply(&info, sizeof(info), &out), 0);
	info.num_regions++;
	check_eq(vuser_decode_device_info_reply(&info, sizeof(info), &out),
		 -EINVAL);
	info.num_regions--;
	info.num_irqs++;
	check_eq(vuser_decode_device_info_reply(&info, sizeof(info), &out),
		 -EINVAL);
	info.argsz = 15;
	check_eq(vuser_decode_device_info(&info, sizeof(info), &out), -EINVAL);
}

TEST(irq_info_for_another_index_or_beyond_the_limit_is_rejected)
{
	struct vfio_user_irq_info info, out;
	size_t i;

	check_eq(vuser_encode_irq_info(&info, sizeof(info), 2, 9, 8),
		 sizeof(info));
	check_eq(vuser_encode_irq_info(&info, sizeof(info) - 1, 2, 9, 8),
		 -ENOBUFS);
	check_exact(vuser_decode_irq_info, &info, sizeof(info), &out);
	for (i = 0; i < 64; i++)
		check_eq(try_len(vuser_decode_irq_info_reply, &info,
				 sizeof(info), i, 2, &out),
			 i < sizeof(info) ? -EMSGSIZE : 0);
	check_eq(vuser_decode_irq_info_reply(&info, sizeof(info), 1, &out),
		 -EINVAL);
	info.count = VUSER_MAX_IRQS;
	check_eq(vuser_decode_irq_info_reply(&info, sizeof(info), 2, &out), 0);
	info.count++;
	check_eq(vuser_decode_irq_info_reply(&info, sizeof(info), 2, &out),
		 -EINVAL);
	info.argsz = 15;
	check_eq(vuser_decode_irq_info(&info, sizeof(info), &out), -EINVAL);
}

TEST(irq_set_needs_one_data_type_and_one_action)
{
	struct vfio_user_irq_set set, out;
	const uint8_t *bools;
	uint32_t flags;

	/* Of 64 values, nine have one data type and one action. */
	for (flags = 0; flags < 128; flags++) {
		uint32_t data = flags & 7, action = flags >> 3 & 7;
		bool good = flags < 64 &&
			    (data == 1 || data == 2 || data == 4) &&
			    (action == 1 || action == 2 || action == 4);
		char buf[32] = { 0 };
		size_t len = sizeof(set) + (data == 2 ? 1 : 0);

		set = (struct vfio_user_irq_set) { .argsz = len,
						   .flags = flags,
						   .count = 1 };
		memcpy(buf, &set, sizeof(set));
		check_eq(try_len(vuser_decode_irq_set, buf, sizeof(buf), len, 0,
				 &out, &bools),
			 good ? 0 : -EINVAL);
		check_eq(vuser_encode_irq_set(buf, sizeof(buf), flags, 0, 0, 1,
					      (uint8_t *)""),
			 good ? (long)len : -EINVAL);
	}
}

TEST(irq_set_size_must_match_its_data)
{
	const uint8_t bools[3] = { 1, 0, 1 };
	struct vfio_user_irq_set out;
	const uint8_t *got;
	char buf[64];
	ssize_t len;
	size_t i;

	len = vuser_encode_irq_set(buf, sizeof(buf),
				   VFIO_IRQ_SET_DATA_NONE |
					   VFIO_IRQ_SET_ACTION_TRIGGER,
				   2, 0, 0, NULL);
	require(len == sizeof(out));
	check_exact(vuser_decode_irq_set, buf, (size_t)len, 0, &out, &got);
	check_eq(out.index, 2);

	len = vuser_encode_irq_set(buf, sizeof(buf),
				   VFIO_IRQ_SET_DATA_BOOL |
					   VFIO_IRQ_SET_ACTION_MASK,
				   0, 4, 3, bools);
	require(len == sizeof(out) + 3);
	for (i = 0; i < 48; i++)
		check_eq(try_len(vuser_decode_irq_set, buf, (size_t)len, i, 0,
				 &out, &got),
			 i == (size_t)len ? 0 : -EMSGSIZE);
	check_eq(vuser_decode_irq_set(buf, len, 0, &out, &got), 0);
	check_eq(out.start, 4);
	check_eq(out.count, 3);
	require(got);
	check(!memcmp(got, bools, 3));
	check_eq(vuser_encode_irq_set(buf, len - 1,
				      VFIO_IRQ_SET_DATA_BOOL |
					      VFIO_IRQ_SET_ACTION_MASK,
				      0, 4, 3, bools),
		 -ENOBUFS);
}

TEST(irq_set_with_invalid_fds_or_ranges_is_rejected)
{
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE |
			      VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t event = VFIO_IRQ_SET_DATA_EVENTFD |
			       VFIO_IRQ_SET_ACTION_TRIGGER;
	struct vfio_user_irq_set set, out;
	const uint8_t *bools;

#define decode(nr_fds, ...)                                       \
	(set = (struct vfio_user_irq_set) { .argsz = sizeof(set), \
					    __VA_ARGS__ },        \
	 vuser_decode_irq_set(&set, sizeof(set), nr_fds, &out, &bools))
	/* All fds or none, and only with the eventfd data type. */
	check_eq(decode(2, .flags = event, .count = 2), 0);
	check_eq(decode(0, .flags = event, .count = 2), 0);
	check_eq(decode(1, .flags = event, .count = 2), -EINVAL);
	check_eq(decode(3, .flags = event, .count = 2), -EINVAL);
	check_eq(decode(1, .flags = none, .count = 1), -EINVAL);
	/* Count 0 is valid only with DATA_NONE at start 0. */
	check_eq(decode(0, .flags = none), 0);
	check_eq(decode(0, .flags = none, .start = 1), -EINVAL);
	check_eq(decode(0, .flags = event), -EINVAL);
	/* Ranges that no device has. */
	check_eq(decode(0, .flags = none, .count = VUSER_MAX_IRQS), 0);
	check_eq(decode(0, .flags = none, .count = VUSER_MAX_IRQS + 1),
		 -EINVAL);
	check_eq(decode(0, .flags = none, .count = UINT32_MAX), -EINVAL);
	check_eq(decode(0, .flags = none, .count = 1, .start = UINT32_MAX),
		 -EINVAL);
#undef decode
	set = (struct vfio_user_irq_set) { .argsz = sizeof(set) - 1,
					   .flags = none,
					   .count = 1 };
	check_eq(vuser_decode_irq_set(&set, sizeof(set), 0, &out, &bools),
		 -EINVAL);
}

TEST(region_access_with_invalid_fields_is_rejected)
{
	struct vfio_user_region_access access, good, out;

	check_eq(vuser_encode_region_access(&good, sizeof(good), 2, 0x10, 4),
		 sizeof(good));
	check_eq(vuser_encode_region_access(&good, sizeof(good) - 1, 2, 0, 4),
		 -ENOBUFS);
	check_exact(vuser_decode_region_access, &good, sizeof(good), 4096,
		    &out);
#define bad(field, value)                       \
	(access = good, access.field = (value), \
	 vuser_decode_region_access(&access, sizeof(access), 4096, &out))
	check_eq(bad(count, 0), -EINVAL);
	check_eq(bad(count, 4096), 0);
	check_eq(bad(count, 4097), -EINVAL);
	check_eq(bad(count, UINT32_MAX), -EINVAL);
	check_eq(bad(offset, UINT64_MAX - 3), 0);
	check_eq(bad(offset, UINT64_MAX - 2), -EINVAL);
#undef bad
}

TEST(region_access_data_must_have_its_count)
{
	struct {
		struct vfio_user_region_access access;
		char data[8];
	} msg = { .data = "abcdefg" };
	struct vfio_user_region_access out;
	const void *data;

	vuser_encode_region_access(&msg.access, sizeof(msg.access), 2, 0x10, 8);
	check_exact(vuser_decode_region_access_data, &msg, sizeof(msg), 4096,
		    &out, &data);
	check_eq(vuser_decode_region_access_data(&msg, sizeof(msg), 4096, &out,
						 &data),
		 0);
	check(data == msg.data);
	check_eq(vuser_decode_region_access_data(&msg, sizeof(msg), 7, &out,
						 &data),
		 -EINVAL);
	msg.access.count = 9;
	check_eq(vuser_decode_region_access_data(&msg, sizeof(msg), 4096, &out,
						 &data),
		 -EMSGSIZE);
	msg.access.count = 0;
	check_eq(vuser_decode_region_access_data(&msg, sizeof(msg.access), 4096,
						 &out, &data),
		 -EINVAL);
}

TEST(region_replies_must_match_the_command)
{
	struct {
		struct vfio_user_region_access access;
		char data[4];
	} msg = { .data = "abc" };
	const size_t len = sizeof(msg.access) + sizeof(msg.data);
	const void *data;
	size_t i;

	/* The structure has padding at its end; the message does not. */
	vuser_encode_region_access(&msg.access, sizeof(msg.access), 2, 0x10, 4);
	check_exact(vuser_decode_region_read_reply, &msg, len, 2, 0x10, 4,
		    &data);
#define reply(region, offset, count) \
	vuser_decode_region_read_reply(&msg, len, region, offset, count, &data)
	check_eq(reply(3, 0x10, 4), -EINVAL);
	check_eq(reply(2, 0x11, 4), -EINVAL);
	check_eq(reply(2, 0x10, 3), -EINVAL);
	check_eq(reply(2, 0x10, 5), -EINVAL);
#undef reply
	for (i = 0; i < 32; i++)
		check_eq(try_len(vuser_decode_region_write_reply, &msg,
				 sizeof(msg), i, 2, 0x10, 4),
			 i == 16 ? 0 : -EMSGSIZE);
	check_eq(vuser_decode_region_write_reply(&msg, 16, 1, 0x10, 4),
		 -EINVAL);
	check_eq(vuser_decode_region_write_reply(&msg, 16, 2, 0x18, 4),
		 -EINVAL);
	check_eq(vuser_decode_region_write_reply(&msg, 16, 2, 0x10, 5),
		 -EINVAL);
}

TEST(dma_access_with_invalid_fields_is_rejected)
{
	struct {
		struct vfio_user_dma_access access;
		char data[8];
	} msg = { .data = "abcdefg" };
	struct vfio_user_dma_access out, access;
	const void *data;

	check_eq(vuser_encode_dma_access(&msg, 16, 0x1000, 8), 16);
	check_eq(vuser_encode_dma_access(&msg, 15, 0x1000, 8), -ENOBUFS);
	check_exact(vuser_decode_dma_access, &msg, (size_t)16, 4096, &out);
	check_exact(vuser_decode_dma_access_data, &msg, sizeof(msg), 4096, &out,
		    &data);
#define bad(field, value)                             \
	(access = msg.access, access.field = (value), \
	 vuser_decode_dma_access(&access, sizeof(access), 4096, &out))
	check_eq(bad(count, 0), -EINVAL);
	check_eq(bad(count, 4096), 0);
	check_eq(bad(count, 4097), -EINVAL);
	check_eq(bad(count, 1ull << 32), -EINVAL);
	check_eq(bad(count, UINT64_MAX), -EINVAL);
	check_eq(bad(address, UINT64_MAX - 7), 0);
	check_eq(bad(address, UINT64_MAX - 6), -EINVAL);
#undef bad
	check_exact(vuser_decode_dma_read_reply, &msg, sizeof(msg), 0x1000, 8,
		    &data);
	check_eq(vuser_decode_dma_read_reply(&msg, sizeof(msg), 0x1001, 8,
					     &data),
		 -EINVAL);
	check_eq(vuser_decode_dma_read_reply(&msg, sizeof(msg), 0x1000, 7,
					     &data),
		 -EINVAL);
}

TEST(dma_write_reply_may_have_12_or_16_bytes)
{
	struct vfio_user_dma_access access = { 0x1000, 8 };
	size_t i;

	/* 12 bytes as in the specification, or 16 as in all implementations. */
	for (i = 0; i < 32; i++)
		check_eq(try_len(vuser_decode_dma_write_reply, &access,
				 sizeof(access), i, 0x1000, 8),
			 i == 12 || i == 16 ? 0 : -EMSGSIZE);
	check_eq(vuser_decode_dma_write_reply(&access, 16, 0x1008, 8), -EINVAL);
	check_eq(vuser_decode_dma_write_reply(&access, 12, 0x1000, 9), -EINVAL);
	check_eq(vuser_decode_dma_write_reply(&access, 16, 0x1000, 9), -EINVAL);
}

TEST(write_multi_with_invalid_entries_is_rejected)
{
	struct vfio_user_single_write wrs[2] = {
		{ .offset = 0x10, .region = 0, .count = 4 },
		{ .offset = 0x20, .region = 7, .count = 8 },
	};
	struct {
		struct vfio_user_write_multi head;
		struct vfio_user_single_write wrs[2];
	} msg;
	const struct vfio_user_single_write *out;
	uint64_t count;
	size_t i;

	check_eq(vuser_encode_write_multi(&msg, sizeof(msg), wrs, 2),
		 sizeof(msg));
	check_eq(vuser_encode_write_multi(&msg, sizeof(msg) - 1, wrs, 2),
		 -ENOBUFS);
	check_eq(vuser_encode_write_multi(&msg, sizeof(msg), wrs, 0), -EINVAL);
	check_eq(vuser_encode_write_multi(&msg, sizeof(msg), wrs,
					  UINT64_MAX / 24 + 1),
		 -ENOBUFS);
	for (i = 0; i < 96; i++)
		check_eq(try_len(vuser_decode_write_multi, &msg, sizeof(msg), i,
				 &out),
			 i == sizeof(msg) ? 2 : -EMSGSIZE);
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg), &out), 2);
	check(!memcmp(out, wrs, sizeof(wrs)));
	msg.wrs[1].count = 9;
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg), &out), -EINVAL);
	msg.wrs[1].count = 0;
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg), &out), -EINVAL);
	check_eq(vuser_encode_write_multi(&msg, sizeof(msg), msg.wrs, 2),
		 -EINVAL);
	msg.wrs[1].count = 8;
	msg.wrs[1].offset = UINT64_MAX - 6;
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg), &out), -EINVAL);
	msg.head.wr_cnt = 0;
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg.head), &out),
		 -EINVAL);
	msg.head.wr_cnt = UINT64_MAX;
	check_eq(vuser_decode_write_multi(&msg, sizeof(msg), &out), -EMSGSIZE);

	check_eq(vuser_encode_write_multi_reply(&msg, 8, 2), 8);
	check_eq(vuser_encode_write_multi_reply(&msg, 7, 2), -ENOBUFS);
	check_exact(vuser_decode_write_multi_reply, &msg, (size_t)8, 2, &count);
	check_eq(count, 2);
	check_eq(vuser_decode_write_multi_reply(&msg, 8, 1, &count), -EINVAL);
}

TEST(feature_with_invalid_flags_or_size_is_rejected)
{
	struct {
		struct vfio_user_device_feature head;
		char data[8];
	} msg;
	struct vfio_user_device_feature out;
	const uint32_t get = VFIO_DEVICE_FEATURE_GET;
	const uint32_t set = VFIO_DEVICE_FEATURE_SET;
	const uint32_t probe = VFIO_DEVICE_FEATURE_PROBE;
	const struct {
		uint32_t flags;
		bool good;
	} flags[] = {
		{ get, true },
		{ set, true },
		{ probe, true },
		{ get | probe, true },
		{ set | probe, true },
		{ get | set | probe, true },
		{ get | set, false },
		{ 0, false },
		{ 1, false },
		{ get | 1u << 19, false },
		{ get | 1u << 31, false },
		{ get | 0xffff, true },
	};
	const void *data;
	size_t i, len;

	check_eq(vuser_encode_feature(&msg, sizeof(msg), 16, get | 1, "abcdefg",
				      8),
		 sizeof(msg));
	check_eq(vuser_encode_feature(&msg, sizeof(msg) - 1, 16, get | 1,
				      "abcdefg", 8),
		 -ENOBUFS);
	check_eq(vuser_encode_feature(&msg, 4, 16, get | 1, NULL, 0), -ENOBUFS);
	check_eq(vuser_encode_feature(&msg, sizeof(msg), 7, get | 1, NULL, 0),
		 -EINVAL);
	for (i = 0; i < 32; i++)
		check_eq(try_len(vuser_decode_feature, &msg, sizeof(msg), i,
				 &out, &data, &len),
			 i < sizeof(out) ? -EMSGSIZE : 0);
	check_eq(vuser_decode_feature(&msg, sizeof(msg), &out, &data, &len), 0);
	check_eq(len, 8);
	check(data == msg.data);
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		msg.head.flags = flags[i].flags;
		check_eq(vuser_decode_feature(&msg, sizeof(msg), &out, &data,
					      &len),
			 flags[i].good ? 0 : -EINVAL);
	}
	msg.head.flags = get | 1;
	check_eq(vuser_decode_feature_reply(&msg, sizeof(msg), get | 1, &data,
					    &len),
		 0);
	check_eq(vuser_decode_feature_reply(&msg, sizeof(msg), get | 2, &data,
					    &len),
		 -EINVAL);
	msg.head.argsz = 7;
	check_eq(vuser_decode_feature(&msg, sizeof(msg), &out, &data, &len),
		 -EINVAL);
}

TEST(migration_data_with_invalid_sizes_is_rejected)
{
	struct {
		struct vfio_user_mig_data head;
		char data[8];
	} msg = { .data = "abcdefg" };
	uint32_t count;
	const void *data;

	check_eq(vuser_encode_mig_read(&msg, 8, 8), 8);
	check_eq(vuser_encode_mig_read(&msg, 7, 8), -ENOBUFS);
	check_eq(vuser_encode_mig_read(&msg, 8, UINT32_MAX), -EINVAL);
	vuser_encode_mig_read(&msg, 8, 8);
	check_exact(vuser_decode_mig_read, &msg, (size_t)8, 4096, &count);
	check_eq(count, 8);
	check_eq(vuser_decode_mig_read(&msg, 8, 7, &count), -EINVAL);
	check_exact(vuser_decode_mig_data, &msg, sizeof(msg), 4096, &count,
		    &data);
	check_eq(vuser_decode_mig_data(&msg, sizeof(msg), 7, &count, &data),
		 -EINVAL);
	msg.head.argsz = 15;
	check_eq(vuser_decode_mig_read(&msg, 8, 4096, &count), -EINVAL);
	msg.head.argsz = 7;
	check_eq(vuser_decode_mig_read(&msg, 8, 4096, &count), -EINVAL);
	check_eq(vuser_decode_mig_data(&msg, sizeof(msg), 4096, &count, &data),
		 -EINVAL);
}

TEST(empty_payload_must_be_empty)
{
	check_eq(vuser_decode_empty(NULL, 0), 0);
	check_eq(vuser_decode_empty("", 1), -EMSGSIZE);
}

/* Under ASan, no decoder reads or writes outside its buffers. */
TEST(decoders_of_random_payloads_stay_in_bounds)
{
	const struct vfio_user_dma_unmap unmap = { 24, 0, 0x1000, 0x1000 };
	struct vfio_user_region_info region;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	static struct vfio_user_io_fd io_fds[VUSER_MAX_IOEVENTFDS];
	union {
		struct vfio_user_dma_map map;
		struct vfio_user_dma_unmap unmap;
		struct vfio_user_device_info info;
		struct vfio_user_irq_info irq;
		struct vfio_user_region_access region;
		struct vfio_user_dma_access dma;
		struct vfio_user_device_feature feature;
		struct vfio_user_region_io_fds io;
	} out;
	const struct vfio_user_single_write *wrs;
	struct vfio_user_irq_set set;
	struct vuser_version version = { .struct_size = sizeof(version) };
	const uint8_t *bools;
	const void *data;
	uint32_t count;
	size_t len, n, i, j;

	srandom(20261120);
	for (i = 0; i < 20000; i++) {
		unsigned char *buf;

		len = random() % 128;
		buf = malloc(len ? len : 1);
		/*
		 * A parser gets further with zeros than with random numbers
		 * only.
		 */
		for (j = 0; j < len; j++)
			buf[j] = random() % 4 ? 0 : random() % 256;
		vuser_decode_version(buf, len, &version);
		vuser_decode_dma_map(buf, len, &out.map);
		vuser_decode_dma_unmap(buf, len, &out.unmap);
		vuser_decode_dma_unmap_reply(buf, len, &unmap);
		vuser_decode_device_info(buf, len, &out.info);
		vuser_decode_device_info_reply(buf, len, &out.info);
		vuser_decode_region_info(buf, len, &region);
		vuser_decode_region_info_reply(buf, len, 0, &region, &caps);
		vuser_decode_region_io_fds(buf, len, &out.io);
		vuser_decode_region_io_fds_reply(buf, len, 0, 4096, 4, io_fds,
						 VUSER_MAX_IOEVENTFDS);
		vuser_decode_irq_info(buf, len, &out.irq);
		vuser_decode_irq_info_reply(buf, len, 0, &out.irq);
		vuser_decode_irq_set(buf, len, 0, &set, &bools);
		vuser_decode_region_access(buf, len, 4096, &out.region);
		vuser_decode_region_access_data(buf, len, 4096, &out.region,
						&data);
		vuser_decode_dma_access(buf, len, 4096, &out.dma);
		vuser_decode_dma_access_data(buf, len, 4096, &out.dma, &data);
		vuser_decode_dma_read_reply(buf, len, 0, 8, &data);
		vuser_decode_dma_write_reply(buf, len, 0, 8);
		vuser_decode_write_multi(buf, len, &wrs);
		vuser_decode_feature(buf, len, &out.feature, &data, &n);
		vuser_decode_mig_read(buf, len, 4096, &count);
		vuser_decode_mig_data(buf, len, 4096, &count, &data);
		free(buf);
	}
	check_eq(i, 20000);
}
