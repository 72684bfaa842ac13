/* SPDX-License-Identifier: GPL-2.0 */
/* A message from the kernel and its attributes. */
#ifndef VNL_MSG_H
#define VNL_MSG_H

#include <linux/vuser.h>
#include <netlink/netlink.h>
#include <stdint.h>

/**
 * struct vnl_msg - a received message
 * @cmd: VUSER_CMD_*
 * @seq: sequence number of the request that the message answers; 0 for a
 *       notification
 * @hdr: the message itself
 */
struct vnl_msg {
	uint8_t cmd;
	uint32_t seq;
	struct nlmsghdr *hdr;
};

/**
 * vnl_msg_parse - sort the attributes of a message by number
 * @msg: the message
 * @attrs: set: @max + 1 entries, NULL for attributes that the message lacks
 * @max: the highest attribute number
 *
 * Return: 0, or -EBADMSG.
 */
int vnl_msg_parse(const struct vnl_msg *msg, struct nlattr **attrs, int max);

/*
 * Read a number from an attribute.  Return 0, or -EBADMSG if @attr is NULL or
 * too short; *@val is then unchanged.
 */
int vnl_msg_u32(struct nlattr *attr, uint32_t *val);
int vnl_msg_u64(struct nlattr *attr, uint64_t *val);

#endif /* VNL_MSG_H */
