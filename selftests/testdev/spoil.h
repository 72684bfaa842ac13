/* SPDX-License-Identifier: GPL-2.0 */
/* Replies as no honest server sends them. */
#ifndef TESTDEV_SPOIL_H
#define TESTDEV_SPOIL_H

struct vuser_msg;

enum spoil_kind {
	SPOIL_NOT,
	SPOIL_ID, /* of nobody */
	SPOIL_COMMAND, /* another than asked */
	SPOIL_TYPE, /* neither command nor reply */
	SPOIL_LONG, /* 4 bytes more than there should be */
	SPOIL_SHORT, /* one byte less */
	SPOIL_HUGE, /* a size of 4 GiB less one */
	SPOIL_TINY, /* a size less than the header's */
	SPOIL_COUNT, /* the count in the payload is another */
	SPOIL_TWICE, /* the reply, and again */
	SPOIL_HALF, /* half of it, and no more */
	SPOIL_CUT, /* half of it, then the end */
	SPOIL_FD, /* with a descriptor nobody asked for */
};

/* SPOIL_NOT for a name it does not know. */
enum spoil_kind spoil_by_name(const char *name);

/* Sends the reply, spoiled; 0 or -errno. */
int spoil_send(int fd, struct vuser_msg *msg, enum spoil_kind kind);

#endif /* TESTDEV_SPOIL_H */
