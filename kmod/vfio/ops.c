// SPDX-License-Identifier: GPL-2.0
/* The callbacks of VFIO: open, close, reset, and ioctls of the device file. */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "dma/dma.h"
#include "dma/iommufd.h"
#include "region/config.h"
#include "region/mmap.h"
#include "region/pci.h"
#include "region/region.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"
#include "server/latency.h"
#include "server/server.h"
#include "vfio/device.h"
#include "vfio/intx.h"
#include "vfio/irq.h"
#include "vfio/mig.h"
#include "vfio/mig_lock.h"
#include "vfio/ops.h"
#include "vfio/replace.h"
#include "vfio/resume.h"
#include "vfio/settings.h"
#include "vfio/state.h"

/* Default timeouts in milliseconds. */
#define VUSER_REQUEST_TIMEOUT	10000
#define VUSER_CLOSE_TIMEOUT	10000
#define VUSER_RECONNECT_TIMEOUT	10000

/* Open, close, remove ------------------------------------------------------ */

static int vuser_ops_init(struct vfio_device *vdev)
{
	struct vuser_device *dev = to_vuser(vdev);

	dev->latency = vuser_latency_alloc();
	if (!dev->latency)
		return -ENOMEM;
	mutex_init(&dev->lock);
	mutex_init(&dev->irqs.lock);
	spin_lock_init(&dev->irqs.signal_lock);
	vuser_intx_init(dev);
	vuser_pci_init(&dev->regions.pci);
	dev->settings.request_timeout_ms = VUSER_REQUEST_TIMEOUT;
	dev->settings.close_timeout_ms = VUSER_CLOSE_TIMEOUT;
	dev->settings.server_user = VUSER_SERVER_USER_ANY;
	dev->settings.reconnect_timeout_ms = VUSER_RECONNECT_TIMEOUT;
	vuser_conn_init(&dev->conn, &dev->settings);
	vuser_resume_init(dev);
	vuser_replace_init(dev);
	vuser_mig_init(dev);
	vuser_dma_prepare(&dev->dma, &dev->settings);
	/* A channel may use vdev->dev in messages after the mdev is removed. */
	get_device(vdev->dev);
	return 0;
}

/* In 6.1 the driver frees the memory here, in later kernels VFIO's core. */
static void vuser_ops_release(struct vfio_device *vdev)
{
	struct vuser_device *dev = to_vuser(vdev);

	kfree(dev->endpoint);
	kfree(dev->error);
	kfree(dev->replace.endpoint);
	kfree(dev->replace.error);
	vuser_latency_free(dev->latency);
	mutex_destroy(&dev->lock);
	mutex_destroy(&dev->irqs.lock);
	mutex_destroy(&dev->mig.lock);
	mutex_destroy(&dev->regions.pci.lock);
	put_device(vdev->dev);
	vuser_vfio_free_device(vdev);
}

static bool vuser_ops_can_reset(struct vuser_device *dev)
{
	return (dev->conn.desc->flags & VFIO_DEVICE_FLAGS_RESET) &&
	       !READ_ONCE(dev->settings.reset_never);
}

/*
 * The result of a reset: -EINVAL when the server cannot reset, even if the server
 * announced a reset, because DPDK tolerates only -EINVAL.
 */
static int vuser_ops_reset_result(int ret)
{
	return ret == -EOPNOTSUPP || ret == -ENOTTY ? -EINVAL : ret;
}

/*
 * Resets the device, if the server can, and sets it up.  The consumer gets the device
 * as a driver gets it from vfio-pci, with nothing left of an earlier consumer.
 */
static int vuser_ops_setup(struct vuser_device *dev)
{
	bool setup = !READ_ONCE(dev->settings.pci_setup_never);
	struct vuser_channel *chan = dev->conn.chan;
	int err, ret = -EINVAL;

	if (vuser_ops_can_reset(dev))
		ret = vuser_cmd_reset(chan, vuser_channel_deadline(chan), true);
	ret = vuser_ops_reset_result(ret);
	if (ret && ret != -EINVAL)
		return ret;
	err = vuser_mig_open(dev);
	if (err)
		return err;
	return vuser_config_open(&dev->regions.pci, &dev->conn, &dev->dma, setup,
				 !ret);
}

static int vuser_ops_open(struct vfio_device *vdev)
{
	struct vuser_device *dev = to_vuser(vdev);
	u32 mmap = READ_ONCE(dev->settings.mmap);
	bool sparse;
	int ret;

	ret = vuser_state_open(dev);
	if (ret) {
		dev_notice_ratelimited(vdev->dev,
				       "cannot open: no server is attached; start a server, write the path of its socket to vuser/endpoint, and check that vuserd runs; see also vuser/error\n");
		return ret;
	}
	sparse = mmap == VUSER_MMAP_POLICY_SPARSE ||
		 (mmap == VUSER_MMAP_POLICY_AUTO && vdev->kvm);

	ret = vuser_ops_setup(dev);
	if (ret)
		goto err_state;
	ret = vuser_region_open(&dev->regions, &dev->conn, sparse);
	if (ret)
		goto err_state;
	ret = vuser_dma_open(&dev->dma, dev->conn.chan);
	if (ret)
		goto err_regions;
	vuser_state_opened(dev);
	return 0;

err_regions:
	vuser_region_close(&dev->regions);
err_state:
	vuser_state_close(dev);
	return ret;
}

