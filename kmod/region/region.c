// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: their description for the consumer, and single accesses to them.
 * Every access that goes to the server is one of 1, 2, 4 or 8 bytes, as a
 * device would see it.
 */
#include <linux/nospec.h>
#include <linux/pci_regs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "region/region.h"
#include "region/regions.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"

/**
 * vuser_region_count() - regions that the consumer sees
 * @regions: of a device that is open
 *
 * Return: those of the server, and at least those that every PCI device has.
 */
u32 vuser_region_count(struct vuser_regions *regions)
{
	return max_t(u32, regions->chan->desc->nr_regions, VFIO_PCI_NUM_REGIONS);
}

static struct vuser_region *vuser_region_get(struct vuser_regions *regions,
					     u64 index)
{
	struct vuser_desc *desc = regions->chan->desc;

	if (index >= desc->nr_regions)
		return NULL;
	return &desc->regions[array_index_nospec(index, desc->nr_regions)];
}

/* One access ---------------------------------------------------------------- */

/* True when the store was an event and is done with. */
static bool vuser_region_event(struct vuser_regions *regions,
			       struct vuser_region *region, u64 off, u64 val,
			       u32 size)
{
	struct vuser_ioeventfd *io;
	u32 i;

	for (i = 0; i < region->nr_ioeventfds; i++) {
		io = &region->ioeventfds[i];
		if (io->offset != off || (io->size && io->size != size))
			continue;
		if ((io->flags & VFIO_USER_IOEVENTFD_DATAMATCH) &&
		    io->datamatch != val)
			continue;
		vuser_eventfd_signal(io->ctx);
		vuser_channel_count(regions->chan, VUSER_COUNT_IOEVENTFD);
		return true;
	}
	return false;
}

/**
 * vuser_region_load() - one load from a region
 * @regions: of a device that is open
 * @region: index, checked by the caller
 * @off: offset in bytes, inside the region with all of @size
 * @val: the value, zero-extended; all ones when it fails
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: process, no mmap lock held; sleeps killably for the server.
 * Return: 0, -EIO when the server refused it, -EINTR when killed, -ETIMEDOUT,
 * or -ENOTCONN when the server is lost.
 */
int vuser_region_load(struct vuser_regions *regions, u32 region, u64 off, u64 *val,
		      u32 size)
{
	__le64 data = 0;
	int ret;

	ret = vuser_cmd_region_read(regions->chan, region, off, &data, size);
	*val = ret ? U64_MAX >> (64 - 8 * size) : le64_to_cpu(data);
	return ret;
}

/**
 * vuser_region_store() - one store to a region
 * @regions: of a device that is open
 * @region: index, checked by the caller
 * @off: offset in bytes, inside the region with all of @size
 * @val: the value
 * @size: 1, 2, 4 or 8 bytes
 *
 * A store that matches an ioeventfd signals it and goes no further.  Others
 * are posted where the region allows: the next load or waiting store of this
 * device sees them done.
 *
 * Context: process, no mmap lock held; sleeps killably for the server.
 * Return: 0, or as vuser_region_load().
 */
int vuser_region_store(struct vuser_regions *regions, u32 region, u64 off, u64 val,
		       u32 size)
{
	struct vuser_region *r = &regions->chan->desc->regions[region];
	__le64 data = cpu_to_le64(val);

	if (vuser_region_event(regions, r, off, val, size))
		return 0;
	return vuser_cmd_region_write(regions->chan, region, off, &data, size,
				      r->posted);
}

/* pread and pwrite ---------------------------------------------------------- */

/* A lost server is an I/O error to read(2) and write(2). */
static ssize_t vuser_region_done(ssize_t done, ssize_t error)
{
	if (done)
		return done;
	return error == -ENOTCONN || error == -ETIMEDOUT ? -EIO : error;
}

