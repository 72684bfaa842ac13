// SPDX-License-Identifier: GPL-2.0
/* Each vhost-user message: its size, its fds, and each rule broken once. */
#include <errno.h>
#include <linux/virtio_crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vhost-user/proto.h>

#include "../harness.h"

#define HEADER	 sizeof(struct vhost_user_header)
#define REQ	 VHOST_USER_REQUEST
#define ANS	 VHOST_USER_ANSWER
#define BREQ	 VHOST_USER_BACKEND_REQUEST
#define BANS	 VHOST_USER_BACKEND_ANSWER
#define POST	 VHOST_USER_POSTCOPY_ANSWER
#define F(name)	 VHOST_USER_##name
#define B(name)	 VHOST_USER_BACKEND_##name
#define C(name)	 VHOST_USER_CROSVM_##name
#define P(name)	 VHOST_USER_PROTOCOL(name)
#define NR_KINDS 5

/*
 * Messages as in the specification: requests, and replies other than
 * acknowledgements.
 */
static const struct row {
	enum vhost_user_kind kind;
	uint32_t request;
	uint32_t size;
	uint32_t fds;
} rows[] = {
	{ REQ, F(GET_FEATURES), 0, 0 },
	{ ANS, F(GET_FEATURES), 8, 0 },
	{ REQ, F(SET_FEATURES), 8, 0 },
	{ REQ, F(SET_OWNER), 0, 0 },
	{ REQ, F(RESET_OWNER), 0, 0 },
	{ REQ, F(SET_MEM_TABLE), 8 + 2 * 32, 2 },
	{ POST, F(SET_MEM_TABLE), 8 + 2 * 32, 0 },
	{ REQ, F(SET_LOG_BASE), 16, 1 },
	{ ANS, F(SET_LOG_BASE), 16, 0 },
	{ REQ, F(SET_LOG_FD), 0, 1 },
	{ REQ, F(SET_VRING_NUM), 8, 0 },
	{ REQ, F(SET_VRING_ADDR), 40, 0 },
	{ REQ, F(SET_VRING_BASE), 8, 0 },
	{ REQ, F(GET_VRING_BASE), 8, 0 },
	{ ANS, F(GET_VRING_BASE), 8, 0 },
	{ REQ, F(SET_VRING_KICK), 8, 1 },
	{ REQ, F(SET_VRING_CALL), 8, 1 },
	{ REQ, F(SET_VRING_ERR), 8, 1 },
	{ REQ, F(GET_PROTOCOL_FEATURES), 0, 0 },
	{ ANS, F(GET_PROTOCOL_FEATURES), 8, 0 },
	{ REQ, F(SET_PROTOCOL_FEATURES), 8, 0 },
	{ REQ, F(GET_QUEUE_NUM), 0, 0 },
	{ ANS, F(GET_QUEUE_NUM), 8, 0 },
	{ REQ, F(SET_VRING_ENABLE), 8, 0 },
	{ REQ, F(SEND_RARP), 8, 0 },
	{ REQ, F(NET_SET_MTU), 8, 0 },
	{ REQ, F(SET_BACKEND_REQ_FD), 0, 1 },
	{ REQ, F(IOTLB_MSG), 32, 0 },
	{ REQ, F(SET_VRING_ENDIAN), 8, 0 },
	{ REQ, F(GET_CONFIG), 12 + 60, 0 },
	{ ANS, F(GET_CONFIG), 12 + 60, 0 },
	{ REQ, F(SET_CONFIG), 12 + 60, 0 },
	{ REQ, F(CREATE_CRYPTO_SESSION), 1072, 0 },
	{ ANS, F(CREATE_CRYPTO_SESSION), 1072, 0 },
	{ REQ, F(CLOSE_CRYPTO_SESSION), 8, 0 },
	{ REQ, F(POSTCOPY_ADVISE), 0, 0 },
	{ ANS, F(POSTCOPY_ADVISE), 0, 1 },
	{ REQ, F(POSTCOPY_LISTEN), 0, 0 },
	{ REQ, F(POSTCOPY_END), 0, 0 },
	{ ANS, F(POSTCOPY_END), 8, 0 },
	{ REQ, F(GET_INFLIGHT_FD), 24, 0 },
	{ ANS, F(GET_INFLIGHT_FD), 24, 1 },
	{ REQ, F(SET_INFLIGHT_FD), 24, 1 },
	{ REQ, F(GPU_SET_SOCKET), 0, 1 },
	{ REQ, F(RESET_DEVICE), 0, 0 },
	{ REQ, F(VRING_KICK), 8, 0 },
	{ REQ, F(GET_MAX_MEM_SLOTS), 0, 0 },
	{ ANS, F(GET_MAX_MEM_SLOTS), 8, 0 },
	{ REQ, F(ADD_MEM_REG), 40, 1 },
	{ POST, F(ADD_MEM_REG), 40, 0 },
	{ REQ, F(REM_MEM_REG), 40, 0 },
	{ REQ, F(SET_STATUS), 8, 0 },
	{ REQ, F(GET_STATUS), 0, 0 },
	{ ANS, F(GET_STATUS), 8, 0 },
	{ REQ, F(GET_SHARED_OBJECT), 16, 0 },
	{ ANS, F(GET_SHARED_OBJECT), 16, 1 },
	{ REQ, F(SET_DEVICE_STATE_FD), 8, 1 },
	{ ANS, F(SET_DEVICE_STATE_FD), 8, 1 },
	{ REQ, F(CHECK_DEVICE_STATE), 0, 0 },
	{ ANS, F(CHECK_DEVICE_STATE), 8, 0 },
	{ REQ, F(GET_SHMEM_CONFIG), 0, 0 },
	{ ANS, F(GET_SHMEM_CONFIG), 8 + 256 * 8, 0 },
	{ BREQ, B(IOTLB_MSG), 32, 0 },
	{ BREQ, B(CONFIG_CHANGE_MSG), 0, 0 },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), 24, 1 },
	{ BREQ, B(VRING_CALL), 8, 0 },
	{ BREQ, B(VRING_ERR), 8, 0 },
	{ BREQ, B(SHARED_OBJECT_ADD), 16, 0 },
	{ BREQ, B(SHARED_OBJECT_REMOVE), 16, 0 },
	{ BREQ, B(SHARED_OBJECT_LOOKUP), 16, 0 },
	{ BANS, B(SHARED_OBJECT_LOOKUP), 8, 1 },
	{ BREQ, B(SHMEM_MAP), 40, 1 },
	{ BREQ, B(SHMEM_UNMAP), 40, 0 },
	{ BREQ, C(FS_MAP), 256, 1 },
	{ BREQ, C(FS_UNMAP), 256, 0 },
	{ BREQ, C(FS_SYNC), 256, 0 },
	{ BREQ, C(FS_IO), 256, 1 },
	{ BREQ, C(GPU_MAP), 64, 1 },
	{ BREQ, C(EXTERNAL_MAP), 32, 0 },
};
#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *find_row(enum vhost_user_kind kind, uint32_t request)
{
	size_t i;

	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].kind == kind && rows[i].request == request)
			return &rows[i];
	return NULL;
}

