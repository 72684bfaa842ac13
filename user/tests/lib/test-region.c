// SPDX-License-Identifier: GPL-2.0
/* Region info with its capabilities, and io fds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "../harness.h"

#define HEAD sizeof(struct vfio_user_region_info)

static const struct vfio_user_region_info info = {
	.index = 2,
	.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_MMAP,
	.size = 0x10000,
	.offset = 0x4000,
};

/* Decode from memory of exactly @len bytes. */
static int decode(const void *data, size_t len, uint32_t index,
		  struct vfio_user_region_info *out,
		  struct vuser_region_caps *caps)
{
	char *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, data, len);
	ret = vuser_decode_region_info_reply(copy, len, index, out, caps);
	free(copy);
	return ret;
}

TEST(region_info_command_must_have_its_exact_size)
{
	struct vfio_user_region_info req, out;

	check_eq(vuser_encode_region_info(&req, sizeof(req), 3, 4096), HEAD);
	check_eq(vuser_encode_region_info(&req, sizeof(req) - 1, 3, 4096),
		 -ENOBUFS);
	check_eq(vuser_encode_region_info(&req, sizeof(req), 3, HEAD - 1),
		 -EINVAL);
	check_eq(vuser_decode_region_info(&req, HEAD, &out), 0);
	check_eq(out.index, 3);
	check_eq(out.argsz, 4096);
	check_eq(vuser_decode_region_info(&req, HEAD - 1, &out), -EMSGSIZE);
	check_eq(vuser_decode_region_info(&req, HEAD + 1, &out), -EMSGSIZE);
	req.argsz = HEAD - 1;
	check_eq(vuser_decode_region_info(&req, HEAD, &out), -EINVAL);
}

TEST(region_info_reply_without_capabilities_is_decoded_as_encoded)
{
	struct vfio_user_region_info buf, out;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };

	check_eq(vuser_encode_region_info_reply(&buf, HEAD, HEAD, &info, NULL),
		 HEAD);
	check_eq(vuser_encode_region_info_reply(&buf, HEAD - 1, HEAD, &info,
						NULL),
		 -ENOBUFS);
	check_eq(decode(&buf, HEAD, 2, &out, &caps), 0);
	check_eq(out.argsz, HEAD);
	check_eq(out.cap_offset, 0);
	check_eq(out.flags, info.flags);
	check_eq(out.size, info.size);
	check_eq(out.offset, info.offset);
	check(!caps.has_sparse && !caps.has_type);
	check_eq(decode(&buf, HEAD - 1, 2, &out, &caps), -EMSGSIZE);
	check_eq(decode(&buf, HEAD, 3, &out, &caps), -EINVAL);
}

TEST(region_capabilities_are_decoded_sorted_or_their_size_is_returned)
{
	struct vuser_region_caps in = {
		.struct_size = sizeof(in),
		.has_sparse = true,
		.nr_areas = 2,
		.areas = { { 0x8000, 0x1000 }, { 0x1000, 0x2000 } },
		.has_type = true,
		.type = 5,
		.subtype = 6,
	};
	struct vfio_user_region_info out;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	char buf[256];
	ssize_t len;
	size_t i;

	len = vuser_encode_region_info_reply(buf, sizeof(buf), 4096, &info,
					     &in);
	require(len == HEAD + 16 + 32 + 16);
	check_eq(decode(buf, len, 2, &out, &caps), 0);
	check_eq(out.argsz, len);
	check_eq(out.flags, info.flags | VFIO_REGION_INFO_FLAG_CAPS);
	check(caps.has_type);
	check_eq(caps.type, 5);
	check_eq(caps.subtype, 6);
	/* Sorted by offset. */
	require(caps.has_sparse && caps.nr_areas == 2);
	check_eq(caps.areas[0].offset, 0x1000);
	check_eq(caps.areas[0].size, 0x2000);
	check_eq(caps.areas[1].offset, 0x8000);

	/*
	 * A client whose argsz is too small gets only the size that it needs.
	 */
	for (i = HEAD; i < (size_t)len; i++) {
		check_eq(vuser_encode_region_info_reply(buf, sizeof(buf), i,
							&info, &in),
			 HEAD);
		check_eq(decode(buf, HEAD, 2, &out, &caps), len);
		check_eq(out.cap_offset, 0);
	}
	check_eq(vuser_encode_region_info_reply(buf, len - 1, 4096, &info, &in),
		 -ENOBUFS);
	in.nr_areas = VUSER_MAX_AREAS + 1;
	check_eq(vuser_encode_region_info_reply(buf, sizeof(buf), 4096, &info,
						&in),
		 -EINVAL);
}

