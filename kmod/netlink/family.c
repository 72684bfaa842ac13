// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "vuser".
 *
 * No handler waits for a server or a helper.  Genetlink holds its cb_lock for
 * reading while a handler runs.  If a handler waited and another module registered
 * its family meanwhile, all of genetlink would block.  Then the helper could not send
 * the message for which the handler waits.
 */
#include <net/genetlink.h>

#include "netlink/family.h"
#include "netlink/gen.h"

static const struct genl_multicast_group vuser_nl_groups[] = {
	[VUSER_NLGRP_DEVICES] = { .name = VUSER_MCGRP_DEVICES },
};

struct genl_family vuser_nl_family __ro_after_init = {
	.name		= VUSER_FAMILY_NAME,
	.version	= VUSER_FAMILY_VERSION,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= vuser_nl_ops,
	.n_ops		= ARRAY_SIZE(vuser_nl_ops),
	.mcgrps		= vuser_nl_groups,
	.n_mcgrps	= ARRAY_SIZE(vuser_nl_groups),
};
