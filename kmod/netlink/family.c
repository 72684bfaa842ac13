// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "vuser".
 *
 * No handler waits for a server or a helper.  Genetlink holds its cb_lock for
 * reading while a handler runs.  If a handler waited and another module registered
 * its family meanwhile, all of genetlink would block.  Then the helper could not send
 * the message for which the handler waits.
 */
#include <linux/string.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/rights.h"

static const struct genl_multicast_group vuser_nl_groups[] = {
	[VUSER_NLGRP_DEVICES] = { .name = VUSER_MCGRP_DEVICES },
};

/* vuser_nl_ops, with the members that the generator does not support. */
static struct genl_ops vuser_nl_family_ops[ARRAY_SIZE(vuser_nl_ops)] __ro_after_init;

/*
 * Called before each handler that is not a dump.  Anybody may ask for a device; all
 * other messages need all rights.
 */
static int vuser_nl_family_pre_doit(const struct vuser_genl_ops *ops,
				    struct sk_buff *skb, struct genl_info *info)
{
	if (ops->cmd == VUSER_CMD_DEV_GET)
		return 0;
	return vuser_nl_rights_check(skb, info->extack);
}

/* Called when a dump of all fdmsgs begins. */
static int vuser_nl_family_start_fdmsg_get(struct netlink_callback *cb)
{
	return vuser_nl_rights_check(cb->skb, cb->extack);
}

struct genl_family vuser_nl_family __ro_after_init = {
	.name		= VUSER_FAMILY_NAME,
	.version	= VUSER_FAMILY_VERSION,
	.parallel_ops	= true,
	.pre_doit	= vuser_nl_family_pre_doit,
	.module		= THIS_MODULE,
	.ops		= vuser_nl_family_ops,
	.n_ops		= ARRAY_SIZE(vuser_nl_family_ops),
	.mcgrps		= vuser_nl_groups,
	.n_mcgrps	= ARRAY_SIZE(vuser_nl_groups),
};

/**
 * vuser_nl_family_register() - register the family
 * @start_dev_get: called when a dump of all devices begins
 *
 * Handlers may be called before this function returns.
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno.
 */
int __init vuser_nl_family_register(int (*start_dev_get)(struct netlink_callback *cb))
{
	struct genl_ops *ops;
	int i;

	memcpy(vuser_nl_family_ops, vuser_nl_ops, sizeof(vuser_nl_family_ops));
	for (i = 0; i < ARRAY_SIZE(vuser_nl_family_ops); i++) {
		ops = &vuser_nl_family_ops[i];
		if (ops->cmd == VUSER_CMD_DEV_GET)
			ops->start = start_dev_get;
		else if (ops->cmd == VUSER_CMD_FDMSG_GET)
			ops->start = vuser_nl_family_start_fdmsg_get;
	}
	return genl_register_family(&vuser_nl_family);
}
