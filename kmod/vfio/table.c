// SPDX-License-Identifier: GPL-2.0
/* The table of devices: every device between probe and remove, by id. */
#include <linux/uuid.h>
#include <linux/xarray.h>

#include "vfio/device.h"
#include "vfio/table.h"

static DEFINE_XARRAY_ALLOC1(vuser_table);

/**
 * vuser_table_add() - enter a device and number it
 * @dev: the device; its id is set
 *
 * An id is not reused soon, since a helper may still refer to an old device.
 *
 * Return: 0 or a negative errno.
 */
int vuser_table_add(struct vuser_device *dev)
{
	static u32 next;
	int ret;

	ret = xa_alloc_cyclic(&vuser_table, &dev->id, dev,
			      XA_LIMIT(1, INT_MAX), &next, GFP_KERNEL);
	return min(ret, 0);
}

/**
 * vuser_table_del() - take a device out
 * @dev: the device
 */
void vuser_table_del(struct vuser_device *dev)
{
	xa_erase(&vuser_table, dev->id);
}

/**
 * vuser_table_count() - how many devices there are
 */
unsigned int vuser_table_count(void)
{
	struct vuser_device *dev;
	unsigned int count = 0;
	unsigned long id;

	xa_for_each(&vuser_table, id, dev)
		count++;
	return count;
}

/**
 * vuser_table_find_get() - the device with an id
 * @id: its id
 *
 * Return: the device with a reference, or NULL.
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
 * vuser_table_next_get() - go through all devices
 * @id: least id to find; that of the device on return
 *
 * Return: the device with a reference, or NULL at the end.
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
 * vuser_table_find_uuid_get() - the device with a UUID
 * @uuid: that of the mdev
 *
 * Return: the device with a reference, or NULL.
 */
struct vuser_device *vuser_table_find_uuid_get(const guid_t *uuid)
{
	struct vuser_device *dev;
	u32 id = 0;

	for (; (dev = vuser_table_next_get(&id)); id++) {
		if (guid_equal(&dev->uuid, uuid))
			return dev;
		vuser_device_put(dev);
	}
	return NULL;
}

/**
 * vuser_table_exit() - free the table, which is empty
 */
void vuser_table_exit(void)
{
	xa_destroy(&vuser_table);
}