static bool is_answer(enum vhost_user_kind kind)
{
	return kind == ANS || kind == BANS || kind == POST;
}

static void fill_front(uint32_t request, union vhost_user_payload *p)
{
	switch (request) {
	case F(SET_MEM_TABLE):
		p->memory.nr = 2;
		p->memory.regions[0].size = 0x1000;
		p->memory.regions[1].guest_addr = 0x1000;
		p->memory.regions[1].size = 0x2000;
		break;
	case F(ADD_MEM_REG):
	case F(REM_MEM_REG):
		p->mem_reg.region.size = 0x1000;
		break;
	case F(SET_LOG_BASE):
		p->log.size = 64;
		break;
	case F(SET_VRING_NUM):
		p->state.num = 256;
		break;
	case F(NET_SET_MTU):
		p->u64 = 1500;
		break;
	case F(IOTLB_MSG):
		p->iotlb.type = VHOST_IOTLB_UPDATE;
		p->iotlb.size = 0x1000;
		break;
	case F(GET_CONFIG):
	case F(SET_CONFIG):
		p->config.size = 60;
		break;
	case F(CREATE_CRYPTO_SESSION):
		p->crypto.op_code = VIRTIO_CRYPTO_CIPHER_CREATE_SESSION;
		break;
	case F(GET_INFLIGHT_FD):
	case F(SET_INFLIGHT_FD):
		p->inflight.num_queues = 1;
		p->inflight.queue_size = 128;
		p->inflight.mmap_size = 0x1000;
		break;
	case F(GET_MAX_MEM_SLOTS):
		p->u64 = 8;
		break;
	default:
		break;
	}
}

static void fill_back(uint32_t request, union vhost_user_payload *p)
{
	switch (request) {
	case B(IOTLB_MSG):
		p->iotlb.type = VHOST_IOTLB_MISS;
		break;
	case B(VRING_HOST_NOTIFIER_MSG):
		p->area.size = 0x1000;
		break;
	case B(SHMEM_MAP):
	case B(SHMEM_UNMAP):
		p->mmap.len = 0x1000;
		break;
	case C(FS_MAP):
	case C(FS_UNMAP):
	case C(FS_SYNC):
	case C(FS_IO):
		p->crosvm_fs.len[7] = 0x1000;
		break;
	case C(GPU_MAP):
		p->crosvm_gpu.len = 0x1000;
		break;
	case C(EXTERNAL_MAP):
		p->crosvm_external.len = 0x1000;
		p->crosvm_external.pointer = 0x1000;
		break;
	default:
		break;
	}
}

/* Make a valid message. */
static void make(enum vhost_user_kind kind, uint32_t request,
		 struct vhost_user_msg *msg)
{
	const struct row *row = find_row(kind, request);

	memset(msg, 0, sizeof(*msg));
	msg->hdr.request = request;
	msg->hdr.flags = VHOST_USER_VERSION;
	msg->hdr.size = row ? row->size : 8;
	if (is_answer(kind))
		msg->hdr.flags |= VHOST_USER_REPLY;
	/* An acknowledgement is a number, and some messages have no payload. */
	if (!row || !row->size)
		return;
	if (kind == BREQ)
		fill_back(request, &msg->payload);
	else if (kind != BANS)
		fill_front(request, &msg->payload);
}

