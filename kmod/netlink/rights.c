// SPDX-License-Identifier: GPL-2.0
/*
 * The rights that a message of the control plane needs.
 *
 * A caller that claims a device, attaches a server or changes a setting decides which
 * process gets the memory of the device's consumer.  So the caller needs CAP_SYS_ADMIN
 * in the initial user namespace.  CAP_NET_ADMIN is not enough: programs have it that
 * only configure the network, such as a VPN in a container.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/netlink.h>
#include <net/genetlink.h>

#include "netlink/rights.h"

/**
 * vuser_nl_rights_full() - check whether the sender of a message has all rights
 * @skb: the message
 *
 * Both the process that opened the sender's socket and the current process must have
 * CAP_SYS_ADMIN in the initial user namespace.  So a process cannot use the rights of
 * another process by passing a socket to it, or by getting one from it.
 *
 * Context: process; the current process is the sender or, in a dump, the receiver.
 * Return: true if the sender may change devices and read their private attributes.
 */
bool vuser_nl_rights_full(const struct sk_buff *skb)
{
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

/**
 * vuser_nl_rights_check() - refuse a message whose sender does not have all rights
 * @skb: the message
 * @extack: explains the error
 *
 * Context: process; the current process is the sender.
 * Return: 0, or -EPERM.
 */
int vuser_nl_rights_check(const struct sk_buff *skb,
			  struct netlink_ext_ack *extack)
{
	if (vuser_nl_rights_full(skb))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}
