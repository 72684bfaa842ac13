// SPDX-License-Identifier: GPL-2.0
/* The beginning and the end of the control plane. */
#include <linux/init.h>
#include <net/genetlink.h>

#include "netlink/family.h"
#include "netlink/netlink.h"
#include "netlink/ntf.h"
#include "netlink/owner.h"

/**
 * vuser_netlink_init() - register the family
 *
 * Requests may come in before this returns.
 *
 * Return: 0 or a negative errno.
 */
int __init vuser_netlink_init(void)
{
	int ret;

	vuser_nl_ntf_init();
	ret = vuser_nl_owner_init();
	if (ret)
		goto err_ntf;
	ret = genl_register_family(&vuser_nl_family);
	if (ret)
		goto err_owner;
	return 0;

err_owner:
	vuser_nl_owner_exit();
err_ntf:
	vuser_nl_ntf_exit();
	return ret;
}

/**
 * vuser_netlink_exit() - take the family away
 *
 * No handler runs any more and nothing is sent when this returns.
 */
void vuser_netlink_exit(void)
{
	/* Before the family: what is sent needs its number. */
	vuser_nl_ntf_exit();
	genl_unregister_family(&vuser_nl_family);
	vuser_nl_owner_exit();
	/* What a handler that was still running has noted since. */
	vuser_nl_ntf_exit();
}