/* Return the request that @kind replies to, or NULL. */
static const struct vhost_user_msg *make_asked(enum vhost_user_kind kind,
					       uint32_t request,
					       struct vhost_user_msg *asked)
{
	if (!is_answer(kind))
		return NULL;
	make(kind == BANS ? BREQ : REQ, request, asked);
	asked->hdr.flags |= VHOST_USER_NEED_REPLY;
	return asked;
}

/* Decode @len bytes in memory of exactly that size, with zeroes after @msg. */
static int decode(enum vhost_user_kind kind, const struct vhost_user_msg *msg,
		  size_t len, uint32_t nr_fds, const struct vhost_user_msg *ask,
		  struct vhost_user_msg *out, const char **rule)
{
	size_t head = len < HEADER ? len : HEADER, rest = len - head;
	size_t have = sizeof(msg->payload);
	char *buf = calloc(1, len ? len : 1);
	int ret;

	memcpy(buf, &msg->hdr, head);
	memcpy(buf + head, &msg->payload, rest < have ? rest : have);
	*rule = NULL;
	ret = vhost_user_decode(kind, buf, len, nr_fds, ask, out, rule);
	free(buf);
	/* A rejected message has a rule. */
	check(ret == 0 || (ret == -EPROTO && *rule));
	return ret;
}

TEST(unknown_requests_are_rejected)
{
	static const uint32_t max[] = {
		[REQ] = VHOST_USER_MAX,
		[ANS] = VHOST_USER_MAX,
		[BREQ] = VHOST_USER_BACKEND_MAX,
		[BANS] = VHOST_USER_BACKEND_MAX,
	};
	struct vhost_user_msg msg, out;
	uint32_t kind, request;
	const char *rule;

	for (kind = REQ; kind <= BANS; kind++) {
		memset(&msg, 0, sizeof(msg));
		check_eq(vhost_user_encode(kind, &msg, 0, NULL, &rule),
			 -EPROTO);
		for (request = 1; request < max[kind]; request++)
			check(strcmp(vhost_user_request_name(kind, request),
				     "?"));
		make(kind, 1, &msg);
		msg.hdr.request = 0;
		check_eq(decode(kind, &msg, HEADER + msg.hdr.size, 0, &msg,
				&out, &rule),
			 -EPROTO);
		check(!strcmp(rule, "the request does not exist"));
		msg.hdr.request = max[kind];
		check_eq(decode(kind, &msg, HEADER + msg.hdr.size, 0, &msg,
				&out, &rule),
			 -EPROTO);
		msg.hdr.request = UINT32_MAX;
		check_eq(decode(kind, &msg, HEADER + msg.hdr.size, 0, &msg,
				&out, &rule),
			 -EPROTO);
		check(!strcmp(vhost_user_request_name(kind, max[kind]), "?"));
		check(!strcmp(vhost_user_request_name(kind, 0), "?"));
	}
	/*
	 * There is a row for each request, so that the other tests cover all of
	 * them.
	 */
	for (request = 1; request < VHOST_USER_MAX; request++)
		check(find_row(REQ, request));
	for (request = 1; request < VHOST_USER_BACKEND_MAX; request++)
		check(find_row(BREQ, request));
	for (request = C(FS_MAP); request < C(MAX); request++) {
		check(find_row(BREQ, request));
		check(strcmp(vhost_user_request_name(BREQ, request), "?"));
	}
	check(!strcmp(vhost_user_request_name(BREQ, C(FS_MAP) - 1), "?"));
	check(!strcmp(vhost_user_request_name(BREQ, C(MAX)), "?"));
	check(!strcmp(vhost_user_request_name(REQ, F(IOTLB_MSG)), "IOTLB_MSG"));
	check(!strcmp(vhost_user_request_name(BREQ, B(SHMEM_UNMAP)),
		      "SHMEM_UNMAP"));
}

static bool same(const struct vhost_user_msg *a, const struct vhost_user_msg *b)
{
	return !memcmp(&a->hdr, &b->hdr, HEADER) &&
	       !memcmp(&a->payload, &b->payload, sizeof(a->payload));
}

TEST(valid_messages_are_decoded_and_encoded)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	const struct row *row;
	const char *rule;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		row = &rows[i];
		make(row->kind, row->request, &msg);
		ask = make_asked(row->kind, row->request, &asked);
		check_eq(decode(row->kind, &msg, HEADER + row->size, row->fds,
				ask, &out, &rule),
			 0);
		check(same(&out, &msg));
		/* Encoding returns the same message. */
		out.hdr.flags = 0;
		out.hdr.size = 0;
		check_eq(vhost_user_encode(row->kind, &out, row->fds, ask,
					   &rule),
			 0);
		check(same(&out, &msg));
	}
}

/*
 * Replies that may have other sizes: failures, or sizes that the specification
 * leaves open.
 */
static bool may_have(const struct row *row, uint32_t size)
{
	if (row->kind != ANS)
		return false;
	if (row->request == F(SET_LOG_BASE))
		return size == 0 || size == 8;
	return size == 0 && (row->request == F(GET_CONFIG) ||
			     row->request == F(GET_SHARED_OBJECT));
}

