// SPDX-License-Identifier: BSD-3-Clause
/* Messages: headers, sizes, numbers of file descriptors. */
#include <errno.h>
#include <string.h>

#include "table.h"

#define HEADER	    sizeof(struct vhost_user_header)
#define CONFIG_HEAD offsetof(struct vhost_user_config, data)
#define MEMORY_HEAD offsetof(struct vhost_user_memory, regions)

_Static_assert(HEADER == 12, "a header has 12 bytes");
_Static_assert(sizeof(struct vhost_user_region) == 32, "a region has 32 bytes");
_Static_assert(sizeof(struct vhost_user_inflight) == 24,
	       "inflight has 24 bytes");
_Static_assert(sizeof(struct vhost_user_mmap) == 40, "a mapping has 40 bytes");
_Static_assert(sizeof(struct vhost_user_shmem_config) == 2056,
	       "a list of sizes has 2056 bytes");
_Static_assert(sizeof(struct vhost_user_crypto_session) == 1072,
	       "a session has 1072 bytes, as with 64-bit pointers");

_Static_assert(sizeof(struct vhost_user_crosvm_fs) == 256,
	       "parts of a file have 256 bytes");
_Static_assert(sizeof(struct vhost_user_crosvm_gpu_map) == 64,
	       "a mapping of a GPU has 64 bytes");
_Static_assert(sizeof(struct vhost_user_crosvm_external_map) == 32,
	       "an external mapping has 32 bytes");

static const struct {
	uint16_t min;
	uint16_t max;
} sizes[] = {
	[VHOST_ACK] = { 8, 8 },
	[VHOST_NONE] = { 0, 0 },
	[VHOST_U64] = { 8, 8 },
	[VHOST_STATE] = { 8, 8 },
	[VHOST_ADDR] = { 40, 40 },
	[VHOST_IOTLB] = { 32, 32 },
	[VHOST_MEMORY] = { MEMORY_HEAD, sizeof(struct vhost_user_memory) },
	[VHOST_MEM_REG] = { 40, 40 },
	[VHOST_LOG] = { 16, 16 },
	[VHOST_CONFIG] = { CONFIG_HEAD, sizeof(struct vhost_user_config) },
	[VHOST_AREA] = { 24, 24 },
	[VHOST_INFLIGHT] = { 24, 24 },
	[VHOST_SHARED] = { 16, 16 },
	[VHOST_DEVICE_STATE] = { 8, 8 },
	[VHOST_MMAP] = { 40, 40 },
	[VHOST_SHMEM] = { 2056, 2056 },
	[VHOST_CRYPTO] = { 1072, 1072 },
	[VHOST_CROSVM_FS] = { 256, 256 },
	[VHOST_CROSVM_GPU] = { 64, 64 },
	[VHOST_CROSVM_EXTERNAL] = { 32, 32 },
	[VHOST_LOG_ANSWER] = { 0, 16 },
	[VHOST_CONFIG_OR_NONE] = { 0, sizeof(struct vhost_user_config) },
	[VHOST_SHARED_OR_NONE] = { 0, 16 },
};

static bool is_answer(enum vhost_user_kind kind)
{
	return kind != VHOST_USER_REQUEST && kind != VHOST_USER_BACKEND_REQUEST;
}

static const struct vhu_side *side_of(enum vhost_user_kind kind,
				      uint32_t request)
{
	const struct vhu_form *form = vhu_table_form(kind, request);

	if (!form)
		return NULL;
	return is_answer(kind) ? &form->answer : &form->request;
}

static int broken(const char **rule, const char *text)
{
	*rule = text;
	return -EPROTO;
}

const char *vhost_user_request_name(enum vhost_user_kind kind, uint32_t request)
{
	const struct vhu_form *form = vhu_table_form(kind, request);

	return form ? form->name : "?";
}

uint64_t vhost_user_protocol_needed(enum vhost_user_kind kind, uint32_t request)
{
	const struct vhu_form *form = vhu_table_form(kind, request);

	return form ? form->needed : 0;
}

bool vhost_user_has_answer(enum vhost_user_kind kind, uint32_t request)
{
	const struct vhu_form *form = vhu_table_form(kind, request);

	return form && form->answer.payload != VHOST_ACK;
}

int vhost_user_decode_header(enum vhost_user_kind kind, const void *buf,
			     struct vhost_user_header *hdr, const char **rule)
{
	const struct vhu_side *side;

