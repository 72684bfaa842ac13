// SPDX-License-Identifier: GPL-2.0
/* The attributes of a message from the kernel. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "msg.h"

int vnl_msg_parse(const struct vnl_msg *msg, struct nlattr **attrs, int max)
{
	return genlmsg_parse(msg->hdr, 0, attrs, max, NULL) ? -EBADMSG : 0;
}

static int get_number(struct nlattr *attr, void *val, int size)
{
	if (!attr || nla_len(attr) < size)
		return -EBADMSG;
	memcpy(val, nla_data(attr), size);
	return 0;
}

int vnl_msg_u32(struct nlattr *attr, uint32_t *val)
{
	return get_number(attr, val, sizeof(*val));
}

int vnl_msg_u64(struct nlattr *attr, uint64_t *val)
{
	return get_number(attr, val, sizeof(*val));
}
