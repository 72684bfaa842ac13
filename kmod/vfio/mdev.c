// SPDX-License-Identifier: GPL-2.0
/* The mdev type "vuser-pci", which creates and removes devices. */
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "vfio/device.h"
#include "vfio/event.h"
#include "vfio/mdev.h"
#include "vfio/ops.h"
#include "vfio/settings.h"
#include "vfio/state.h"
#include "vfio/table.h"

/* The first PCI domain of the default addresses; a domain has 8192 addresses. */
#define VUSER_PCI_DOMAIN	0x5655
#define VUSER_MAX_DEVICES	65536

/* Numbers of the default PCI addresses that are in use. */
static DEFINE_IDA(vuser_aliases);

/* Create and remove -------------------------------------------------------- */

/* Gives the device the first default PCI address that no other device has. */
static int vuser_mdev_set_default_address(struct vuser_device *dev)
{
	char name[sizeof(dev->pci_address)];
	int alias, ret;

	/* Skip addresses that the administrator gave to other devices. */
	do {
		alias = ida_alloc_min(&vuser_aliases, dev->alias + 1,
				      GFP_KERNEL);
		if (alias < 0)
			return alias;
		if (dev->alias >= 0)
			ida_free(&vuser_aliases, dev->alias);
		dev->alias = alias;
		snprintf(name, sizeof(name), "%04x:%02x:%02x.0",
			 VUSER_PCI_DOMAIN + (alias >> 13),
			 (alias >> 5) & 0xff, alias & 0x1f);
		mutex_lock(&dev->lock);
		ret = vuser_settings_set_pci_address(dev, name);
		mutex_unlock(&dev->lock);
	} while (ret == -EEXIST);
	return ret;
}

/*
 * Undoes what makes a device visible.  First waits until the consumer closes the
 * device: the server of an open device cannot be detached.  A netlink handler that
 * found the device before may still use it afterwards.
 */
static void vuser_mdev_gone(struct vuser_device *dev)
{
	vfio_unregister_group_dev(&dev->vdev);
	vuser_table_del(dev);
	vuser_event_removed(dev);
	vuser_state_remove(dev);
	vuser_settings_free_pci_address(dev);
	if (dev->alias >= 0)
		ida_free(&vuser_aliases, dev->alias);
}

static int vuser_mdev_probe(struct mdev_device *mdev)
{
	struct vuser_device *dev;
	int ret;

	dev = vfio_alloc_device(vuser_device, vdev, &mdev->dev,
				&vuser_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->mdev = mdev;
	dev->alias = -1;
	guid_copy(&dev->uuid, &mdev->uuid);
	ret = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (ret)
		goto err_put;
	dev->group_id = iommu_group_id(mdev->dev.iommu_group);
	dev_set_drvdata(&mdev->dev, dev);
	ret = vuser_table_add(dev);
	if (ret) {
		vfio_unregister_group_dev(&dev->vdev);
		goto err_put;
	}
	/*
	 * The device is in the table, so its address is taken for other devices.  From
	 * now on a helper may attach a server, and a consumer may open the device.
	 */
	ret = vuser_mdev_set_default_address(dev);
	if (ret) {
		vuser_mdev_gone(dev);
		goto err_put;
	}
	vuser_event_changed(dev);
	return 0;

err_put:
	vfio_put_device(&dev->vdev);
	return ret;
}

static void vuser_mdev_remove(struct mdev_device *mdev)
{
	struct vuser_device *dev = dev_get_drvdata(&mdev->dev);

	vuser_mdev_gone(dev);
	vfio_put_device(&dev->vdev);
}

static unsigned int vuser_mdev_available(struct mdev_type *type)
{
	return VUSER_MAX_DEVICES - vuser_table_count();
}

static ssize_t vuser_mdev_description(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf,
			  "PCI device served over vfio-user; write the path of the server's socket to vuser/endpoint\n");
}

static struct mdev_driver vuser_mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.driver = {
		.name = "vuser",
		.owner = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
		.dev_groups = vuser_settings_groups,
	},
	.probe = vuser_mdev_probe,
	.remove = vuser_mdev_remove,
	.get_available = vuser_mdev_available,
	.show_description = vuser_mdev_description,
};

static struct mdev_type vuser_mdev_type = {
	.sysfs_name = "pci",
	.pretty_name = "vfio-user PCI device",
};

static struct mdev_type *vuser_mdev_types[] = { &vuser_mdev_type };
static struct mdev_parent vuser_mdev_parent;

/* mdev puts the name of this class before the name of the type: "vuser-pci". */
static struct class vuser_class = { .name = "vuser" };
static struct device *vuser_parent;

/**
 * vuser_mdev_owns() - tell whether a device belongs to this module
 * @dev: any device
 *
 * Context: any; the caller keeps @dev bound to its driver.
 * Return: true if @dev is a vuser mdev.
 */
bool vuser_mdev_owns(struct device *dev)
{
	return dev->driver == &vuser_mdev_driver.driver;
}

/**
 * vuser_mdev_init() - register the mdev type
 *
 * Devices may be created before this returns.
 *
 * Context: process; called while the module is loaded.
 * Return: 0 or a negative errno.
 */
int vuser_mdev_init(void)
{
	int ret;

	ret = class_register(&vuser_class);
	if (ret)
		return ret;
	ret = mdev_register_driver(&vuser_mdev_driver);
	if (ret)
		goto err_class;
	vuser_parent = device_create(&vuser_class, NULL, MKDEV(0, 0), NULL,
				     "vuser");
	if (IS_ERR(vuser_parent)) {
		ret = PTR_ERR(vuser_parent);
		goto err_driver;
	}
	ret = mdev_register_parent(&vuser_mdev_parent, vuser_parent,
				   &vuser_mdev_driver, vuser_mdev_types,
				   ARRAY_SIZE(vuser_mdev_types));
	if (ret)
		goto err_parent;
	return 0;

err_parent:
	device_unregister(vuser_parent);
err_driver:
	mdev_unregister_driver(&vuser_mdev_driver);
err_class:
	class_unregister(&vuser_class);
	return ret;
}

/**
 * vuser_mdev_exit() - unregister the mdev type and remove all devices
 *
 * Context: process; called while the module is unloaded, so no device is open.
 */
void vuser_mdev_exit(void)
{
	mdev_unregister_parent(&vuser_mdev_parent);
	device_unregister(vuser_parent);
	mdev_unregister_driver(&vuser_mdev_driver);
	class_unregister(&vuser_class);
	ida_destroy(&vuser_aliases);
	vuser_table_exit();
}
