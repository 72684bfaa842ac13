// SPDX-License-Identifier: GPL-2.0
/* Starts and stops the control plane: generic netlink family "vuser". */
#include <linux/init.h>
#include <net/genetlink.h>

#include "netlink/family.h"
#include "netlink/netlink.h"
#include "netlink/ntf.h"
#include "netlink/owner.h"
#include "netlink/show.h"

/**
 * vuser_netlink_init() - register the generic netlink family
 *
 * Handlers may be called before this function returns.
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno.
 */
int __init vuser_netlink_init(void)
{
	int ret;

	vuser_nl_ntf_init();
	ret = vuser_nl_owner_init();
	if (ret)
		goto err_ntf;
	ret = vuser_nl_family_register(vuser_nl_show_start);
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
 * vuser_netlink_exit() - unregister the generic netlink family
 *
 * On return no handler runs and no notification will be sent.
 *
 * Context: process; sleeps until handlers and the work item have finished.
 */
void vuser_netlink_exit(void)
{
	/* Notifications use the id of the family: stop them first. */
	vuser_nl_ntf_exit();
	genl_unregister_family(&vuser_nl_family);
	vuser_nl_owner_exit();
	/* A handler that was still running may have queued a notification. */
	vuser_nl_ntf_exit();
}