TEST(truncated_capabilities_are_rejected)
{
	struct vuser_region_caps in = {
		.struct_size = sizeof(in),
		.has_sparse = true,
		.nr_areas = 2,
		.areas = { { 0, 0x1000 }, { 0x1000, 0x2000 } },
		.has_type = true,
	};
	struct vfio_user_region_info out, *head;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	char buf[256];
	ssize_t len;
	size_t i;

	len = vuser_encode_region_info_reply(buf, sizeof(buf), 4096, &info,
					     &in);
	require(len > 0);
	/*
	 * Truncate at each byte, with an argsz that matches the truncated
	 * size.
	 */
	head = (struct vfio_user_region_info *)buf;
	for (i = HEAD; i < (size_t)len; i++) {
		head->argsz = i;
		check_eq(decode(buf, i, 2, &out, &caps), -EINVAL);
	}
	/* An argsz that is too large is rejected. */
	head->argsz = UINT32_MAX;
	check_eq(decode(buf, len, 2, &out, &caps), -EINVAL);
}

/* A reply with two capabilities, for tests to corrupt. */
struct raw {
	struct vfio_user_region_info info;
	struct vfio_user_cap_sparse_mmap sparse;
	struct vfio_user_sparse_area areas[2];
	struct vfio_user_cap_type type;
};

static struct raw good_raw(void)
{
	struct raw raw = {
		.info = info,
		.sparse = {
			.header = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1,
				    offsetof(struct raw, type) },
			.nr_areas = 2,
		},
		.areas = { { 0, 0x1000 }, { 0x1000, 0x1000 } },
		.type = { .header = { VFIO_REGION_INFO_CAP_TYPE, 1, 0 } },
	};

	raw.info.argsz = sizeof(raw);
	raw.info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	raw.info.cap_offset = offsetof(struct raw, sparse);
	return raw;
}

TEST(corrupt_capability_lists_are_rejected)
{
	struct vfio_user_region_info out;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	struct raw raw = good_raw();

	check_eq(decode(&raw, sizeof(raw), 2, &out, &caps), 0);
#define corrupt(field, value)                   \
	(raw = good_raw(), raw.field = (value), \
	 decode(&raw, sizeof(raw), 2, &out, &caps))
	check_eq(corrupt(info.cap_offset, 0), -EINVAL);
	check_eq(corrupt(info.cap_offset, 8), -EINVAL);
	check_eq(corrupt(info.cap_offset, sizeof(raw)), -EINVAL);
	check_eq(corrupt(info.cap_offset, sizeof(raw) - 7), -EINVAL);
	check_eq(corrupt(info.cap_offset, UINT32_MAX), -EINVAL);
	/* Loops, to the same capability and to an earlier one. */
	check_eq(corrupt(sparse.header.next, offsetof(struct raw, sparse)),
		 -EINVAL);
	check_eq(corrupt(type.header.next, offsetof(struct raw, sparse)),
		 -EINVAL);
	check_eq(corrupt(type.header.next, offsetof(struct raw, type)),
		 -EINVAL);
	check_eq(corrupt(sparse.header.next, UINT32_MAX), -EINVAL);
	/* The same capability twice. */
	check_eq(corrupt(type.header.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP),
		 -EINVAL);
	/* An unknown capability is skipped. */
	check_eq(corrupt(type.header.id, 99), 0);
	check(!caps.has_type && caps.has_sparse);
	check_eq(corrupt(sparse.nr_areas, 0), 0);
	check_eq(corrupt(sparse.nr_areas, 4), -EINVAL);
	check_eq(corrupt(sparse.nr_areas, UINT32_MAX), -EINVAL);
#undef corrupt
}