TEST(messages_of_a_wrong_size_are_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	const struct row *row;
	const char *rule;
	uint32_t size;
	bool good;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		row = &rows[i];
		ask = make_asked(row->kind, row->request, &asked);
		for (size = 0; size < row->size + 48; size++) {
			make(row->kind, row->request, &msg);
			msg.hdr.size = size;
			good = size == row->size || may_have(row, size);
			check_eq(decode(row->kind, &msg, HEADER + size,
					row->fds, ask, &out, &rule),
				 good ? 0 : -EPROTO);
		}
		/* The length differs from the header's size. */
		make(row->kind, row->request, &msg);
		for (size = 0; size < HEADER + row->size + 16; size++)
			check_eq(decode(row->kind, &msg, size, row->fds, ask,
					&out, &rule),
				 size == HEADER + row->size ? 0 : -EPROTO);
		msg.hdr.size = UINT32_MAX;
		check_eq(vhost_user_decode_header(row->kind, &msg.hdr, &out.hdr,
						  &rule),
			 -EPROTO);
	}
}

/* Return whether another number of fds is valid as well. */
static bool fds_are_free(const struct row *row)
{
	if (row->kind == ANS)
		return row->request == F(GET_SHARED_OBJECT);
	return row->kind == REQ && row->request == F(REM_MEM_REG);
}

TEST(messages_with_a_wrong_number_of_fds_are_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	const struct row *row;
	const char *rule;
	uint32_t fds;
	bool good;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		row = &rows[i];
		make(row->kind, row->request, &msg);
		ask = make_asked(row->kind, row->request, &asked);
		for (fds = 0; fds < 10; fds++) {
			good = fds == row->fds ||
			       (fds < 2 && fds_are_free(row));
			check_eq(decode(row->kind, &msg, HEADER + row->size,
					fds, ask, &out, &rule),
				 good ? 0 : -EPROTO);
		}
	}
}

TEST(messages_with_wrong_flags_are_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	uint32_t flags, right, bit;
	const struct row *row;
	const char *rule;
	bool good;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		row = &rows[i];
		make(row->kind, row->request, &msg);
		ask = make_asked(row->kind, row->request, &asked);
		right = msg.hdr.flags;
		/* Version, REPLY and NEED_REPLY in each combination. */
		for (flags = 0; flags < 16; flags++) {
			msg.hdr.flags = flags;
			good = flags == right ||
			       (!is_answer(row->kind) &&
				flags == (right | VHOST_USER_NEED_REPLY));
			check_eq(decode(row->kind, &msg, HEADER + row->size,
					row->fds, ask, &out, &rule),
				 good ? 0 : -EPROTO);
		}
		for (bit = 4; bit < 32; bit++) {
			msg.hdr.flags = right | 1U << bit;
			check_eq(decode(row->kind, &msg, HEADER + row->size,
					row->fds, ask, &out, &rule),
				 -EPROTO);
			check(!strcmp(rule, "reserved flags are set"));
		}
	}
}

/* Acknowledgements of all requests that have no reply of their own. */
TEST(acknowledgement_is_accepted_only_if_requested)
{
	struct vhost_user_msg msg, asked, out;
	enum vhost_user_kind kind;
	const char *rule;
	size_t i;

	for (i = 0; i < NR_ROWS; i++) {
		if (is_answer(rows[i].kind))
			continue;
		kind = rows[i].kind == REQ ? ANS : BANS;
		check_eq(vhost_user_has_answer(rows[i].kind, rows[i].request),
			 !!find_row(kind, rows[i].request));
		if (find_row(kind, rows[i].request))
			continue;
		make(kind, rows[i].request, &msg);
		make_asked(kind, rows[i].request, &asked);
		msg.payload.u64 = 5;
		check_eq(decode(kind, &msg, HEADER + 8, 0, &asked, &out, &rule),
			 0);
		check_eq(out.payload.u64, 5);
		msg.hdr.size = 7;
		check_eq(decode(kind, &msg, HEADER + 7, 0, &asked, &out, &rule),
			 -EPROTO);
		msg.hdr.size = 8;
		check_eq(decode(kind, &msg, HEADER + 8, 1, &asked, &out, &rule),
			 -EPROTO);
		asked.hdr.flags &= ~VHOST_USER_NEED_REPLY;
		check_eq(decode(kind, &msg, HEADER + 8, 0, &asked, &out, &rule),
			 -EPROTO);
		check(!strcmp(rule, "no answer was requested"));
	}
}

TEST(reply_to_another_request_is_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const char *rule;

	make(ANS, F(GET_FEATURES), &msg);
	make(REQ, F(GET_PROTOCOL_FEATURES), &asked);
	check_eq(decode(ANS, &msg, HEADER + 8, 0, &asked, &out, &rule),
		 -EPROTO);
	check(!strcmp(rule, "it answers another request"));
	make(BANS, B(VRING_CALL), &msg);
	make(BREQ, B(VRING_ERR), &asked);
	asked.hdr.flags |= VHOST_USER_NEED_REPLY;
	check_eq(decode(BANS, &msg, HEADER + 8, 0, &asked, &out, &rule),
		 -EPROTO);
}

/* One field of the payload is @value, and optionally the number of fds. */
struct change {
	enum vhost_user_kind kind;
	uint32_t request;
	size_t offset;
	size_t width;
	uint64_t value;
	int fds;
	const char *rule;
};