static void vuser_ops_close(struct vfio_device *vdev)
{
	struct vuser_device *dev = to_vuser(vdev);
	ktime_t deadline = vuser_deadline(&dev->settings.close_timeout_ms);

	vuser_resume_stop(dev, deadline);
	vuser_mig_close(dev, deadline);
	vuser_region_wait_idle(&dev->regions, deadline);
	vuser_irq_close(dev, deadline);
	vuser_pci_close(&dev->regions.pci, deadline);
	vuser_dma_close(&dev->dma, deadline);
	vuser_region_close(&dev->regions);
	if (vuser_ops_can_reset(dev))
		vuser_cmd_reset(dev->conn.chan, deadline, false);
	vuser_server_idle(dev->conn.chan);
	vuser_state_close(dev);
}

static void vuser_ops_request(struct vfio_device *vdev, unsigned int count)
{
	struct vuser_device *dev = to_vuser(vdev);

	if (vuser_irq_fire_req(dev)) {
		if (!(count % 10))
			dev_notice_ratelimited(vdev->dev,
					       "asked the consumer to close the device (%u)\n",
					       count);
	} else if (!count) {
		dev_notice(vdev->dev,
			   "cannot be removed before the consumer closes it; the consumer has not enabled the REQ interrupt\n");
	}
}

static int vuser_ops_match(struct vfio_device *vdev, char *buf)
{
	return !strcmp(dev_name(vdev->dev), buf) ||
	       vuser_settings_has_address(to_vuser(vdev), buf);
}

/* ioctl -------------------------------------------------------------------- */

static long vuser_ops_info(struct vuser_device *dev,
			   struct vfio_device_info __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info = {};

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));
	info.flags = VFIO_DEVICE_FLAGS_PCI;
	if (vuser_ops_can_reset(dev))
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = vuser_region_count(&dev->regions);
	info.num_irqs = vuser_irq_nr_indexes(dev);
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long vuser_ops_irq_info(struct vuser_device *dev,
			       struct vfio_irq_info __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ret = vuser_irq_info(dev, &info);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/*
 * GET_PCI_HOT_RESET_INFO and PCI_HOT_RESET answer as vfio-pci does for a device that has
 * neither a slot nor a bus that can be reset.
 */
static long vuser_ops_hot_reset_info(struct vfio_pci_hot_reset_info __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_pci_hot_reset_info, count);
	struct vfio_pci_hot_reset_info hdr;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	return hdr.argsz < minsz ? -EINVAL : -ENODEV;
}

static long vuser_ops_hot_reset(struct vfio_device *vdev,
				struct vfio_pci_hot_reset __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_pci_hot_reset, count);
	struct vfio_pci_hot_reset hdr;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	if (hdr.argsz < minsz || hdr.flags)
		return -EINVAL;
	/* only a consumer that has a group passes groups, and it must */
	return !!hdr.count == vuser_cdev_opened(vdev) ? -EINVAL : -ENODEV;
}

/*
 * Resets the device, unless it cannot be reset, and ends its migration.  The caller uses the
 * connection.
 */
static int vuser_ops_reset_device(struct vuser_device *dev)
{
	int ret = 0;

	if (vuser_ops_can_reset(dev))
		ret = vuser_pci_reset(&dev->regions.pci);
	if (ret == -EINVAL && vuser_mig_is_stopped(dev)) {
		vuser_mig_run(dev);
		ret = vuser_pci_reset(&dev->regions.pci);
	}
	return ret ? vuser_ops_reset_result(ret) : vuser_mig_was_reset(dev);
}

/*
 * Resets the device.  If accesses failed because the server was lost, and another server
 * is ready, the device works from now on.  A device that cannot be reset comes from that
 * server as it is.  The caller holds the lock of the migration.
 */
static int vuser_ops_reset_locked(struct vuser_device *dev)
{
	int ret = vuser_resume_reset(dev);
	bool resumed = ret > 0;

	if (ret < 0)
		return ret;
	if (!vuser_ops_can_reset(dev) && !resumed)
		return -EINVAL;
	ret = vuser_conn_begin(&dev->conn);
	if (ret)
		return ret;
	ret = vuser_ops_reset_device(dev);
	vuser_conn_leave(&dev->conn);
	return ret;
}

static int vuser_ops_reset(struct vuser_device *dev)
{
	int ret = vuser_mig_lock(dev);

	if (ret)
		return ret;
	ret = vuser_ops_reset_locked(dev);
	vuser_mig_lock_drop(dev);
	return ret;
}

