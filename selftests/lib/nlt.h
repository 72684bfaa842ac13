/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink without a library, including messages that a library would
 * not send.  Functions return 0 or -errno; those that call the kernel return
 * its error.
 */
#ifndef SELFTESTS_NLT_H
#define SELFTESTS_NLT_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NLT_MAX_ATTR 64

/*
 * A socket; nlt_open() resolves @family, and the multicast group @group of the
 * family.
 */
struct nlt {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

int nlt_open(struct nlt *nl);
void nlt_close(struct nlt *nl);
int nlt_join(struct nlt *nl);
/* From now on errors carry a text, see nlt_ext_ack(). */
int nlt_enable_ext_ack(struct nlt *nl);

/*
 * A message under construction.  @full: an attribute did not fit; it is not
 * sent.
 */
struct nlt_msg {
	size_t len;
	bool full;
	char buf[256 * 1024] __attribute__((aligned(8)));
};

/* The message is static: build one at a time. */
struct nlt_msg *nlt_new(uint8_t cmd, uint16_t flags);
void nlt_put(struct nlt_msg *msg, uint16_t type, const void *data, size_t len);
void nlt_put_u32(struct nlt_msg *msg, uint16_t type, uint32_t value);
void nlt_put_u64(struct nlt_msg *msg, uint16_t type, uint64_t value);
void nlt_put_string(struct nlt_msg *msg, uint16_t type, const char *text);
/* Opens a nest; returns what nlt_nest_end() needs to close it. */
size_t nlt_nest(struct nlt_msg *msg, uint16_t type);
void nlt_nest_end(struct nlt_msg *msg, size_t nest);

/*
 * An answer or a notification: attributes by number, the last one of each type; and where
 * they begin and end.
 */
struct nlt_reply {
	uint8_t cmd;
	struct nlattr *attrs[NLT_MAX_ATTR];
	const char *begin;
	const char *end;
};

/* The first attribute of a type between two places, or NULL. */
const struct nlattr *nlt_find(const char *pos, const char *end, uint16_t type);

uint32_t nlt_u32(const struct nlattr *attr);
uint64_t nlt_u64(const struct nlattr *attr);
const char *nlt_string(const struct nlattr *attr);

typedef void (*nlt_fn)(void *data, const struct nlt_reply *reply);

/*
 * Sends, calls @fn (may be NULL) for each answer, waits for the
 * acknowledgement.
 */
int nlt_call(struct nlt *nl, struct nlt_msg *msg, nlt_fn fn, void *data);

/*
 * The kernel's report about the last error: its text, "missing" if it
 * named a missing attribute, or "".
 */
const char *nlt_ext_ack(void);

/* Waits up to @ms for a notification; -ETIMEDOUT. */
int nlt_event(struct nlt *nl, int ms, struct nlt_reply *reply);

#endif /* SELFTESTS_NLT_H */