TEST(areas_outside_the_region_or_overlapping_are_rejected)
{
	struct vfio_user_region_info out;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	struct raw raw;

#define area(_offset, _size)                                               \
	(raw = good_raw(),                                                 \
	 raw.areas[1] = (struct vfio_user_sparse_area) { _offset, _size }, \
	 decode(&raw, sizeof(raw), 2, &out, &caps))
	check_eq(area(0xf000, 0x1000), 0);
	check_eq(area(0xf000, 0x1001), -EINVAL);
	check_eq(area(0x10000, 0x1000), -EINVAL);
	check_eq(area(0x10001, 0x1000), -EINVAL);
	check_eq(area(0x2000, 0), -EINVAL);
	check_eq(area(0xfff, 0x1000), -EINVAL);
	check_eq(area(0, 0x1000), -EINVAL);
	check_eq(area(UINT64_MAX, 1), -EINVAL);
	check_eq(area(0x1000, UINT64_MAX), -EINVAL);
	check_eq(area(UINT64_MAX - 0xfff, 0x2000), -EINVAL);
#undef area
}

TEST(io_fds_command_with_invalid_fields_is_rejected)
{
	struct vfio_user_region_io_fds req, out;

	check_eq(vuser_encode_region_io_fds(&req, sizeof(req), 1, 4096), 16);
	check_eq(vuser_encode_region_io_fds(&req, 15, 1, 4096), -ENOBUFS);
	check_eq(vuser_encode_region_io_fds(&req, 16, 1, 15), -EINVAL);
	check_eq(vuser_decode_region_io_fds(&req, 16, &out), 0);
	check_eq(vuser_decode_region_io_fds(&req, 15, &out), -EMSGSIZE);
	check_eq(vuser_decode_region_io_fds(&req, 17, &out), -EMSGSIZE);
	req.flags = 1;
	check_eq(vuser_decode_region_io_fds(&req, 16, &out), -EINVAL);
	req.flags = 0;
	req.count = 1;
	check_eq(vuser_decode_region_io_fds(&req, 16, &out), -EINVAL);
	req.count = 0;
	req.argsz = 15;
	check_eq(vuser_decode_region_io_fds(&req, 16, &out), -EINVAL);
}

TEST(io_fds_reply_must_match_the_command_and_its_fds)
{
	const struct vfio_user_io_fd in[2] = {
		{ .offset = 0x1000, .size = 4, .fd_index = 0 },
		{ .offset = 0xfffc, .size = 4, .fd_index = 1, .data = 7 },
	};
	struct vfio_user_io_fd out[4];
	char buf[256];
	ssize_t len;
	size_t i;

	len = vuser_encode_region_io_fds_reply(buf, sizeof(buf), 4096, 2, in,
					       2);
	require(len == 16 + 80);
#define decode_io(len, index, nr_fds, max)                                 \
	vuser_decode_region_io_fds_reply(buf, len, index, 0x10000, nr_fds, \
					 out, max)
	check_eq(decode_io(len, 2, 2, 4), 2);
	check(!memcmp(in, out, sizeof(in)));
	check_eq(decode_io(len, 1, 2, 4), -EINVAL);
	check_eq(decode_io(len, 2, 1, 4), -EINVAL);
	check_eq(decode_io(len, 2, 0, 4), -EINVAL);
	check_eq(decode_io(len, 2, 2, 1), -EINVAL);
	for (i = 0; i < (size_t)len + 64; i++) {
		char *copy = calloc(1, i ? i : 1);

		memcpy(copy, buf, i < (size_t)len ? i : (size_t)len);
		check_eq(vuser_decode_region_io_fds_reply(copy, i, 2, 0x10000,
							  2, out, 4),
			 i == (size_t)len ? 2 : -EMSGSIZE);
		free(copy);
	}
	check_eq(vuser_decode_region_io_fds_reply(NULL, 0, 2, 0x10000, 2, out,
						  4),
		 -EMSGSIZE);
	/* The entries are omitted if the client's argsz is too small. */
	check_eq(vuser_encode_region_io_fds_reply(buf, sizeof(buf), 95, 2, in,
						  2),
		 16);
	check_eq(vuser_encode_region_io_fds_reply(buf, 95, 4096, 2, in, 2),
		 -ENOBUFS);
	check_eq(vuser_encode_region_io_fds_reply(buf, sizeof(buf), 4096, 2, in,
						  VUSER_MAX_IOEVENTFDS + 1),
		 -EINVAL);
	check_eq(vuser_encode_region_io_fds_reply(buf, sizeof(buf), 4096, 2,
						  NULL, 0),
		 16);
	check_eq(decode_io(16, 2, 0, 4), 0);
#undef decode_io
}