static long vuser_ops_ioctl(struct vfio_device *vdev, unsigned int cmd,
			    unsigned long arg)
{
	struct vuser_device *dev = to_vuser(vdev);
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return vuser_ops_info(dev, uarg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return vuser_region_ioctl(&dev->regions, uarg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return vuser_ops_irq_info(dev, uarg);
	case VFIO_DEVICE_SET_IRQS:
		return vuser_irq_ioctl(dev, uarg);
	case VFIO_DEVICE_RESET:
		return vuser_ops_reset(dev);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return vuser_ops_hot_reset_info(uarg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return vuser_ops_hot_reset(vdev, uarg);
	default:
		return -ENOTTY;
	}
}

/* Sends DEVICE_FEATURE; returns as vuser_cmd_feature(). */
static int vuser_ops_send_feature(struct vuser_device *dev, u32 flags, void *data,
				  size_t size, size_t *reply)
{
	int ret = vuser_conn_begin(&dev->conn);

	if (ret)
		return ret;
	ret = vuser_cmd_feature(dev->conn.chan, flags, data, size, reply);
	vuser_conn_leave(&dev->conn);
	return ret;
}

/* Asks the server whether it has a feature, without asking for GET or SET. */
static bool vuser_ops_has_feature(struct vuser_device *dev, u32 flags)
{
	size_t reply;

	flags = (flags & VFIO_DEVICE_FEATURE_MASK) | VFIO_DEVICE_FEATURE_PROBE;
	return !vuser_ops_send_feature(dev, flags, NULL, 0, &reply);
}

/*
 * DEVICE_FEATURE, except for the features that VFIO's core handles itself.  A server may
 * answer EINVAL to a feature that it does not have; the consumer gets ENOTTY.
 */
static int vuser_ops_feature(struct vfio_device *vdev, u32 flags,
			     void __user *arg, size_t argsz)
{
	bool set = !(flags & VFIO_DEVICE_FEATURE_PROBE) &&
		   (flags & VFIO_DEVICE_FEATURE_SET);
	size_t size = flags & VFIO_DEVICE_FEATURE_PROBE ? 0 : argsz;
	size_t reply = 0;
	void *data;
	int ret;

	if (size > VUSER_MAX_XFER)
		return vuser_ops_has_feature(to_vuser(vdev), flags) ? -E2BIG :
								      -ENOTTY;
	data = kvzalloc(max_t(size_t, size, 1), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = -EFAULT;
	if (set && copy_from_user(data, arg, size))
		goto out_free;
	ret = vuser_ops_send_feature(to_vuser(vdev), flags, data, size, &reply);
	if (ret == -EINVAL && !vuser_ops_has_feature(to_vuser(vdev), flags))
		ret = -ENOTTY;
	if (!ret && (flags & VFIO_DEVICE_FEATURE_GET) &&
	    copy_to_user(arg, data, reply))
		ret = -EFAULT;
out_free:
	kvfree(data);
	return ret;
}

static ssize_t vuser_ops_read(struct vfio_device *vdev, char __user *buf,
			      size_t count, loff_t *ppos)
{
	return vuser_region_pread(&to_vuser(vdev)->regions, buf, count, ppos);
}

static ssize_t vuser_ops_write(struct vfio_device *vdev,
			       const char __user *buf, size_t count,
			       loff_t *ppos)
{
	return vuser_region_pwrite(&to_vuser(vdev)->regions, buf, count, ppos);
}

static int vuser_ops_mmap(struct vfio_device *vdev,
			  struct vm_area_struct *vma)
{
	return vuser_mmap(&to_vuser(vdev)->regions, vma);
}

static int __maybe_unused
vuser_ops_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
		      struct vfio_info_cap *caps)
{
	return vuser_region_info(&to_vuser(vdev)->regions, info, caps);
}

static int __maybe_unused vuser_ops_bind_iommufd(struct vfio_device *vdev,
						 struct iommufd_ctx *ictx,
						 u32 *id)
{
	return vuser_iommufd_bind(vdev, ictx, id, &to_vuser(vdev)->dma.access);
}

static void __maybe_unused vuser_ops_unbind_iommufd(struct vfio_device *vdev)
{
	struct vuser_dma *dma = &to_vuser(vdev)->dma;

	vuser_iommufd_unbind(vdev, dma->access);
	dma->access = NULL;
}

const struct vfio_device_ops vuser_ops = {
	.name = "vuser",
	.init = vuser_ops_init,
	.release = vuser_ops_release,
	.open_device = vuser_ops_open,
	.close_device = vuser_ops_close,
	.read = vuser_ops_read,
	.write = vuser_ops_write,
	.ioctl = vuser_ops_ioctl,
	.mmap = vuser_ops_mmap,
	.request = vuser_ops_request,
	.match = vuser_ops_match,
	.device_feature = vuser_ops_feature,
	VUSER_REGION_INFO_OPS(vuser_ops_region_info)
	VUSER_IOMMUFD_OPS(vuser_ops_bind_iommufd, vuser_ops_unbind_iommufd)
};
