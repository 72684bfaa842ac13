// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading, and nothing else. */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/sched/task.h>

#include "dma/type1.h"
#include "main.h"
#include "netlink/netlink.h"
#include "server/channel.h"
#include "vfio/mdev.h"

struct workqueue_struct *vuser_wq;
const struct cred *vuser_cred;

static int __init vuser_init(void)
{
	int ret = -ENOMEM;

	vuser_cred = prepare_kernel_cred(&init_task);
	if (!vuser_cred)
		return ret;
	vuser_wq = alloc_workqueue("vuser", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!vuser_wq)
		goto err_cred;
	ret = vuser_iommu_init();
	if (ret)
		goto err_wq;
	ret = vuser_netlink_init();
	if (ret)
		goto err_iommu;
	ret = vuser_mdev_init();
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	vuser_netlink_exit();
err_iommu:
	vuser_iommu_exit();
err_wq:
	destroy_workqueue(vuser_wq);
err_cred:
	put_cred(vuser_cred);
	return ret;
}

static void __exit vuser_exit(void)
{
	vuser_mdev_exit();
	/* The channels of the devices that just went end on the workqueue. */
	vuser_channels_wait();
	vuser_netlink_exit();
	vuser_iommu_exit();
	destroy_workqueue(vuser_wq);
	put_cred(vuser_cred);
}

module_init(vuser_init);
module_exit(vuser_exit);

MODULE_DESCRIPTION("VFIO devices served by vfio-user");
MODULE_LICENSE("GPL");
/* A backend that registers later is asked first, and that must be ours. */
MODULE_SOFTDEP("pre: vfio_iommu_type1");
