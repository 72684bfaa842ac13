/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink by hand: messages that a library would not send, too.
 * Functions return 0 or -errno, those that ask the kernel its own.
 */
#ifndef SELFTESTS_NLT_H
#define SELFTESTS_NLT_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NLT_MAX_ATTR 64

/* A socket; @family and @group (of @vuser's devices) are looked up. */
struct nlt {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

int nlt_open(struct nlt *nl);
void nlt_close(struct nlt *nl);
int nlt_join(struct nlt *nl);
/* From now on errors come with a text, see nlt_text(). */
int nlt_ask_why(struct nlt *nl);

/* A request under way; attributes that do not fit spoil it. */
struct nlt_msg {
	size_t len;
	bool full;
	char buf[256 * 1024] __attribute__((aligned(8)));
};

/* The message is static: one request at a time. */
struct nlt_msg *nlt_new(uint8_t cmd, uint16_t flags);
void nlt_put(struct nlt_msg *msg, uint16_t type, const void *data, size_t len);
void nlt_put_u32(struct nlt_msg *msg, uint16_t type, uint32_t value);
void nlt_put_u64(struct nlt_msg *msg, uint16_t type, uint64_t value);
void nlt_put_string(struct nlt_msg *msg, uint16_t type, const char *text);
/* Returns what nlt_nest_end() takes. */
size_t nlt_nest(struct nlt_msg *msg, uint16_t type);
void nlt_nest_end(struct nlt_msg *msg, size_t nest);

/* An answer, or what came on its own: attributes by number. */
struct nlt_reply {
	uint8_t cmd;
	struct nlattr *attrs[NLT_MAX_ATTR];
};

uint32_t nlt_u32(const struct nlattr *attr);
uint64_t nlt_u64(const struct nlattr *attr);
const char *nlt_string(const struct nlattr *attr);

typedef void (*nlt_fn)(void *data, const struct nlt_reply *reply);

/* Sends and waits for the acknowledgement; @fn for each answer, or NULL. */
int nlt_call(struct nlt *nl, struct nlt_msg *msg, nlt_fn fn, void *data);

/*
 * What the kernel said of the last call's error: its text, "missing" where it
 * named an attribute that is not there, or "".
 */
const char *nlt_text(void);

/* Waits up to @ms for a message on its own; -ETIMEDOUT. */
int nlt_event(struct nlt *nl, int ms, struct nlt_reply *reply);

#endif /* SELFTESTS_NLT_H */
