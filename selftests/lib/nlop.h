/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations of the control plane, as in Documentation/netlink/specs: the
 * attributes of each operation, with a valid value for each attribute.  Tests
 * use the table to send a message with exactly one error.
 */
#ifndef SELFTESTS_NLOP_H
#define SELFTESTS_NLOP_H

#include <linux/vuser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nlt.h"

enum nlop_kind {
	K_U32,
	K_U64,
	K_FD,
	K_TEXT,
	K_UUID,
	K_BYTES,
	K_FLAG,
	K_NEST
};

/* The source of a valid value that is not in the table. */
enum nlop_source {
	FROM_TABLE,
	FROM_ID,
	FROM_TOKEN,
	FROM_UUID,
	FROM_SOCKET,
	FROM_TWIN,
	FROM_MEMFD,
	FROM_EVENTFD,
};

/* The values that the test supplies for these sources. */
struct nlop_env {
	uint32_t id;
	uint64_t token;
	uint8_t uuid[VUSER_UUID_LEN];
	int sock;
	int twin;
	int memfd;
	int eventfd;
};

/* An attribute; a list of attributes ends with type 0. */
struct nlop_attr {
	uint16_t type;
	enum nlop_kind kind;
	bool needed;
	enum nlop_source source;
	uint64_t value;
	const char *text;
	const struct nlop_attr *nest;
};

/* @good: the kernel's answer for a device without a server. */
struct nlop {
	uint8_t cmd;
	const char *name;
	const struct nlop_attr *attrs;
	int good;
};

#define NR_NLOPS 14
extern const struct nlop nlops[NR_NLOPS];
const struct nlop *nlop_of(uint8_t cmd);

/*
 * A message under construction.  @hook is called for each attribute, nested
 * ones too, in the order in which they are put.  It returns true if it has
 * handled the attribute: put it, changed it or left it out.
 */
struct nlop_put {
	const struct nlop_env *env;
	struct nlt_msg *msg;
	bool (*hook)(struct nlop_put *put, const struct nlop_attr *attr);
	void *data;
};

struct nlt_msg *nlop_compose(struct nlop_put *put, const struct nlop *op);
/* Puts the valid attribute; the content of a nest goes through the hook. */
void nlop_put(struct nlop_put *put, const struct nlop_attr *attr);
/* The size of the value in bytes, 0 if it is not fixed. */
size_t nlop_size(enum nlop_kind kind);

#endif /* SELFTESTS_NLOP_H */
