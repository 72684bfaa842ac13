// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and unloads the module.  Passes functions of upper layers to dma/.
 */
#include <linux/module.h>

#include "vuser-version.h"

#include "dma/dma.h"
#include "dma/ops.h"
#include "netlink/netlink.h"
#include "region/mmap.h"
#include "region/region.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/drop.h"
#include "vfio/mdev.h"

static const struct vuser_dma_ops vuser_main_dma_ops = {
	.owns = vuser_mdev_owns,
	.regions = vuser_mmap_regions,
	.take_page = vuser_shared_get,
	.epoch = vuser_shared_epoch,
	.begin = vuser_region_begin,
	.access = vuser_region_access,
	.end = vuser_region_end,
};

static int __init vuser_init(void)
{
	int ret;

	ret = vuser_drop_init();
	if (ret)
		return ret;
	ret = vuser_channel_init();
	if (ret)
		goto err_drop;
	ret = vuser_dma_init(&vuser_main_dma_ops);
	if (ret)
		goto err_channel;
	ret = vuser_netlink_init();
	if (ret)
		goto err_dma;
	ret = vuser_mdev_init();
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	vuser_netlink_exit();
err_dma:
	vuser_dma_exit();
err_channel:
	vuser_channel_exit();
err_drop:
	vuser_drop_exit();
	return ret;
}

static void __exit vuser_exit(void)
{
	vuser_mdev_exit();
	/* Work items end the channels of the removed devices: wait for them. */
	vuser_channel_wait();
	vuser_netlink_exit();
	vuser_dma_exit();
	vuser_channel_exit();
	vuser_drop_exit();
}

module_init(vuser_init);
module_exit(vuser_exit);

MODULE_DESCRIPTION("VFIO devices served by vfio-user");
MODULE_LICENSE("GPL");
MODULE_VERSION(VUSER_VERSION);
/*
 * VFIO tries the backend first that was registered last.  Our backend must come
 * before type1, so type1 must be loaded first.
 */
MODULE_SOFTDEP("pre: vfio_iommu_type1");