TEST(io_fds_reply_in_the_layout_of_libvfio_user_is_decoded)
{
	struct {
		struct vfio_user_region_io_fds head;
		struct vfio_user_io_fd_shadow io_fds[3];
	} msg = {
		.head = { .argsz = sizeof(msg), .index = 2, .count = 3 },
		.io_fds = { { .offset = 8, .size = 4, .data = 7, .flags = 1 },
			    { .offset = 16,
			      .size = 4,
			      .type = VFIO_USER_IO_FD_TYPE_IOEVENTFD_SHADOW,
			      .shadow_mem_fd_index = 1 },
			    { .offset = 24,
			      .size = 8,
			      .fd_index = 1,
			      .shadow_mem_fd_index = UINT32_MAX,
			      .shadow_offset = UINT64_MAX,
			      .data = UINT64_MAX } },
	};
	struct vfio_user_io_fd out[3];

	require(sizeof(msg) == 16 + 3 * 48);
	require(vuser_decode_region_io_fds_reply(&msg, sizeof(msg), 2, 4096, 2,
						 out, 3) == 2);
	check_eq(out[0].offset, 8);
	check_eq(out[0].size, 4);
	check_eq(out[0].flags, 1);
	check_eq(out[0].padding, 0);
	check_eq(out[0].data, 7);
	check_eq(out[1].offset, 24);
	check_eq(out[1].fd_index, 1);
	check_eq(out[1].padding, 0);
	check_eq(out[1].data, UINT64_MAX);
}

TEST(io_fds_with_entries_of_another_size_are_rejected)
{
	char buf[sizeof(struct vfio_user_region_io_fds) + 2 * 64] = { 0 };
	struct vfio_user_region_io_fds head = { .index = 2, .count = 2 };
	struct vfio_user_io_fd out[2];
	size_t size;

	for (size = 0; size <= 64; size++) {
		head.argsz = sizeof(head) + 2 * size;
		memcpy(buf, &head, sizeof(head));
		check_eq(vuser_decode_region_io_fds_reply(buf, head.argsz, 2,
							  4096, 1, out, 2),
			 size == 40 || size == 48 ? 2 : -EMSGSIZE);
	}
	/* Entries of both sizes. */
	head.argsz = sizeof(head) + 40 + 48;
	memcpy(buf, &head, sizeof(head));
	check_eq(vuser_decode_region_io_fds_reply(buf, head.argsz, 2, 4096, 1,
						  out, 2),
		 -EMSGSIZE);
}

TEST(longest_io_fds_reply_of_each_layout_fits_argsz)
{
	check_eq(VUSER_MAX_IO_FDS_SIZE, 16 + VUSER_MAX_IOEVENTFDS * 48);
}

TEST(io_fds_with_invalid_fields_are_rejected)
{
	const struct vfio_user_io_fd good = { .offset = 0, .size = 4 };
	struct vfio_user_io_fd io, out;
	char buf[64];

#define corrupt(field, value)                                      \
	(io = good, io.field = (value),                            \
	 vuser_encode_region_io_fds_reply(buf, 64, 64, 0, &io, 1), \
	 vuser_decode_region_io_fds_reply(buf, 56, 0, 0x1000, 1, &out, 1))
	check_eq(corrupt(offset, 0xffc), 1);
	check_eq(corrupt(offset, 0xffd), -EINVAL);
	check_eq(corrupt(offset, 0x1000), -EINVAL);
	check_eq(corrupt(offset, UINT64_MAX), -EINVAL);
	check_eq(corrupt(size, 0), 1);
	check_eq(corrupt(size, UINT64_MAX), -EINVAL);
	check_eq(corrupt(type, VFIO_USER_IO_FD_TYPE_IOREGIONFD), 1);
	check_eq(corrupt(type, 2), 0);
	check_eq(corrupt(type, UINT32_MAX), 0);
	check_eq(corrupt(fd_index, 1), -EINVAL);
	check_eq(corrupt(fd_index, UINT32_MAX), -EINVAL);
#undef corrupt
}