#define AT(field, value)                           \
	offsetof(union vhost_user_payload, field), \
		sizeof(((union vhost_user_payload *)NULL)->field), value, -1
#define AT_FDS(field, value, fds)                  \
	offsetof(union vhost_user_payload, field), \
		sizeof(((union vhost_user_payload *)NULL)->field), value, fds

static int decode_changed(const struct change *c, struct vhost_user_msg *msg,
			  uint32_t *fds, const struct vhost_user_msg *ask,
			  const char **rule)
{
	const struct row *row = find_row(c->kind, c->request);
	struct vhost_user_msg out;

	make(c->kind, c->request, msg);
	memcpy((char *)&msg->payload + c->offset, &c->value, c->width);
	*fds = c->fds < 0 ? row->fds : (uint32_t)c->fds;
	return decode(c->kind, msg, HEADER + msg->hdr.size, *fds, ask, &out,
		      rule);
}

static const struct change broken[] = {
	{ REQ, F(SET_VRING_NUM), AT(state.num, 0),
	  "the ring's size is not 1 to 32768" },
	{ REQ, F(SET_VRING_NUM), AT(state.num, 32769),
	  "the ring's size is not 1 to 32768" },
	{ REQ, F(SET_VRING_NUM), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_BASE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(GET_VRING_BASE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ ANS, F(GET_VRING_BASE), AT(state.index, 1),
	  "it is for another ring" },
	{ REQ, F(SET_VRING_ENABLE), AT(state.num, 2),
	  "the value is neither 0 nor 1" },
	{ REQ, F(SET_VRING_ENABLE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ENDIAN), AT(state.num, 2),
	  "the value is neither 0 nor 1" },
	{ REQ, F(VRING_KICK), AT(state.num, 1),
	  "the reserved number is not 0" },
	{ REQ, F(VRING_KICK), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.flags, 2),
	  "reserved flags of the ring are set" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.desc_user_addr, 8),
	  "the descriptors are not aligned to 16" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.avail_user_addr, 1),
	  "the available ring is not aligned to 2" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.used_user_addr, 2),
	  "the used ring is not aligned to 4" },
	{ REQ, F(SET_VRING_KICK), AT(u64, 0x200), "reserved bits are set" },
	{ REQ, F(SET_VRING_KICK), AT(u64, 0x100),
	  "it has an fd, but its flag NOFD is set" },
	{ REQ, F(SET_VRING_CALL), AT_FDS(u64, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ REQ, F(SET_VRING_ERR), AT(u64, 1ULL << 63), "reserved bits are set" },
	{ REQ, F(SET_MEM_TABLE), AT(memory.padding, 1),
	  "the padding is not 0" },
	{ REQ, F(SET_MEM_TABLE), AT_FDS(memory.nr, 2, 1),
	  "the number of fds is not the number of regions" },
	{ REQ, F(SET_MEM_TABLE), AT_FDS(memory.nr, 2, 3),
	  "the number of fds is not the number of regions" },
	{ REQ, F(SET_MEM_TABLE), AT(memory.regions[1].size, 0),
	  "a region is empty" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[1].guest_addr, UINT64_MAX - 0x1000),
	  "a region wraps in guest addresses" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].user_addr, UINT64_MAX - 0x800),
	  "a region wraps in user addresses" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].mmap_offset, UINT64_MAX - 0x800),
	  "a region wraps in its file" },
	{ POST, F(SET_MEM_TABLE), AT(memory.nr, 1),
	  "the size does not match the contents" },
	{ POST, F(SET_MEM_TABLE), AT(memory.nr, 9),
	  "the size does not match the contents" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[1].guest_addr, 0),
	  "it is for other regions" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].size, 1),
	  "it is for other regions" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].user_addr, UINT64_MAX),
	  "a region wraps in user addresses" },
	{ REQ, F(ADD_MEM_REG), AT(mem_reg.padding, 1), "the padding is not 0" },
	{ REQ, F(ADD_MEM_REG), AT(mem_reg.region.size, 0),
	  "a region is empty" },
	{ REQ, F(REM_MEM_REG), AT(mem_reg.region.guest_addr, UINT64_MAX),
	  "a region wraps in guest addresses" },
	{ POST, F(ADD_MEM_REG), AT(mem_reg.region.guest_addr, 1),
	  "it is for another region" },
	{ POST, F(ADD_MEM_REG), AT(mem_reg.padding, 1),
	  "the padding is not 0" },
	{ REQ, F(SET_LOG_BASE), AT(log.size, 0), "the log is empty" },
	{ REQ, F(SET_LOG_BASE), AT(log.offset, UINT64_MAX),
	  "the log wraps in its file" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_MISS),
	  "the type is neither update nor invalidate" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.type, 0),
	  "the type is neither update nor invalidate" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.size, 0), "the range is empty" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.perm, 4),
	  "the permissions are not 0 to 3" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.iova, UINT64_MAX), "the range wraps" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.uaddr, UINT64_MAX),
	  "the range wraps in user addresses" },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_UPDATE),
	  "the type is neither miss nor access failure" },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.perm, 4),
	  "the permissions are not 0 to 3" },
	{ REQ, F(GET_CONFIG), AT(config.size, 0),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.size, 59),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.size, UINT32_MAX),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.offset, 4037),
	  "the range exceeds 4096 bytes" },
	{ REQ, F(SET_CONFIG), AT(config.offset, UINT32_MAX),
	  "the range exceeds 4096 bytes" },
	{ REQ, F(SET_CONFIG), AT(config.flags, 2),
	  "reserved flags of the range are set" },
	{ ANS, F(GET_CONFIG), AT(config.offset, 1), "it is for another range" },
	{ ANS, F(GET_CONFIG), AT(config.size, 61),
	  "the size does not match the contents" },
	{ ANS, F(GET_CONFIG), AT(config.flags, 2),
	  "reserved flags of the range are set" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.op_code, 0),
	  "the operation does not create a session" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.cipher_key_len, 65),
	  "the cipher's key is longer than 64 bytes" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.auth_key_len, 513),
	  "the authentication key is longer than 512 bytes" },
	{ ANS, F(CREATE_CRYPTO_SESSION), AT(crypto.op_code, 1),
	  "it is for another operation" },
	{ REQ, F(GET_INFLIGHT_FD), AT(inflight.num_queues, 0),
	  "the number of queues or their size is 0" },
	{ REQ, F(GET_INFLIGHT_FD), AT(inflight.queue_size, 0),
	  "the number of queues or their size is 0" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.mmap_size, 0),
	  "the memory is empty" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.mmap_offset, UINT64_MAX),
	  "the memory wraps in its file" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.num_queues, 0),
	  "the number of queues or their size is 0" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.mmap_size, 0),
	  "the memory is empty" },
	{ ANS, F(GET_INFLIGHT_FD), AT_FDS(inflight.mmap_size, 1, 0),
	  "the memory has no fd" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.num_queues, 2),
	  "it is for other queues" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.queue_size, 64),
	  "it is for other queues" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.mmap_offset, UINT64_MAX),
	  "the memory wraps in its file" },
	{ REQ, F(SEND_RARP), AT(u64, 1ULL << 48), "the padding is not 0" },
	{ REQ, F(NET_SET_MTU), AT(u64, 67), "the MTU is not 68 to 65535" },
	{ REQ, F(NET_SET_MTU), AT(u64, 65536), "the MTU is not 68 to 65535" },
	{ REQ, F(SET_STATUS), AT(u64, 256), "the status has more than 8 bits" },
	{ ANS, F(GET_STATUS), AT(u64, 256), "the status has more than 8 bits" },
	{ ANS, F(GET_MAX_MEM_SLOTS), AT(u64, 0),
	  "the number of memory slots is 0" },
	{ ANS, F(GET_SHARED_OBJECT), AT(shared.uuid[15], 1),
	  "it is for another object" },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT(u64, 1),
	  "it reports a failure and has an fd" },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT_FDS(u64, 0, 0), "it has no fd" },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.direction, 2),
	  "the direction is neither save nor load" },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.phase, 1),
	  "the phase is not 0" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 1),
	  "it reports a failure and has an fd" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 0x100),
	  "it has an fd, but its flag NOFD is set" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 0x200),
	  "reserved bits are set" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.padding, 1),
	  "the padding is not 0" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.nr, 1),
	  "the number of sizes is wrong" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.sizes[255], 0x1000),
	  "the number of sizes is wrong" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.sizes[0], 1),
	  "a size is not a multiple of 4096" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.vring, 0x200),
	  "reserved bits are set" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.size, 0),
	  "the area is empty" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.offset, UINT64_MAX),
	  "the area wraps" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT_FDS(area.vring, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ BREQ, B(VRING_CALL), AT(state.num, 1),
	  "the reserved number is not 0" },
	{ BREQ, B(VRING_ERR), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.padding[6], 1), "the padding is not 0" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.len, 0), "the mapping is empty" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.fd_offset, UINT64_MAX),
	  "the mapping wraps in its file" },
	{ BREQ, B(SHMEM_UNMAP), AT(mmap.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.flags, 2),
	  "reserved flags of the mapping are set" },
	{ BREQ, C(FS_MAP), AT(crosvm_fs.len[7], 0), "all parts are empty" },
	{ BREQ, C(FS_SYNC), AT(crosvm_fs.flags[0], 4),
	  "reserved flags of a part are set" },
	{ BREQ, C(FS_IO), AT(crosvm_fs.fd_offset[7], UINT64_MAX),
	  "a part wraps in its file" },
	{ BREQ, C(FS_UNMAP), AT(crosvm_fs.shm_offset[7], UINT64_MAX),
	  "a part wraps in the shared memory" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.padding[6], 1),
	  "the padding is not 0" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.len, 0), "the mapping is empty" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.padding[0], 1),
	  "the padding is not 0" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.len, 0),
	  "the mapping is empty" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.pointer, 0),
	  "the pointer is 0" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.pointer, UINT64_MAX),
	  "the mapping wraps in memory" },
};

