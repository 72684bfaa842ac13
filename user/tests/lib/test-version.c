// SPDX-License-Identifier: GPL-2.0
/* The version message and its JSON, valid and invalid. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "../harness.h"

#define BUF_SIZE (4 + VFIO_USER_VERSION_DATA_MAX)

/* Decode version 0.1 with @len bytes of @text, from memory of that size. */
static int decode_len(const char *text, size_t len, struct vuser_version *out)
{
	struct vfio_user_version *msg = malloc(sizeof(*msg) + len);
	int ret;

	msg->major = 0;
	msg->minor = 1;
	memcpy(msg->data, text, len);
	ret = vuser_decode_version(msg, sizeof(*msg) + len, out);
	free(msg);
	return ret;
}

static int decode(const char *text, struct vuser_version *out)
{
	return decode_len(text, strlen(text) + 1, out);
}

#define CAPS(caps) "{\"capabilities\":{" caps "}}"

TEST(version_is_decoded_as_encoded)
{
	struct vuser_version in = { .struct_size = sizeof(in) };
	struct vuser_version out = { .struct_size = sizeof(out) };
	char buf[BUF_SIZE];
	ssize_t len;

	check_eq(vuser_version_default(&in), 0);
	in.minor = 1;
	in.caps.max_msg_fds = 8;
	in.caps.max_data_xfer_size = 65536;
	in.caps.max_dma_maps = 64;
	in.caps.has_max_dma_maps = true;
	in.caps.pgsizes = 4096 | 2 << 20;
	in.caps.migration_pgsize = 4096;
	in.caps.twin_supported = true;
	in.caps.twin_fd_index = 3;
	in.caps.write_multiple = true;
	len = vuser_encode_version(buf, sizeof(buf), &in);
	require(len > 0);
	check_eq(buf[len - 1], 0);
	check_eq(vuser_decode_version(buf, len, &out), 0);
	check_eq(out.major, 0);
	check_eq(out.minor, 1);
	check_eq(out.caps.max_msg_fds, 8);
	check_eq(out.caps.max_data_xfer_size, 65536);
	check_eq(out.caps.max_dma_maps, 64);
	check(out.caps.has_max_dma_maps);
	check_eq(out.caps.pgsizes, 4096 | 2 << 20);
	check_eq(out.caps.migration_pgsize, 4096);
	check(out.caps.twin_supported);
	check_eq(out.caps.twin_fd_index, 3);
	check(out.caps.write_multiple);
	check_eq(vuser_encode_version(buf, len - 1, &in), -ENOBUFS);
	check_eq(vuser_encode_version(buf, 3, &in), -ENOBUFS);
}

static void check_defaults(const struct vuser_caps *caps)
{
	check_eq(caps->max_msg_fds, 1);
	check_eq(caps->max_data_xfer_size, 1048576);
	check_eq(caps->max_dma_maps, 65535);
	check_eq(caps->pgsizes, 4096);
	check_eq(caps->migration_pgsize, 0);
	check_eq(caps->twin_fd_index, -1);
	check(!caps->has_max_dma_maps && !caps->twin_supported &&
	      !caps->write_multiple);
}

TEST(missing_capabilities_have_their_defaults)
{
	struct vuser_version out = { .struct_size = sizeof(out) };

	check_eq(decode_len("", 0, &out), 0);
	check_defaults(&out.caps);
	check_eq(decode("{}", &out), 0);
	check_defaults(&out.caps);
	check_eq(decode(CAPS(""), &out), 0);
	check_defaults(&out.caps);
	check_eq(decode(CAPS("\"twin_socket\":{}"), &out), 0);
	check_defaults(&out.caps);
	check_eq(decode(CAPS("\"migration\":{}"), &out), 0);
	check_defaults(&out.caps);
}

TEST(version_message_beyond_its_size_limits_is_rejected)
{
	struct vfio_user_version head = { 0, 1 };
	struct vuser_version out = { .struct_size = sizeof(out) };
	char *buf;
	size_t i;

	for (i = 0; i < 4; i++) {
		buf = malloc(i ? i : 1);
		memcpy(buf, &head, i);
		check_eq(vuser_decode_version(buf, i, &out), -EMSGSIZE);
		free(buf);
	}
	buf = malloc(BUF_SIZE + 1);
	memset(buf, ' ', BUF_SIZE + 1);
	memcpy(buf, &head, 4);
	buf[4] = '{';
	buf[5] = '}';
	buf[BUF_SIZE - 1] = 0;
	check_eq(vuser_decode_version(buf, BUF_SIZE, &out), 0);
	buf[BUF_SIZE - 1] = ' ';
	buf[BUF_SIZE] = 0;
	check_eq(vuser_decode_version(buf, BUF_SIZE + 1, &out), -EMSGSIZE);
	free(buf);
}

TEST(major_other_than_0_is_rejected_and_any_minor_accepted)
{
	struct vfio_user_version head = { 0, 0 };
	struct vuser_version out = { .struct_size = sizeof(out) };

	check_eq(vuser_decode_version(&head, 4, &out), 0);
	check_eq(out.minor, 0);
	head.minor = UINT16_MAX;
	check_eq(vuser_decode_version(&head, 4, &out), 0);
	check_eq(out.minor, UINT16_MAX);
	head.major = 1;
	check_eq(vuser_decode_version(&head, 4, &out), -EPROTONOSUPPORT);
	head.major = UINT16_MAX;
	check_eq(vuser_decode_version(&head, 4, &out), -EPROTONOSUPPORT);
}