/* Between two accesses of a long transfer, which may not wait at all. */
static int vuser_region_breathe(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* The largest access that @off, @count and the region's rules allow. */
static u32 vuser_region_width(u64 index, u64 off, size_t count)
{
	u32 size = index == VFIO_PCI_CONFIG_REGION_INDEX ? 4 : 8;

	while (size > count || off % size)
		size /= 2;
	return size;
}

/* Checks and clips; the region, or NULL with *@ret the answer. */
static struct vuser_region *vuser_region_clip(struct vuser_regions *regions,
					      loff_t pos, size_t *count,
					      u32 flag, ssize_t *ret)
{
	u64 off = pos & VUSER_OFFSET_MASK;
	struct vuser_region *region;

	*ret = -EINVAL;
	region = vuser_region_get(regions, VUSER_OFFSET_TO_INDEX((u64)pos));
	if (!region || off >= region->size || !(region->flags & flag))
		return NULL;
	*count = min_t(u64, *count, region->size - off);
	*ret = 0;
	return *count ? region : NULL;
}

static int vuser_region_get_user(struct vuser_regions *regions, u32 index, u64 off,
				 char __user *buf, u32 size)
{
	u64 val;
	int ret = vuser_region_load(regions, index, off, &val, size);

	if (ret)
		return ret;
	return copy_to_user(buf, &val, size) ? -EFAULT : 0;
}

static int vuser_region_put_user(struct vuser_regions *regions, u32 index, u64 off,
				 char __user *buf, u32 size)
{
	u64 val = 0;

	if (copy_from_user(&val, buf, size))
		return -EFAULT;
	return vuser_region_store(regions, index, off, val, size);
}

/* One access after the other, until one fails. */
static ssize_t vuser_region_transfer(struct vuser_regions *regions,
				     char __user *buf,
				     size_t count, loff_t *ppos, u32 flag,
				     int (*access)(struct vuser_regions *regions,
						   u32 index, u64 off,
						   char __user *buf, u32 size))
{
	u32 index = VUSER_OFFSET_TO_INDEX((u64)*ppos), size;
	u64 off = *ppos & VUSER_OFFSET_MASK;
	size_t done = 0;
	ssize_t ret;

	if (!vuser_region_clip(regions, *ppos, &count, flag, &ret))
		return ret;

	while (done < count) {
		ret = vuser_region_breathe();
		if (ret)
			break;
		size = vuser_region_width(index, off + done, count - done);
		ret = access(regions, index, off + done, buf + done, size);
		if (ret)
			break;
		done += size;
	}
	*ppos += done;
	return vuser_region_done(done, ret);
}

/**
 * vuser_region_pread() - read(2) and pread(2) on the device file
 * @regions: of a device that is open
 * @buf: the consumer's buffer
 * @count: bytes
 * @ppos: region and offset; advanced
 *
 * Return: bytes read, short where a later piece failed or the region ends;
 * -EINVAL for no such region or offset, -EFAULT, or as vuser_region_load().
 */
ssize_t vuser_region_pread(struct vuser_regions *regions, char __user *buf,
			   size_t count, loff_t *ppos)
{
	return vuser_region_transfer(regions, buf, count, ppos,
				     VFIO_REGION_INFO_FLAG_READ,
				     vuser_region_get_user);
}

/**
 * vuser_region_pwrite() - write(2) and pwrite(2) on the device file
 * @regions: of a device that is open
 * @buf: the consumer's buffer
 * @count: bytes
 * @ppos: region and offset; advanced
 *
 * Return: bytes written, else as vuser_region_pread().
 */
ssize_t vuser_region_pwrite(struct vuser_regions *regions, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	return vuser_region_transfer(regions, (char __user *)buf, count, ppos,
				     VFIO_REGION_INFO_FLAG_WRITE,
				     vuser_region_put_user);
}

/* GET_REGION_INFO ----------------------------------------------------------- */

static bool vuser_region_is_io(struct vuser_desc *desc, u32 index)
{
	u32 pos = PCI_BASE_ADDRESS_0 + 4 * index;

	return index <= VFIO_PCI_BAR5_REGION_INDEX &&
	       desc->config_size >= pos + 4 &&
	       (desc->config[pos] & PCI_BASE_ADDRESS_SPACE_IO);
}

/**
 * vuser_region_mappable() - may the consumer map a region at all?
 * @regions: of a device that is open
 * @index: of the region, below VUSER_MAX_REGIONS
 *
 * Return: true also where only trapped accesses are possible.
 */
bool vuser_region_mappable(struct vuser_regions *regions, u32 index)
{
	struct vuser_desc *desc = regions->chan->desc;
	struct vuser_region *region = &desc->regions[index];

	if (!region->size)
		return false;
	if (regions->sparse)
		return vuser_shared_count(regions, index);
	if (region->nr_areas || (region->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return true;
	return index <= VFIO_PCI_BAR5_REGION_INDEX &&
	       !vuser_region_is_io(desc, index);
}

/* Of what the server shares only that which mmap takes. */
static int vuser_region_sparse_cap(struct vuser_regions *regions, u32 index,
				   struct vfio_info_cap *caps)
{
	struct vfio_region_info_cap_sparse_mmap *sparse;
	u32 nr = vuser_shared_count(regions, index), i, n = 0;
	size_t size = struct_size(sparse, areas, nr);
	struct vuser_area *area;
	int ret;

	sparse = kzalloc(size, GFP_KERNEL);
	if (!sparse)
		return -ENOMEM;
	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	sparse->nr_areas = nr;
	for (i = 0; (area = vuser_shared_next(regions, index, &i)); i++) {
		sparse->areas[n].offset = area->offset;
		sparse->areas[n++].size = area->size;
	}
	ret = vfio_info_add_capability(caps, &sparse->header, size);
	kfree(sparse);
	return ret;
}

static int vuser_region_type_cap(struct vuser_region *region,
				 struct vfio_info_cap *caps)
{
	struct vfio_region_info_cap_type cap = {
		.header.id = VFIO_REGION_INFO_CAP_TYPE,
		.header.version = 1,
		.type = region->type,
		.subtype = region->subtype,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

/* One area over the whole region needs no list of areas. */
static bool vuser_region_whole(struct vuser_region *region)
{
	return region->nr_areas == 1 && !region->areas[0].offset &&
	       region->areas[0].size >= region->size;
}

/**
 * vuser_region_info() - what VFIO_DEVICE_GET_REGION_INFO says of a region
 * @regions: of a device that is open
 * @info: index is read, the rest filled in, but for the capabilities' offset
 * @caps: capabilities are added
 *
 * Return: 0, -EINVAL for no such region, or -ENOMEM.
 */
int vuser_region_info(struct vuser_regions *regions, struct vfio_region_info *info,
		      struct vfio_info_cap *caps)
{
	struct vuser_region *region;
	int ret = 0;

	if (info->index >= vuser_region_count(regions))
		return -EINVAL;
	info->offset = VUSER_INDEX_TO_OFFSET(info->index);
	info->size = 0;
	info->flags = 0;
	region = vuser_region_get(regions, info->index);
	if (!region || !region->size)
		return 0;

	info->size = region->size;
	info->flags = region->flags & (VFIO_REGION_INFO_FLAG_READ |
				       VFIO_REGION_INFO_FLAG_WRITE);
	if (vuser_region_mappable(regions, info->index)) {
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		if (regions->sparse && !vuser_region_whole(region))
			ret = vuser_region_sparse_cap(regions, info->index, caps);
	}
	if (!ret && region->has_type)
		ret = vuser_region_type_cap(region, caps);
	return ret;
}

/* Adds @caps behind @info where the consumer left room for them. */
static int vuser_region_put_caps(struct vfio_region_info *info,
				 struct vfio_info_cap *caps,
				 struct vfio_region_info __user *arg)
{
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = 0;
	if (info->argsz < sizeof(*info) + caps->size) {
		info->argsz = sizeof(*info) + caps->size;
		return 0;
	}
	vfio_info_cap_shift(caps, sizeof(*info));
	info->cap_offset = sizeof(*info);
	return copy_to_user(arg + 1, caps->buf, caps->size) ? -EFAULT : 0;
}

/**
 * vuser_region_ioctl() - VFIO_DEVICE_GET_REGION_INFO
 * @regions: of a device that is open
 * @arg: the consumer's struct
 *
 * Not called where VFIO itself does this, with vuser_region_info().
 *
 * Return: 0, -EFAULT, -EINVAL or -ENOMEM.
 */
long vuser_region_ioctl(struct vuser_regions *regions,
			struct vfio_region_info __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ret = vuser_region_info(regions, &info, &caps);
	if (!ret && caps.size)
		ret = vuser_region_put_caps(&info, &caps, arg);
	kfree(caps.buf);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/* Open and close ------------------------------------------------------------ */

/**
 * vuser_region_open() - a device opens: get ready for its regions
 * @regions: of the device
 * @chan: its channel; the device does not detach before the close
 * @sparse: the consumer may map shared areas only
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int vuser_region_open(struct vuser_regions *regions, struct vuser_channel *chan,
		      bool sparse)
{
	regions->chan = chan;
	regions->sparse = sparse;
	regions->shared = vuser_shared_alloc(chan->desc);
	return regions->shared ? 0 : -ENOMEM;
}

/**
 * vuser_region_close() - a device closes: release what its mappings needed
 * @regions: of the device; no mapping is left, since each holds the device file
 *
 * Context: process, may sleep, but does not wait for the server.
 */
void vuser_region_close(struct vuser_regions *regions)
{
	vuser_shared_free(regions->chan->desc, regions->shared);
	regions->shared = NULL;
}
