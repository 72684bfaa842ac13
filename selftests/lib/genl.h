/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink by hand: messages that a library would not send, too.
 * Functions return 0 or -errno, those that ask the kernel its own.
 */
#ifndef SELFTESTS_GENL_H
#define SELFTESTS_GENL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GENL_MAX_ATTR	64

/* A socket; @family and @group (of @vuser's devices) are looked up. */
struct genl {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

int genl_open(struct genl *nl);
void genl_close(struct genl *nl);
int genl_join(struct genl *nl);

/* A request under way; attributes that do not fit spoil it. */
struct genl_msg {
	size_t len;
	bool full;
	char buf[256 * 1024] __attribute__((aligned(8)));
};

/* The message is static: one request at a time. */
struct genl_msg *genl_new(uint8_t cmd, uint16_t flags);
void genl_put(struct genl_msg *msg, uint16_t type, const void *data,
	      size_t len);
void genl_put_u32(struct genl_msg *msg, uint16_t type, uint32_t value);
void genl_put_u64(struct genl_msg *msg, uint16_t type, uint64_t value);
void genl_put_string(struct genl_msg *msg, uint16_t type, const char *text);
/* Returns what genl_nest_end() takes. */
size_t genl_nest(struct genl_msg *msg, uint16_t type);
void genl_nest_end(struct genl_msg *msg, size_t nest);

/* An answer, or what came on its own: attributes by number. */
struct genl_reply {
	uint8_t cmd;
	struct nlattr *attrs[GENL_MAX_ATTR];
};

uint32_t genl_u32(const struct nlattr *attr);
uint64_t genl_u64(const struct nlattr *attr);
const char *genl_string(const struct nlattr *attr);

typedef void (*genl_fn)(void *data, const struct genl_reply *reply);

/* Sends and waits for the acknowledgement; @fn for each answer, or NULL. */
int genl_call(struct genl *nl, struct genl_msg *msg, genl_fn fn, void *data);

/* Waits up to @ms for a message on its own; -ETIMEDOUT. */
int genl_event(struct genl *nl, int ms, struct genl_reply *reply);

#endif /* SELFTESTS_GENL_H */