	memcpy(hdr, buf, sizeof(*hdr));
	if ((hdr->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return broken(rule, "the version is not 1");
	if (hdr->flags & ~(uint32_t)(VHOST_USER_VERSION_MASK |
				     VHOST_USER_REPLY | VHOST_USER_NEED_REPLY))
		return broken(rule, "reserved flags are set");
	if (!(hdr->flags & VHOST_USER_REPLY) != !is_answer(kind))
		return broken(rule, is_answer(kind) ? "it is not a reply" :
						      "it is a reply");
	if (is_answer(kind) && hdr->flags & VHOST_USER_NEED_REPLY)
		return broken(rule, "it is a reply and wants a reply");
	side = side_of(kind, hdr->request);
	if (!side)
		return broken(rule, "the request does not exist");
	if (hdr->size < sizes[side->payload].min ||
	    hdr->size > sizes[side->payload].max)
		return broken(rule, "the size is wrong");
	return 0;
}

/* The size that the contents need; missing members are 0. */
static uint32_t exact_size(const struct vhu_side *side,
			   const struct vhost_user_msg *msg)
{
	switch (side->payload) {
	case VHOST_MEMORY:
		return MEMORY_HEAD + msg->payload.memory.nr *
					     sizeof(struct vhost_user_region);
	case VHOST_CONFIG:
		return CONFIG_HEAD + msg->payload.config.size;
	default:
		return sizes[side->payload].max;
	}
}

static bool right_size(const struct vhu_side *side,
		       const struct vhost_user_msg *msg)
{
	const struct vhu_side config = { .payload = VHOST_CONFIG };

	switch (side->payload) {
	case VHOST_LOG_ANSWER:
		return msg->hdr.size % 8 == 0;
	case VHOST_SHARED_OR_NONE:
		return !msg->hdr.size ||
		       msg->hdr.size == sizes[side->payload].max;
	case VHOST_CONFIG_OR_NONE:
		return !msg->hdr.size ||
		       (msg->hdr.size >= CONFIG_HEAD &&
			msg->hdr.size == exact_size(&config, msg));
	case VHOST_MEMORY:
		if (msg->payload.memory.nr > VHOST_USER_MAX_REGIONS)
			return false;
		break;
	case VHOST_CONFIG:
		if (msg->payload.config.size > VHOST_USER_MAX_CONFIG)
			return false;
		break;
	default:
		break;
	}
	return msg->hdr.size == exact_size(side, msg);
}

static int check_answer(const struct vhu_side *side,
			const struct vhost_user_msg *msg,
			const struct vhost_user_msg *asked, const char **rule)
{
	if (msg->hdr.request != asked->hdr.request)
		return broken(rule, "it answers another request");
	if (side->payload == VHOST_ACK &&
	    !(asked->hdr.flags & VHOST_USER_NEED_REPLY))
		return broken(rule, "no answer was requested");
	return 0;
}

/* Check everything except the header. */
static int check(enum vhost_user_kind kind, const struct vhost_user_msg *msg,
		 uint32_t nr_fds, const struct vhost_user_msg *asked,
		 const char **rule)
{
	const struct vhu_side *side = side_of(kind, msg->hdr.request);
	const char *text;
	int ret;

	if (is_answer(kind)) {
		ret = check_answer(side, msg, asked, rule);
		if (ret)
			return ret;
	}
	if (!right_size(side, msg))
		return broken(rule, "the size does not match the contents");
	if (nr_fds < side->min_fds)
		return broken(rule, "file descriptors are missing");
	if (nr_fds > side->max_fds)
		return broken(rule, "there are too many file descriptors");
	text = side->check ? side->check(msg, nr_fds, asked) : NULL;
	return text ? broken(rule, text) : 0;
}

int vhost_user_decode(enum vhost_user_kind kind, const void *buf, size_t len,
		      uint32_t nr_fds, const struct vhost_user_msg *asked,
		      struct vhost_user_msg *msg, const char **rule)
{
	int ret;

	if (len < HEADER)
		return broken(rule, "the header is truncated");
	ret = vhost_user_decode_header(kind, buf, &msg->hdr, rule);
	if (ret)
		return ret;
	if (len - HEADER != msg->hdr.size)
		return broken(rule, "the length does not match the header");
	memset(&msg->payload, 0, sizeof(msg->payload));
	memcpy(&msg->payload, (const char *)buf + HEADER, msg->hdr.size);
	return check(kind, msg, nr_fds, asked, rule);
}

int vhost_user_encode(enum vhost_user_kind kind, struct vhost_user_msg *msg,
		      uint32_t nr_fds, const struct vhost_user_msg *asked,
		      const char **rule)
{
	const struct vhu_side *side = side_of(kind, msg->hdr.request);
	const struct vhu_side config = { .payload = VHOST_CONFIG };

	if (!side)
		return broken(rule, "the request does not exist");
	if (side->payload != VHOST_CONFIG_OR_NONE)
		msg->hdr.size = exact_size(side, msg);
	else if (msg->payload.config.size)
		msg->hdr.size = exact_size(&config, msg);
	else
		msg->hdr.size = 0;
	msg->hdr.flags &= VHOST_USER_NEED_REPLY;
	msg->hdr.flags |= VHOST_USER_VERSION;
	if (is_answer(kind))
		msg->hdr.flags |= VHOST_USER_REPLY;
	if (msg->hdr.size > sizeof(msg->payload))
		return broken(rule, "it is too large");
	return check(kind, msg, nr_fds, asked, rule);
}

static const char *const protocol_names[] = {
	[VHOST_USER_PROTOCOL_F_MQ] = "MQ",
	[VHOST_USER_PROTOCOL_F_LOG_SHMFD] = "LOG_SHMFD",
	[VHOST_USER_PROTOCOL_F_RARP] = "RARP",
	[VHOST_USER_PROTOCOL_F_REPLY_ACK] = "REPLY_ACK",
	[VHOST_USER_PROTOCOL_F_MTU] = "MTU",
	[VHOST_USER_PROTOCOL_F_BACKEND_REQ] = "BACKEND_REQ",
	[VHOST_USER_PROTOCOL_F_CROSS_ENDIAN] = "CROSS_ENDIAN",
	[VHOST_USER_PROTOCOL_F_CRYPTO_SESSION] = "CRYPTO_SESSION",
	[VHOST_USER_PROTOCOL_F_PAGEFAULT] = "PAGEFAULT",
	[VHOST_USER_PROTOCOL_F_CONFIG] = "CONFIG",
	[VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD] = "BACKEND_SEND_FD",
	[VHOST_USER_PROTOCOL_F_HOST_NOTIFIER] = "HOST_NOTIFIER",
	[VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD] = "INFLIGHT_SHMFD",
	[VHOST_USER_PROTOCOL_F_RESET_DEVICE] = "RESET_DEVICE",
	[VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS] = "INBAND_NOTIFICATIONS",
	[VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS] = "CONFIGURE_MEM_SLOTS",
	[VHOST_USER_PROTOCOL_F_STATUS] = "STATUS",
	[VHOST_USER_PROTOCOL_F_XEN_MMAP] = "XEN_MMAP",
	[VHOST_USER_PROTOCOL_F_SHARED_OBJECT] = "SHARED_OBJECT",
	[VHOST_USER_PROTOCOL_F_DEVICE_STATE] = "DEVICE_STATE",
	[VHOST_USER_PROTOCOL_F_GET_VRING_BASE_INFLIGHT] =
		"GET_VRING_BASE_INFLIGHT",
	[VHOST_USER_PROTOCOL_F_GPA_ADDRESSES] = "GPA_ADDRESSES",
	[VHOST_USER_PROTOCOL_F_SHMEM] = "SHMEM",
};

const char *vhost_user_protocol_name(unsigned int bit)
{
	if (bit < sizeof(protocol_names) / sizeof(protocol_names[0]) &&
	    protocol_names[bit])
		return protocol_names[bit];
	return "?";
}

/* All features up to SHMEM, except those that are not implemented. */
#define IMPLEMENTED                             \
	((2 * VHOST_USER_PROTOCOL(SHMEM) - 1) & \
	 ~(VHOST_USER_PROTOCOL(XEN_MMAP) |      \
	   VHOST_USER_PROTOCOL(GPA_ADDRESSES)))

uint64_t vhost_user_settle_protocol(uint64_t mask)
{
	static const struct {
		uint64_t feature;
		uint64_t needed;
	} needs[] = {
		/* A feature stands before the features that need it. */
		{ VHOST_USER_PROTOCOL(BACKEND_SEND_FD),
		  VHOST_USER_PROTOCOL(BACKEND_REQ) },
		{ VHOST_USER_PROTOCOL(INBAND_NOTIFICATIONS),
		  VHOST_USER_PROTOCOL(BACKEND_REQ) |
			  VHOST_USER_PROTOCOL(REPLY_ACK) },
		{ VHOST_USER_PROTOCOL(HOST_NOTIFIER),
		  VHOST_USER_PROTOCOL(BACKEND_SEND_FD) },
		{ VHOST_USER_PROTOCOL(SHMEM),
		  VHOST_USER_PROTOCOL(BACKEND_SEND_FD) },
		{ VHOST_USER_PROTOCOL(PAGEFAULT),
		  VHOST_USER_PROTOCOL(REPLY_ACK) },
		/*
		 * crosvm uses bit 20 for shared memory. Its back ends do not
		 * have INFLIGHT_SHMFD, which GET_VRING_BASE_INFLIGHT needs.
		 */
		{ VHOST_USER_PROTOCOL(GET_VRING_BASE_INFLIGHT),
		  VHOST_USER_PROTOCOL(INFLIGHT_SHMFD) },
	};
	size_t i;

	mask &= IMPLEMENTED;
	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if ((mask & needs[i].needed) != needs[i].needed)
			mask &= ~needs[i].feature;
	return mask;
}
