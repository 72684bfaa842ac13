/* SPDX-License-Identifier: GPL-2.0 */
/* Replies that violate the protocol. */
#ifndef TESTDEV_CORRUPT_H
#define TESTDEV_CORRUPT_H

struct vuser_msg;

enum corrupt_kind {
	CORRUPT_NONE,
	CORRUPT_ID, /* an ID without a command */
	CORRUPT_COMMAND, /* another command */
	CORRUPT_TYPE, /* neither command nor reply */
	CORRUPT_LONG, /* 4 bytes too long */
	CORRUPT_SHORT, /* one byte too short */
	CORRUPT_HUGE, /* a size of 4 GiB minus one */
	CORRUPT_TINY, /* a size below the header's */
	CORRUPT_COUNT, /* a wrong count in the payload */
	CORRUPT_TWICE, /* the reply twice */
	CORRUPT_HALF, /* half of the reply only */
	CORRUPT_CUT, /* half of the reply, then the connection ends */
	CORRUPT_FD, /* with an unexpected descriptor */
	/* Of the log of writes: well-formed messages, but lies. */
	CORRUPT_LESS, /* 8 bytes less than the bitmap has */
	CORRUPT_ZEROS, /* a bitmap without bits */
	CORRUPT_ONES, /* a bitmap of ones only */
	CORRUPT_ODD_PAGE, /* a log of pages of 3 bytes */
	CORRUPT_HUGE_PAGE, /* a log of pages of 2 MiB */
};

/* Return the kind with this name, or CORRUPT_NONE. */
enum corrupt_kind corrupt_kind_by_name(const char *name);

/* Send the reply in corrupted form; return 0 or -errno. */
int corrupt_send(int fd, struct vuser_msg *msg, enum corrupt_kind kind);

#endif /* TESTDEV_CORRUPT_H */
