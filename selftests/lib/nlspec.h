/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations and attributes of the control plane.  nlspec.c is generated from
 * Documentation/netlink/specs/vuser.yaml.
 */
#ifndef SELFTESTS_NLSPEC_H
#define SELFTESTS_NLSPEC_H

#include <stdbool.h>
#include <stdint.h>

enum nlspec_kind {
	NLSPEC_U32,
	NLSPEC_S32,
	NLSPEC_U64,
	NLSPEC_STRING,
	NLSPEC_BINARY,
	NLSPEC_FLAG,
	NLSPEC_NEST,
	NLSPEC_PAD,
};

/* @len: the length of a string or of binary data, or its limit; 0: none. */
struct nlspec_attr {
	uint16_t type;
	const char *name;
	enum nlspec_kind kind;
	uint16_t len;
	const struct nlspec_set *nest;
};

struct nlspec_set {
	const char *name;
	const struct nlspec_attr *attrs;
	unsigned int nr;
};

/* @request: the attributes of a request; @dump: it may ask for all. */
struct nlspec_op {
	uint8_t cmd;
	const char *name;
	const struct nlspec_set *set;
	const uint16_t *request;
	unsigned int nr_request;
	bool dump;
};

extern const struct nlspec_set nlspec_sets[];
extern const struct nlspec_op nlspec_ops[];
extern const unsigned int nlspec_nr_ops;

#endif /* SELFTESTS_NLSPEC_H */