/* The version messages of QEMU, libvfio-user and rust-vmm. */
TEST(versions_of_other_implementations_are_accepted)
{
	struct vuser_version out = { .struct_size = sizeof(out) };

	check_eq(decode("{\"capabilities\": {\"migration\": {\"pgsize\": 4096, "
			"\"max_bitmap_size\": 268435456}, \"max_msg_fds\": 16, "
			"\"max_data_xfer_size\": 1048576, \"pgsizes\": 4096, "
			"\"max_dma_maps\": 65535, \"write_multiple\": true}}",
			&out),
		 0);
	check_eq(out.caps.max_msg_fds, 16);
	check(out.caps.write_multiple && out.caps.has_max_dma_maps);
	check_eq(out.caps.migration_pgsize, 4096);
	check_eq(decode("{\"capabilities\":{\"max_msg_fds\":8,"
			"\"max_data_xfer_size\":1048576,"
			"\"migration\":{\"pgsize\":4096},"
			"\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}",
			&out),
		 0);
	check(out.caps.twin_supported);
	check_eq(out.caps.twin_fd_index, 0);
	check_eq(decode("{\"capabilities\":{\"max_msg_fds\":1,"
			"\"max_data_xfer_size\":1048576,"
			"\"migration\":{\"pgsize\":4096}}}",
			&out),
		 0);
	check_eq(out.caps.max_msg_fds, 1);
}

TEST(unknown_capabilities_are_ignored)
{
	struct vuser_version out = { .struct_size = sizeof(out) };

	check_eq(decode("{\"x\":1,\"capabilities\":{\"y\":[1,{}],"
			"\"max_msg_fds\":2,\"z\":null}}",
			&out),
		 0);
	check_eq(out.caps.max_msg_fds, 2);
}

TEST(malformed_json_is_rejected)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"[]",
		"[{}]",
		"null",
		"1",
		"\"\"",
		"true",
		"{}x",
		"{}{}",
		"{,}",
		"{\"capabilities\"}",
		"{\"capabilities\":}",
		"{capabilities:{}}",
		"{\"capabilities\":[]}",
		"{\"capabilities\":null}",
		"{\"capabilities\":1}",
		"{\"capabilities\":\"\"}",
		"{\"capabilities\":{}",
		"{\"capabilities\":{},}",
		"{\"\xff\":1}",
		"{\"a\":\"\x80\"}",
		"{\"a\":nul}",
		"{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}",
		"/**/{}",
	};
	struct vuser_version out = { .struct_size = sizeof(out) };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int ret = decode(texts[i], &out);

		if (ret != -EINVAL)
			test_fail(__FILE__, __LINE__, texts[i], ret, true);
	}
	/* The only NUL is at the end. */
	check_eq(decode_len("{}", 2, &out), -EINVAL);
	check_eq(decode_len("{}\0", 4, &out), -EINVAL);
	check_eq(decode_len("{\0}", 4, &out), -EINVAL);
	check_eq(decode_len("\0{}", 4, &out), -EINVAL);
	check_eq(decode_len("{}\0 ", 4, &out), -EINVAL);
}

TEST(capabilities_with_wrong_values_are_rejected)
{
	static const char *const texts[] = {
		CAPS("\"max_msg_fds\":-1"),
		CAPS("\"max_msg_fds\":\"8\""),
		CAPS("\"max_msg_fds\":1.5"),
		CAPS("\"max_msg_fds\":null"),
		CAPS("\"max_msg_fds\":true"),
		CAPS("\"max_msg_fds\":[8]"),
		CAPS("\"max_msg_fds\":{}"),
		CAPS("\"max_msg_fds\":1e3"),
		CAPS("\"max_data_xfer_size\":0"),
		CAPS("\"max_data_xfer_size\":-4096"),
		CAPS("\"max_dma_maps\":0"),
		CAPS("\"max_dma_maps\":\"\""),
		CAPS("\"pgsizes\":0"),
		CAPS("\"pgsizes\":-9223372036854775808"),
		CAPS("\"migration\":1"),
		CAPS("\"migration\":null"),
		CAPS("\"migration\":{\"pgsize\":0}"),
		CAPS("\"migration\":{\"pgsize\":\"4k\"}"),
		CAPS("\"twin_socket\":true"),
		CAPS("\"twin_socket\":[]"),
		CAPS("\"twin_socket\":{\"supported\":1}"),
		CAPS("\"twin_socket\":{\"fd_index\":-1}"),
		CAPS("\"twin_socket\":{\"fd_index\":\"0\"}"),
		CAPS("\"write_multiple\":1"),
		CAPS("\"write_multiple\":\"yes\""),
	};
	struct vuser_version out = { .struct_size = sizeof(out) };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int ret = decode(texts[i], &out);

		if (ret != -EINVAL)
			test_fail(__FILE__, __LINE__, texts[i], ret, true);
	}
}

TEST(large_values_are_clamped)
{
	struct vuser_version out = { .struct_size = sizeof(out) };

	check_eq(decode(CAPS("\"max_msg_fds\":18446744073709551615"), &out), 0);
	check_eq(out.caps.max_msg_fds, VUSER_MAX_MSG_FDS);
	check_eq(decode(CAPS("\"max_msg_fds\":0"), &out), 0);
	check_eq(out.caps.max_msg_fds, 0);
	check_eq(decode(CAPS("\"max_data_xfer_size\":4294967296"), &out), 0);
	check_eq(out.caps.max_data_xfer_size, VUSER_MAX_XFER_SIZE);
	check_eq(decode(CAPS("\"max_dma_maps\":4294967296"), &out), 0);
	check_eq(out.caps.max_dma_maps, UINT32_MAX);
	check_eq(decode(CAPS("\"pgsizes\":18446744073709551615"), &out), 0);
	check(out.caps.pgsizes == UINT64_MAX);
	check_eq(decode(CAPS("\"twin_socket\":{\"fd_index\":4294967296}"),
			&out),
		 0);
	check_eq(out.caps.twin_fd_index, INT32_MAX);
}
