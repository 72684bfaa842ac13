/* SPDX-License-Identifier: GPL-2.0 */
/* Valid vhost-user messages for tests, and changes that make them invalid. */
#ifndef TEST_MESSAGE_H
#define TEST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vhost-user/proto.h>

#define HEADER	sizeof(struct vhost_user_header)
#define REQ	VHOST_USER_REQUEST
#define ANS	VHOST_USER_ANSWER
#define BREQ	VHOST_USER_BACKEND_REQUEST
#define BANS	VHOST_USER_BACKEND_ANSWER
#define POST	VHOST_USER_POSTCOPY_ANSWER
#define F(name) VHOST_USER_##name
#define B(name) VHOST_USER_BACKEND_##name
#define C(name) VHOST_USER_CROSVM_##name
#define P(name) VHOST_USER_PROTOCOL(name)

/**
 * struct message_row - a message as in the specification: a request, or a reply with a
 *	payload of its own
 * @kind: its kind
 * @request: its request
 * @size: bytes of its payload
 * @fds: number of its file descriptors
 */
struct message_row {
	enum vhost_user_kind kind;
	uint32_t request;
	uint32_t size;
	uint32_t fds;
};

extern const struct message_row message_rows[];
extern const size_t message_nr_rows;

/* The row of a message, or NULL. */
const struct message_row *message_row(enum vhost_user_kind kind,
				      uint32_t request);

bool message_is_answer(enum vhost_user_kind kind);

/* Make a valid message. */
void message_make(enum vhost_user_kind kind, uint32_t request,
		  struct vhost_user_msg *msg);

/* Return the request that @kind replies to, or NULL. */
const struct vhost_user_msg *message_make_asked(enum vhost_user_kind kind,
						uint32_t request,
						struct vhost_user_msg *asked);

/* Decode @len bytes in memory of exactly that size, with zeroes after @msg. */
int message_decode(enum vhost_user_kind kind, const struct vhost_user_msg *msg,
		   size_t len, uint32_t nr_fds,
		   const struct vhost_user_msg *ask, struct vhost_user_msg *out,
		   const char **rule);

/**
 * struct message_change - one change of a valid message
 * @kind: kind of the message
 * @request: its request
 * @offset: offset of the changed field in the payload
 * @width: size of the field
 * @value: value of the field
 * @fds: number of file descriptors, or -1 for the valid number
 * @rule: text of the rule that the change breaks, or NULL
 */
struct message_change {
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

/* Check that the decoder and the encoder reject each of @nr changes with its rule. */
void message_check_broken(const struct message_change *changes, size_t nr);

/* Check that the decoder accepts each of @nr changes. */
void message_check_fine(const struct message_change *changes, size_t nr);

#endif /* TEST_MESSAGE_H */
