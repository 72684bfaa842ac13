// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces vnl_sock_request(), which needs a socket: returns an empty message.
 */
#include <netlink/msg.h>

#include "../../netlink/sock.h"

struct nl_msg *__wrap_vnl_sock_request(struct vnl_sock *nl, uint8_t cmd,
				       int flags, size_t size);

struct nl_msg *__wrap_vnl_sock_request(struct vnl_sock *nl, uint8_t cmd,
				       int flags, size_t size)
{
	(void)nl;
	(void)cmd;
	(void)flags;
	(void)size;
	return nlmsg_alloc();
}
