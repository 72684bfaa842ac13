// SPDX-License-Identifier: GPL-2.0
/*
 * vhost-user messages of all kinds; a reply is decoded with its request.  A
 * decoded message must be encoded to the same bytes.
 */
#include <errno.h>
#include <string.h>

#include <vhost-user/proto.h>

#include "fuzz.h"

/* Each kind of message, and the kind of its request. */
static const struct {
	enum vhost_user_kind kind;
	int asked; /* kind, or -1 */
} kinds[] = {
	{ VHOST_USER_REQUEST, -1 },
	{ VHOST_USER_ANSWER, VHOST_USER_REQUEST },
	{ VHOST_USER_BACKEND_REQUEST, -1 },
	{ VHOST_USER_BACKEND_ANSWER, VHOST_USER_BACKEND_REQUEST },
	{ VHOST_USER_POSTCOPY_ANSWER, VHOST_USER_REQUEST },
};

static int decode(enum vhost_user_kind kind, const void *buf, size_t len,
		  uint32_t nr_fds, const struct vhost_user_msg *asked,
		  struct vhost_user_msg *msg)
{
	struct vhost_user_header hdr;
	const char *rule = NULL;
	int ret;

	if (len >= sizeof(hdr)) {
		ret = vhost_user_decode_header(kind, buf, &hdr, &rule);
		FUZZ_CHECK(!ret || (ret == -EPROTO && rule));
		if (!ret)
			FUZZ_CHECK(hdr.size <=
				   sizeof(union vhost_user_payload));
	}
	rule = NULL;
	ret = vhost_user_decode(kind, buf, len, nr_fds, asked, msg, &rule);
	FUZZ_CHECK(!ret || (ret == -EPROTO && rule));
	return ret;
}

/* Decode the request of a reply from the input; it must be valid. */
static bool get_asked(struct fuzz_in *in, int kind,
		      struct vhost_user_msg *asked)
{
	uint32_t nr_fds = fuzz_u8(in);
	size_t len = fuzz_u16(in);
	const uint8_t *bytes = fuzz_bytes(in, &len);
	uint8_t *copy = fuzz_copy(bytes, len);
	int ret = decode(kind, copy, len, nr_fds, NULL, asked);

	free(copy);
	return !ret;
}

static void check_again(enum vhost_user_kind kind,
			const struct vhost_user_msg *msg, uint32_t nr_fds,
			const struct vhost_user_msg *asked, const void *buf,
			size_t len)
{
	struct vhost_user_msg again = *msg, decoded;
	const char *rule = NULL;
	size_t again_len;

	again.hdr.flags &= VHOST_USER_NEED_REPLY;
	again.hdr.size = 0;
	/* A reply that may be empty is never encoded as empty. */
	if (vhost_user_encode(kind, &again, nr_fds, asked, &rule)) {
		FUZZ_CHECK(asked && len == sizeof(again.hdr));
		return;
	}
	again_len = sizeof(again.hdr) + again.hdr.size;
	/* The other one of two forms must be valid as well. */
	if (again_len != len)
		FUZZ_CHECK(!decode(kind, &again, again_len, nr_fds, asked,
				   &decoded));
	else
		FUZZ_CHECK(!memcmp(&again.payload,
				   (const char *)buf + sizeof(again.hdr),
				   again.hdr.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint8_t which = fuzz_u8(&in) % (sizeof(kinds) / sizeof(kinds[0]));
	static struct vhost_user_msg asked, msg;
	bool answers = kinds[which].asked >= 0;
	uint32_t nr_fds;
	uint8_t *copy;

	if (answers && !get_asked(&in, kinds[which].asked, &asked))
		return 0;
	nr_fds = fuzz_u8(&in);
	copy = fuzz_copy(in.pos, in.left);
	if (!decode(kinds[which].kind, copy, in.left, nr_fds,
		    answers ? &asked : NULL, &msg)) {
		FUZZ_CHECK(nr_fds <= VHOST_USER_MAX_FDS);
		check_again(kinds[which].kind, &msg, nr_fds,
			    answers ? &asked : NULL, copy, in.left);
	}
	free(copy);
	return 0;
}