TEST(each_broken_rule_is_rejected_with_its_text)
{
	struct vhost_user_msg msg, asked;
	const struct vhost_user_msg *ask;
	const struct change *c;
	const char *rule;
	uint32_t fds;
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		c = &broken[i];
		ask = make_asked(c->kind, c->request, &asked);
		check_eq(decode_changed(c, &msg, &fds, ask, &rule), -EPROTO);
		if (!rule || strcmp(rule, c->rule)) {
			printf("# row %zu: %s, not %s\n", i, rule, c->rule);
			check(!"the expected rule");
		}
		/* The encoder sets the size itself. */
		if (strstr(c->rule, "size does not match"))
			continue;
		rule = NULL;
		check_eq(vhost_user_encode(c->kind, &msg, fds, ask, &rule),
			 -EPROTO);
		check(rule && !strcmp(rule, c->rule));
	}
}

/* The extreme values that are valid. */
static const struct change fine[] = {
	{ REQ, F(SET_VRING_NUM), AT(state.num, 32768), NULL },
	{ REQ, F(SET_VRING_NUM), AT(state.num, 1), NULL },
	{ REQ, F(SET_VRING_BASE), AT(state.num, UINT32_MAX), NULL },
	{ REQ, F(SET_VRING_BASE), AT(state.index, 255), NULL },
	{ ANS, F(GET_VRING_BASE), AT(state.num, UINT32_MAX), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.flags, 1), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.desc_user_addr, 16), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.avail_user_addr, 2), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.used_user_addr, 4), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.log_guest_addr, 1), NULL },
	{ REQ, F(SET_VRING_KICK), AT_FDS(u64, 0x1ff, 0), NULL },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].user_addr, UINT64_MAX - 0xfff), NULL },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].user_addr, 0x5000),
	  NULL },
	{ REQ, F(GET_CONFIG), AT(config.offset, 4036), NULL },
	{ REQ, F(SET_CONFIG), AT(config.flags, 1), NULL },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.cipher_key_len, 64),
	  NULL },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.auth_key_len, 512),
	  NULL },
	{ ANS, F(CREATE_CRYPTO_SESSION), AT(crypto.session_id, UINT64_MAX),
	  NULL },
	{ ANS, F(GET_INFLIGHT_FD), AT_FDS(inflight.mmap_size, 0, 0), NULL },
	{ REQ, F(SEND_RARP), AT(u64, (1ULL << 48) - 1), NULL },
	{ REQ, F(NET_SET_MTU), AT(u64, 68), NULL },
	{ REQ, F(NET_SET_MTU), AT(u64, 65535), NULL },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT_FDS(u64, 1, 0), NULL },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0x101, 0), NULL },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0x100, 0), NULL },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.direction, 1), NULL },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_ACCESS_FAIL), NULL },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT_FDS(area.vring, 0x101, 0),
	  NULL },
	{ BREQ, B(SHMEM_MAP), AT(mmap.flags, 1), NULL },
	{ BREQ, B(SHMEM_MAP), AT(mmap.shmid, 255), NULL },
	{ BREQ, C(FS_MAP), AT(crosvm_fs.flags[0], 3), NULL },
	/* All of the shared memory. */
	{ BREQ, C(FS_UNMAP), AT(crosvm_fs.len[7], UINT64_MAX), NULL },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.memory_idx, UINT32_MAX), NULL },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.shmid, 255), NULL },
};

