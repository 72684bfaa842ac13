// SPDX-License-Identifier: GPL-2.0
/* The table of devices: all devices from probe to remove, by their ids and UUIDs. */
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/uuid.h>
#include <linux/xarray.h>

#include "vfio/device.h"
#include "vfio/table.h"

static DEFINE_XARRAY_ALLOC1(vuser_table);

/* The devices by their UUIDs, and their number.  Both are protected by the xarray's lock. */
static DEFINE_HASHTABLE(vuser_table_uuids, 10);
static unsigned int vuser_table_nr;

static u32 vuser_table_hash(const guid_t *uuid)
{
	return jhash(uuid->b, sizeof(uuid->b), 0);
}

/**
 * vuser_table_add() - add a device to the table
 * @dev: the device; its id is set
 *
 * Ids are allocated cyclically.  So the id of a removed device, which a helper
 * may still use, is not given to another device soon.
 *
 * The table holds no reference to the device: call vuser_table_del() before the
 * last reference is dropped.
 *
 * Context: process; may sleep.
 * Return: 0; -EBUSY when all ids are in use; -ENOMEM.
 */
int vuser_table_add(struct vuser_device *dev)
{
	static u32 next;
	int ret;

	ret = xa_alloc_cyclic(&vuser_table, &dev->id, dev,
			      XA_LIMIT(1, INT_MAX), &next, GFP_KERNEL);
	if (ret < 0)
		return ret;
	xa_lock(&vuser_table);
	hash_add(vuser_table_uuids, &dev->uuid_node,
		 vuser_table_hash(&dev->uuid));
	WRITE_ONCE(vuser_table_nr, vuser_table_nr + 1);
	xa_unlock(&vuser_table);
	return 0;
}

/**
 * vuser_table_del() - remove a device from the table
 * @dev: the device
 *
 * Context: process; takes the lock of the table.
 */
void vuser_table_del(struct vuser_device *dev)
{
	xa_lock(&vuser_table);
	hash_del(&dev->uuid_node);
	WRITE_ONCE(vuser_table_nr, vuser_table_nr - 1);
	__xa_erase(&vuser_table, dev->id);
	xa_unlock(&vuser_table);
}

/**
 * vuser_table_count() - count the devices in the table
 *
 * Context: process; takes no lock.
 * Return: the number of devices, which may be out of date on return.
 */
unsigned int vuser_table_count(void)
{
	return READ_ONCE(vuser_table_nr);
}

/**
 * vuser_table_find_get() - find the device with an id
 * @id: the id
 *
 * Context: process; takes the lock of the table.
 * Return: the device with a reference for the caller, or NULL.
 */
struct vuser_device *vuser_table_find_get(u32 id)
{
	struct vuser_device *dev;

	xa_lock(&vuser_table);
	dev = xa_load(&vuser_table, id);
	if (dev)
		vuser_device_get(dev);
	xa_unlock(&vuser_table);
	return dev;
}

/**
 * vuser_table_next_get() - find the next device, to iterate over all devices
 * @id: the smallest id to consider; set to the id of the device that is found
 *
 * Context: process; takes the lock of the table.
 * Return: the device with a reference for the caller, or NULL if no device is
 * left.
 */
struct vuser_device *vuser_table_next_get(u32 *id)
{
	unsigned long index = *id;
	struct vuser_device *dev;

	xa_lock(&vuser_table);
	dev = xa_find(&vuser_table, &index, U32_MAX, XA_PRESENT);
	if (dev)
		vuser_device_get(dev);
	xa_unlock(&vuser_table);
	*id = index;
	return dev;
}

/**
 * vuser_table_find_uuid_get() - find the device with a UUID
 * @uuid: UUID of the mdev
 *
 * Context: process; takes the lock of the table.
 * Return: the device with a reference for the caller, or NULL.
 */
struct vuser_device *vuser_table_find_uuid_get(const guid_t *uuid)
{
	struct vuser_device *dev, *found = NULL;

	xa_lock(&vuser_table);
	hash_for_each_possible(vuser_table_uuids, dev, uuid_node,
			       vuser_table_hash(uuid)) {
		if (guid_equal(&dev->uuid, uuid)) {
			vuser_device_get(dev);
			found = dev;
			break;
		}
	}
	xa_unlock(&vuser_table);
	return found;
}

/**
 * vuser_table_exit() - free the table
 *
 * Called when the module is unloaded, after the last device was removed.
 *
 * Context: process.
 */
void vuser_table_exit(void)
{
	xa_destroy(&vuser_table);
}
