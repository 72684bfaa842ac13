/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink without a library, so that a test can send malformed
 * messages.
 */
#ifndef SELFTESTS_GENL_H
#define SELFTESTS_GENL_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct genl {
	int fd;
	uint16_t family;
	uint32_t seq;
};

/* A message under construction. */
struct genl_msg {
	union {
		struct nlmsghdr hdr;
		char buf[16384];
	};
	size_t len;
};

/* Connects and resolves the family "vuser"; 0 or -errno. */
int genl_open(struct genl *nl);
void genl_close(struct genl *nl);

void genl_begin(struct genl *nl, struct genl_msg *msg, uint8_t cmd,
		uint16_t flags);
void genl_put(struct genl_msg *msg, uint16_t type, const void *data,
	      size_t len);
void genl_put_u32(struct genl_msg *msg, uint16_t type, uint32_t value);
void genl_put_u64(struct genl_msg *msg, uint16_t type, uint64_t value);
/* Opens a nest; returns what genl_nest_end() needs to close it. */
size_t genl_nest(struct genl_msg *msg, uint16_t type);
void genl_nest_end(struct genl_msg *msg, size_t start);

/*
 * Sends a message and waits for the answer: 0, the kernel's -errno, or
 * -ETIMEDOUT.  Use genl_get() to read the attributes of the reply, if there is
 * one.
 */
int genl_send(struct genl *nl, struct genl_msg *msg);
/*
 * The value of a 4- or 8-byte attribute of the last reply of @nl; -1 if absent.
 */
int64_t genl_get(uint16_t type);

#endif /* SELFTESTS_GENL_H */