TEST(extreme_valid_values_are_accepted)
{
	struct vhost_user_msg msg, asked;
	const struct vhost_user_msg *ask;
	const char *rule;
	uint32_t fds;
	size_t i;

	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		ask = make_asked(fine[i].kind, fine[i].request, &asked);
		check_eq(decode_changed(&fine[i], &msg, &fds, ask, &rule), 0);
		if (rule)
			printf("# row %zu: %s\n", i, rule);
	}
}

/* Sizes that depend on the payload. */
TEST(size_must_match_the_count_in_the_payload)
{
	struct vhost_user_msg msg, out, asked;
	const char *rule;
	uint32_t i;

	for (i = 0; i <= VHOST_USER_MAX_REGIONS + 1; i++) {
		make(REQ, F(SET_MEM_TABLE), &msg);
		msg.payload.memory.nr = i;
		for (uint32_t n = 2; n < VHOST_USER_MAX_REGIONS; n++)
			msg.payload.memory.regions[n].size = 1;
		msg.hdr.size = 8 + 32 * i;
		check_eq(decode(REQ, &msg, HEADER + msg.hdr.size, i, NULL, &out,
				&rule),
			 i <= VHOST_USER_MAX_REGIONS ? 0 : -EPROTO);
		check_eq(vhost_user_encode(REQ, &msg, i, NULL, &rule),
			 i <= VHOST_USER_MAX_REGIONS ? 0 : -EPROTO);
	}
	make(REQ, F(SET_MEM_TABLE), &msg);
	msg.payload.memory.nr = 1U << 27;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	make(REQ, F(SET_CONFIG), &msg);
	msg.payload.config.size = VHOST_USER_MAX_CONFIG;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), 0);
	check_eq(msg.hdr.size, 12 + 4096);
	check_eq(decode(REQ, &msg, HEADER + 12 + 4096, 0, NULL, &out, &rule),
		 0);
	msg.payload.config.size = VHOST_USER_MAX_CONFIG + 1;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	msg.payload.config.size = UINT32_MAX;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	make(REQ, F(GET_CONFIG), &msg);
	msg.payload.config.size = 0;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	check(!strcmp(rule, "the range is empty"));
	/* Bases of fewer regions than were sent. */
	make(POST, F(SET_MEM_TABLE), &msg);
	make_asked(POST, F(SET_MEM_TABLE), &asked);
	msg.payload.memory.nr = 1;
	msg.hdr.size = 8 + 32;
	check_eq(decode(POST, &msg, HEADER + 8 + 32, 0, &asked, &out, &rule),
		 -EPROTO);
	check(!strcmp(rule, "it has a different number of regions"));
	/* A failed GET_CONFIG in the two forms that back ends use. */
	make(ANS, F(GET_CONFIG), &msg);
	make_asked(ANS, F(GET_CONFIG), &asked);
	msg.payload.config.size = 0;
	msg.hdr.size = 12;
	check_eq(decode(ANS, &msg, HEADER + 12, 0, &asked, &out, &rule), 0);
	check_eq(out.payload.config.size, 0);
	check_eq(vhost_user_encode(ANS, &msg, 0, &asked, &rule), 0);
	check_eq(msg.hdr.size, 0);
	msg.payload.config.size = UINT32_MAX;
	check_eq(vhost_user_encode(ANS, &msg, 0, &asked, &rule), -EPROTO);
	/* An empty reply to GET_STATUS is invalid. */
	make(ANS, F(GET_STATUS), &msg);
	make_asked(ANS, F(GET_STATUS), &asked);
	msg.hdr.size = 0;
	check_eq(decode(ANS, &msg, HEADER, 0, &asked, &out, &rule), -EPROTO);
}

