// SPDX-License-Identifier: GPL-2.0
/* The header, size and fds of each vhost-user message, and the protocol features. */
#include <errno.h>
#include <string.h>

#include "message.h"
#include "../harness.h"

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
		message_make(kind, 1, &msg);
		msg.hdr.request = 0;
		check_eq(message_decode(kind, &msg, HEADER + msg.hdr.size, 0,
					&msg, &out, &rule),
			 -EPROTO);
		check(!strcmp(rule, "the request does not exist"));
		msg.hdr.request = max[kind];
		check_eq(message_decode(kind, &msg, HEADER + msg.hdr.size, 0,
					&msg, &out, &rule),
			 -EPROTO);
		msg.hdr.request = UINT32_MAX;
		check_eq(message_decode(kind, &msg, HEADER + msg.hdr.size, 0,
					&msg, &out, &rule),
			 -EPROTO);
		check(!strcmp(vhost_user_request_name(kind, max[kind]), "?"));
		check(!strcmp(vhost_user_request_name(kind, 0), "?"));
	}
	/*
	 * There is a row for each request, so that the other tests cover all of
	 * them.
	 */
	for (request = 1; request < VHOST_USER_MAX; request++)
		check(message_row(REQ, request));
	for (request = 1; request < VHOST_USER_BACKEND_MAX; request++)
		check(message_row(BREQ, request));
	for (request = C(FS_MAP); request < C(MAX); request++) {
		check(message_row(BREQ, request));
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
	const struct message_row *row;
	const char *rule;
	size_t i;

	for (i = 0; i < message_nr_rows; i++) {
		row = &message_rows[i];
		message_make(row->kind, row->request, &msg);
		ask = message_make_asked(row->kind, row->request, &asked);
		check_eq(message_decode(row->kind, &msg, HEADER + row->size,
					row->fds, ask, &out, &rule),
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
static bool may_have(const struct message_row *row, uint32_t size)
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
	const struct message_row *row;
	const char *rule;
	uint32_t size;
	bool good;
	size_t i;

	for (i = 0; i < message_nr_rows; i++) {
		row = &message_rows[i];
		ask = message_make_asked(row->kind, row->request, &asked);
		for (size = 0; size < row->size + 48; size++) {
			message_make(row->kind, row->request, &msg);
			msg.hdr.size = size;
			good = size == row->size || may_have(row, size);
			check_eq(message_decode(row->kind, &msg, HEADER + size,
						row->fds, ask, &out, &rule),
				 good ? 0 : -EPROTO);
		}
		/* The length differs from the header's size. */
		message_make(row->kind, row->request, &msg);
		for (size = 0; size < HEADER + row->size + 16; size++)
			check_eq(message_decode(row->kind, &msg, size, row->fds,
						ask, &out, &rule),
				 size == HEADER + row->size ? 0 : -EPROTO);
		msg.hdr.size = UINT32_MAX;
		check_eq(vhost_user_decode_header(row->kind, &msg.hdr, &out.hdr,
						  &rule),
			 -EPROTO);
	}
}

/* Return whether another number of fds is valid as well. */
static bool fds_are_free(const struct message_row *row)
{
	if (row->kind == ANS)
		return row->request == F(GET_SHARED_OBJECT);
	return row->kind == REQ && row->request == F(REM_MEM_REG);
}

TEST(messages_with_a_wrong_number_of_fds_are_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	const struct message_row *row;
	const char *rule;
	uint32_t fds;
	bool good;
	size_t i;

	for (i = 0; i < message_nr_rows; i++) {
		row = &message_rows[i];
		message_make(row->kind, row->request, &msg);
		ask = message_make_asked(row->kind, row->request, &asked);
		for (fds = 0; fds < 10; fds++) {
			good = fds == row->fds ||
			       (fds < 2 && fds_are_free(row));
			check_eq(message_decode(row->kind, &msg,
						HEADER + row->size, fds, ask,
						&out, &rule),
				 good ? 0 : -EPROTO);
		}
	}
}

TEST(messages_with_wrong_flags_are_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const struct vhost_user_msg *ask;
	uint32_t flags, right, bit;
	const struct message_row *row;
	const char *rule;
	bool good;
	size_t i;

	for (i = 0; i < message_nr_rows; i++) {
		row = &message_rows[i];
		message_make(row->kind, row->request, &msg);
		ask = message_make_asked(row->kind, row->request, &asked);
		right = msg.hdr.flags;
		/* Version, REPLY and NEED_REPLY in each combination. */
		for (flags = 0; flags < 16; flags++) {
			msg.hdr.flags = flags;
			good = flags == right ||
			       (!message_is_answer(row->kind) &&
				flags == (right | VHOST_USER_NEED_REPLY));
			check_eq(message_decode(row->kind, &msg,
						HEADER + row->size, row->fds,
						ask, &out, &rule),
				 good ? 0 : -EPROTO);
		}
		for (bit = 4; bit < 32; bit++) {
			msg.hdr.flags = right | 1U << bit;
			check_eq(message_decode(row->kind, &msg,
						HEADER + row->size, row->fds,
						ask, &out, &rule),
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

	for (i = 0; i < message_nr_rows; i++) {
		if (message_is_answer(message_rows[i].kind))
			continue;
		kind = message_rows[i].kind == REQ ? ANS : BANS;
		check_eq(vhost_user_has_answer(message_rows[i].kind,
					       message_rows[i].request),
			 !!message_row(kind, message_rows[i].request));
		if (message_row(kind, message_rows[i].request))
			continue;
		message_make(kind, message_rows[i].request, &msg);
		message_make_asked(kind, message_rows[i].request, &asked);
		msg.payload.u64 = 5;
		check_eq(message_decode(kind, &msg, HEADER + 8, 0, &asked, &out,
					&rule),
			 0);
		check_eq(out.payload.u64, 5);
		msg.hdr.size = 7;
		check_eq(message_decode(kind, &msg, HEADER + 7, 0, &asked, &out,
					&rule),
			 -EPROTO);
		msg.hdr.size = 8;
		check_eq(message_decode(kind, &msg, HEADER + 8, 1, &asked, &out,
					&rule),
			 -EPROTO);
		asked.hdr.flags &= ~VHOST_USER_NEED_REPLY;
		check_eq(message_decode(kind, &msg, HEADER + 8, 0, &asked, &out,
					&rule),
			 -EPROTO);
		check(!strcmp(rule, "no answer was requested"));
	}
}

TEST(reply_to_another_request_is_rejected)
{
	struct vhost_user_msg msg, asked, out;
	const char *rule;

	message_make(ANS, F(GET_FEATURES), &msg);
	message_make(REQ, F(GET_PROTOCOL_FEATURES), &asked);
	check_eq(message_decode(ANS, &msg, HEADER + 8, 0, &asked, &out, &rule),
		 -EPROTO);
	check(!strcmp(rule, "it answers another request"));
	message_make(BANS, B(VRING_CALL), &msg);
	message_make(BREQ, B(VRING_ERR), &asked);
	asked.hdr.flags |= VHOST_USER_NEED_REPLY;
	check_eq(message_decode(BANS, &msg, HEADER + 8, 0, &asked, &out, &rule),
		 -EPROTO);
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