TEST(asymmetric_session_with_too_long_a_key_is_rejected)
{
	struct vhost_user_msg msg, out;
	const char *rule;

	make(REQ, F(CREATE_CRYPTO_SESSION), &msg);
	msg.payload.crypto.op_code = VIRTIO_CRYPTO_AKCIPHER_CREATE_SESSION;
	msg.payload.crypto.asym.key_len = 1024;
	check_eq(decode(REQ, &msg, HEADER + 1072, 0, NULL, &out, &rule), 0);
	msg.payload.crypto.asym.key_len = 1025;
	check_eq(decode(REQ, &msg, HEADER + 1072, 0, NULL, &out, &rule),
		 -EPROTO);
	check(!strcmp(rule, "the key is longer than 1024 bytes"));
}

TEST(protocol_features_are_dropped_with_those_they_depend_on)
{
	static const struct {
		uint64_t mask;
		uint64_t settled;
	} masks[] = {
		{ 0, 0 },
		{ P(MQ) | P(CONFIG), P(MQ) | P(CONFIG) },
		{ P(BACKEND_SEND_FD), 0 },
		{ P(BACKEND_REQ) | P(BACKEND_SEND_FD),
		  P(BACKEND_REQ) | P(BACKEND_SEND_FD) },
		{ P(INBAND_NOTIFICATIONS) | P(REPLY_ACK), P(REPLY_ACK) },
		{ P(INBAND_NOTIFICATIONS) | P(BACKEND_REQ), P(BACKEND_REQ) },
		{ P(HOST_NOTIFIER) | P(BACKEND_SEND_FD), 0 },
		{ P(SHMEM) | P(BACKEND_REQ), P(BACKEND_REQ) },
		{ P(PAGEFAULT), 0 },
		/* crosvm's bit for shared memory. */
		{ P(GET_VRING_BASE_INFLIGHT) | P(MQ), P(MQ) },
		{ P(GET_VRING_BASE_INFLIGHT) | P(INFLIGHT_SHMFD),
		  P(GET_VRING_BASE_INFLIGHT) | P(INFLIGHT_SHMFD) },
		/* Features that are not implemented, and unknown ones. */
		{ P(XEN_MMAP) | P(MQ), P(MQ) },
		{ P(GPA_ADDRESSES) | P(MQ), P(MQ) },
		{ ~UINT64_C(0) << 23, 0 },
		{ UINT64_MAX, 0x7fffff & ~(P(XEN_MMAP) | P(GPA_ADDRESSES)) },
	};
	size_t i;

	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		check(vhost_user_settle_protocol(masks[i].mask) ==
		      masks[i].settled);
	check(!strcmp(vhost_user_protocol_name(0), "MQ"));
	check(!strcmp(vhost_user_protocol_name(22), "SHMEM"));
	check(!strcmp(vhost_user_protocol_name(17), "XEN_MMAP"));
	check(!strcmp(vhost_user_protocol_name(20), "GET_VRING_BASE_INFLIGHT"));
	check(!strcmp(vhost_user_protocol_name(21), "GPA_ADDRESSES"));
	check(!strcmp(vhost_user_protocol_name(23), "?"));
	check(!strcmp(vhost_user_protocol_name(UINT32_MAX), "?"));
	check(vhost_user_protocol_needed(REQ, F(GET_CONFIG)) == P(CONFIG));
	check(vhost_user_protocol_needed(BREQ, B(SHMEM_MAP)) == P(SHMEM));
	check(!vhost_user_protocol_needed(REQ, F(SET_FEATURES)));
	check(!vhost_user_protocol_needed(REQ, VHOST_USER_MAX));
}
