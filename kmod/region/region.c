// SPDX-License-Identifier: GPL-2.0
/*
 * The regions of an open device: accesses to the regions, and descriptions of the
 * regions for the consumer.  Each access that is sent to the server has 1, 2, 4 or
 * 8 bytes, as an access on a bus has.
 */
#include <linux/nospec.h>
#include <linux/pci_regs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "region/config.h"
#include "region/region.h"
#include "region/regions.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"

/**
 * vuser_region_count() - count the regions that the consumer sees
 * @regions: the regions of an open device
 *
 * Context: any.
 * Return: the number of regions that the server has, without empty ones at the end,
 * but at least the number that every PCI device has.
 */
u32 vuser_region_count(struct vuser_regions *regions)
{
	const struct vuser_desc *desc = regions->conn->desc;
	u32 nr = desc->nr_regions;

	while (nr > VFIO_PCI_NUM_REGIONS && !desc->regions[nr - 1].size)
		nr--;
	return max_t(u32, nr, VFIO_PCI_NUM_REGIONS);
}

/*
 * Finds the region with an index that the consumer chose.  Returns NULL if the server
 * has no such region.  Only the index at *@safe may be used after this: the processor
 * does not use it speculatively as long as it is out of range.
 */
static struct vuser_region *vuser_region_get(struct vuser_regions *regions,
					     u64 index, u32 *safe)
{
	struct vuser_desc *desc = regions->conn->desc;

	if (index >= desc->nr_regions)
		return NULL;
	*safe = array_index_nospec(index, desc->nr_regions);
	return &desc->regions[*safe];
}

/* One access --------------------------------------------------------------- */

/* Signals the ioeventfd that a store matches; false if it matches none. */
static bool vuser_region_signal_ioeventfd(struct vuser_regions *regions,
					  struct vuser_region *region, u64 off,
					  u64 val, u32 size)
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
		vuser_count(regions->conn->counters, VUSER_COUNT_IOEVENTFD);
		return true;
	}
	return false;
}

/*
 * One load.  Returns -ENOLINK when nothing was sent, because the server is lost, and as
 * vuser_region_load().
 */
static __always_inline int vuser_region_do_load(struct vuser_regions *regions,
						u32 region, u64 off, u64 *val,
						u32 size)
{
	__le64 data = 0;
	int ret;

	ret = vuser_conn_enter(regions->conn) ? 0 : -ENOLINK;
	if (!ret) {
		if (region == VFIO_PCI_CONFIG_REGION_INDEX)
			ret = vuser_config_load(&regions->pci, off, &data, size);
		else
			ret = vuser_cmd_region_read(regions->conn->chan, region, off,
						    &data, size);
		vuser_conn_leave(regions->conn);
	}
	*val = ret ? U64_MAX >> (64 - 8 * size) : le64_to_cpu(data);
	return ret;
}

/* A store while the channel does not change. */
static __always_inline int vuser_region_store_now(struct vuser_regions *regions,
						  u32 region, u64 off, u64 val,
						  u32 size)
{
	struct vuser_channel *chan = regions->conn->chan;
	struct vuser_region *r = &chan->desc->regions[region];
	__le64 data = cpu_to_le64(val);

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return vuser_config_store(&regions->pci, off, &data, size);
	if (vuser_region_signal_ioeventfd(regions, r, off, val, size))
		return 0;
	return vuser_cmd_region_write(chan, region, off, &data, size, r->posted);
}

/* One store; returns -ENOLINK as vuser_region_do_load(), and as vuser_region_store(). */
static __always_inline int vuser_region_do_store(struct vuser_regions *regions,
						 u32 region, u64 off, u64 val,
						 u32 size)
{
	int ret;

	if (!vuser_conn_enter(regions->conn))
		return -ENOLINK;
	ret = vuser_region_store_now(regions, region, off, val, size);
	vuser_conn_leave(regions->conn);
	return ret;
}

/**
 * vuser_region_load() - make one load from a region
 * @regions: the regions of an open device
 * @region: index, checked by the caller
 * @off: offset in bytes; the caller has checked that the whole access is inside
 *	the region
 * @val: set to the value, zero-extended; all ones in @size bytes on failure
 * @size: 1, 2, 4 or 8 bytes
 *
 * A load that was sent to a server that is lost before it answers is not sent again.  A
 * load that was not sent acts as the setting on_loss says.
 *
 * Context: process; the mmap lock is not held; waits killably for the server, or for
 * another server.
 * Return: 0, also for a load of all ones if on_loss says so; -EIO when the server refused
 * the load or did not answer in time; -EINTR when killed; -ENOTCONN when the server is
 * lost.
 */
int vuser_region_load(struct vuser_regions *regions, u32 region, u64 off, u64 *val,
		      u32 size)
{
	int ret;

	do {
		ret = vuser_region_do_load(regions, region, off, val, size);
		if (likely(!ret))
			return 0;
	} while (ret == -ENOLINK && !(ret = vuser_conn_wait(regions->conn)));
	return vuser_conn_result(regions->conn, ret);
}

/**
 * vuser_region_store() - make one store to a region
 * @regions: the regions of an open device
 * @region: index, checked by the caller
 * @off: offset in bytes; the caller has checked that the whole access is inside
 *	the region
 * @val: the value
 * @size: 1, 2, 4 or 8 bytes
 *
 * A store that matches an ioeventfd signals the eventfd; no message is sent.
 * Other stores are posted, without waiting for a reply, if the region allows
 * it.  The server has carried out all posted stores of a device before it
 * answers the next load, or the next store with a reply.
 *
 * Context: process; the mmap lock is not held; waits killably for the server,
 * or for room in the socket.
 * Return: as vuser_region_load(); for a posted store also -ETIMEDOUT when the
 * socket had no room in time, or another error of the socket, such as -ENOMEM.
 */
int vuser_region_store(struct vuser_regions *regions, u32 region, u64 off, u64 val,
		       u32 size)
{
	int ret;

	do {
		ret = vuser_region_do_store(regions, region, off, val, size);
		if (likely(!ret))
			return 0;
	} while (ret == -ENOLINK && !(ret = vuser_conn_wait(regions->conn)));
	return vuser_conn_result(regions->conn, ret);
}

/* pread and pwrite --------------------------------------------------------- */

/* The errno of a transfer whose access failed; a lost server is an I/O error. */
static ssize_t vuser_region_error(ssize_t error)
{
	return error == -ENOTCONN || error == -ETIMEDOUT ? -EIO : error;
}

/*
 * Called before each access of a transfer.  Posted stores do not sleep as long as
 * the socket has room.  Without this function, a long transfer would not yield the
 * processor, and would not end when its thread is killed.
 */
static int vuser_region_resched(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * The largest size of an access that @off and @count allow: naturally aligned,
 * at most 4 bytes in configuration space and 8 elsewhere.
 */
static u32 vuser_region_access_size(u64 index, u64 off, size_t count)
{
	u32 size = index == VFIO_PCI_CONFIG_REGION_INDEX ? 4 : 8;

	while (size > count || off % size)
		size /= 2;
	return size;
}

/*
 * Checks a transfer of at least one byte, sets *@index, and clips @count to the end of
 * the region.  A transfer across the end of configuration space is not clipped but
 * fails, as in vfio-pci.  Returns 0, -EINVAL or -EFAULT.
 */
static int vuser_region_clip(struct vuser_regions *regions, loff_t pos,
			     u32 *index, size_t *count, u32 flag)
{
	u64 off = pos & VUSER_OFFSET_MASK;
	struct vuser_region *region;

	region = vuser_region_get(regions, VUSER_OFFSET_TO_INDEX((u64)pos), index);
	if (!region || !region->size || !(region->flags & flag))
		return -EINVAL;
	if (*index == VFIO_PCI_CONFIG_REGION_INDEX &&
	    (off >= region->size || *count > region->size - off))
		return -EFAULT;
	if (off >= region->size)
		return -EINVAL;
	*count = min_t(u64, *count, region->size - off);
	return 0;
}

/*
 * True for an access to an MSI-X table that the kernel writes.  As in vfio-pci, pread
 * reads ones there and pwrite writes nothing, while a mapping shows the table.  Entries
 * are aligned to 8 bytes, so an access is either inside the table or outside.
 */
static bool vuser_region_is_msix_table(struct vuser_regions *regions, u32 index,
				       u64 off)
{
	const struct vuser_pci *pci = &regions->pci;

	return pci->active && index == regions->conn->desc->msix_region &&
	       off >= pci->table &&
	       off - pci->table < (u64)pci->nr_entries * PCI_MSIX_ENTRY_SIZE;
}

static int vuser_region_get_user(struct vuser_regions *regions, u32 index, u64 off,
				 char __user *buf, u32 size)
{
	u64 val = U64_MAX;
	int ret = 0;

	if (!vuser_region_is_msix_table(regions, index, off))
		ret = vuser_region_load(regions, index, off, &val, size);
	if (ret)
		return ret;
	return copy_to_user(buf, &val, size) ? -EFAULT : 0;
}

static int vuser_region_put_user(struct vuser_regions *regions, u32 index, u64 off,
				 char __user *buf, u32 size)
{
	u64 val = 0;

	if (vuser_region_is_msix_table(regions, index, off))
		return 0;
	if (copy_from_user(&val, buf, size))
		return -EFAULT;
	return vuser_region_store(regions, index, off, val, size);
}

/*
 * Makes one access after the other, until @count bytes are done or one fails.  As in
 * vfio-pci, the whole transfer fails with the first access that fails.
 */
static ssize_t vuser_region_transfer(struct vuser_regions *regions,
				     char __user *buf,
				     size_t count, loff_t *ppos, u32 flag,
				     int (*access)(struct vuser_regions *regions,
						   u32 index, u64 off,
						   char __user *buf, u32 size))
{
	u64 off = *ppos & VUSER_OFFSET_MASK;
	u32 index, size;
	size_t done = 0;
	int ret;

	if (!count)
		return 0;
	ret = vuser_region_clip(regions, *ppos, &index, &count, flag);
	if (ret)
		return ret;

	while (done < count) {
		ret = vuser_region_resched();
		if (ret)
			return ret;
		size = vuser_region_access_size(index, off + done, count - done);
		ret = access(regions, index, off + done, buf + done, size);
		if (ret)
			return vuser_region_error(ret);
		done += size;
	}
	*ppos += done;
	return done;
}

/**
 * vuser_region_pread() - read(2) and pread(2) on the device file
 * @regions: the regions of an open device
 * @buf: the consumer's buffer
 * @count: bytes
 * @ppos: region and offset; advanced by the bytes that are read
 *
 * Context: process; the mmap lock is not held; waits killably for the server.
 * Return: the number of bytes read, which is less than @count if the region ends.
 * -EINVAL for a region that does not exist or cannot be read, or for an offset outside
 * it; -EFAULT for a bad buffer, or for a range that is not all inside configuration
 * space; -EINTR when killed; -EIO when the server refused an access, did not answer in
 * time, or is lost.
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
 * @regions: the regions of an open device
 * @buf: the consumer's buffer
 * @count: bytes
 * @ppos: region and offset; advanced by the bytes that are written
 *
 * Context: process; the mmap lock is not held; waits killably for the server.
 * Return: the number of bytes written; otherwise as vuser_region_pread().
 */
ssize_t vuser_region_pwrite(struct vuser_regions *regions, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	return vuser_region_transfer(regions, (char __user *)buf, count, ppos,
				     VFIO_REGION_INFO_FLAG_WRITE,
				     vuser_region_put_user);
}

/* Accesses of other devices ------------------------------------------------ */

/**
 * vuser_region_begin() - keep the device open for an access of another device
 * @regions: the regions of a device; the caller makes sure that it is open now
 *
 * The device is not closed before vuser_region_end().
 *
 * Context: any.
 */
void vuser_region_begin(struct vuser_regions *regions)
{
	atomic_inc(&regions->accesses);
}

/**
 * vuser_region_end() - end an access of another device
 * @regions: the regions; the caller does not use them after this function
 *
 * Context: any.
 */
void vuser_region_end(struct vuser_regions *regions)
{
	if (atomic_dec_and_test(&regions->accesses))
		wake_up_var(&regions->accesses);
}

/* Makes the access of another device, after another server serves the device if necessary. */
static int vuser_region_access_now(struct vuser_regions *regions, u32 index, u64 off,
				   u64 *val, u32 size, bool write)
{
	int ret;

	do {
		if (write)
			ret = vuser_region_do_store(regions, index, off, *val, size);
		else
			ret = vuser_region_do_load(regions, index, off, val, size);
	} while (ret == -ENOLINK && READ_ONCE(regions->conn->paused) &&
		 !vuser_conn_wait(regions->conn));
	return ret;
}

/* Makes one access of another device, of @size bytes. */
static int vuser_region_access_one(struct vuser_regions *regions, u32 index,
				   u64 off, void *buf, u32 size, bool write)
{
	u64 val = write ? 0 : U64_MAX;
	int ret;

	if (write)
		memcpy(&val, buf, size);
	/*
	 * In a last page that the region fills only in part, loads give all ones and
	 * stores are dropped, as for the consumer.
	 */
	if (off + size > regions->conn->desc->regions[index].size)
		ret = 0;
	else
		ret = vuser_region_access_now(regions, index, off, &val, size, write);
	if (!write)
		memcpy(buf, &val, size);
	return ret ? -EIO : 0;
}

/**
 * vuser_region_access() - make one access to a region, for DMA of another device
 * @regions: the regions, after vuser_region_begin()
 * @chan: channel of the device that makes the access
 * @pos: position in the device file, on a page that the consumer can map
 * @buf: kernel memory
 * @len: bytes, not 0; the range ends within the page
 * @write: true writes @buf to the region, false reads the region to @buf
 *
 * The access has 1, 2, 4 or 8 bytes, as the first access of pread and pwrite would.
 * A device cannot access its own registers in this way: a server that waits for its
 * DMA might not answer before the DMA has ended.
 *
 * Context: process, without locks; waits for the server at most as long as the
 * server may take to answer.
 * Return: the number of bytes of the access; -EDEADLK when @chan belongs to the same
 * device; -EACCES when the region does not allow the access; -EIO when the server
 * refused, did not answer in time, or is lost.
 */
int vuser_region_access(struct vuser_regions *regions,
			struct vuser_channel *chan, u64 pos, void *buf,
			size_t len, bool write)
{
	u32 flag = write ? VFIO_REGION_INFO_FLAG_WRITE :
			   VFIO_REGION_INFO_FLAG_READ;
	u32 index = VUSER_OFFSET_TO_INDEX(pos);
	u64 off = pos & VUSER_OFFSET_MASK;
	u32 size;
	int ret;

	if (regions->conn->id == chan->user.id)
		return -EDEADLK;
	if (!(regions->conn->desc->regions[index].flags & flag))
		return -EACCES;
	size = vuser_region_access_size(index, off, len);
	ret = vuser_region_access_one(regions, index, off, buf, size, write);
	return ret ?: size;
}

/**
 * vuser_region_wait_idle() - wait until no access of another device runs
 * @regions: the regions of a device that is being closed; no new access begins,
 *	because the consumer has unmapped all regions
 * @deadline: when to stop waiting for the server
 *
 * An access that still runs at @deadline must not reach the server after the device
 * was opened again.  So the channel is marked lost, which ends the access.
 *
 * Context: process; sleeps, not interruptible.
 */
void vuser_region_wait_idle(struct vuser_regions *regions, ktime_t deadline)
{
	if (wait_var_event_timeout(&regions->accesses,
				   !atomic_read(&regions->accesses),
				   vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(regions->conn->chan, -ETIMEDOUT,
			   "an access of another device did not end before the device was closed");
	wait_var_event(&regions->accesses, !atomic_read(&regions->accesses));
}

/* GET_REGION_INFO ---------------------------------------------------------- */

/* True for a BAR with I/O ports. */
static bool vuser_region_is_io(struct vuser_desc *desc, u32 index)
{
	u32 pos = PCI_BASE_ADDRESS_0 + 4 * index;

	return index <= VFIO_PCI_BAR5_REGION_INDEX &&
	       desc->config_size >= pos + 4 &&
	       (desc->config[pos] & PCI_BASE_ADDRESS_SPACE_IO);
}

/**
 * vuser_region_mappable() - tell whether the consumer may map a part of a region
 * @regions: the regions of an open device
 * @index: index of the region, below VUSER_MAX_REGIONS
 *
 * Context: any.
 * Return: true if a part of the region can be mapped, even if all loads and
 * stores on the mapping are trapped.
 */
bool vuser_region_mappable(struct vuser_regions *regions, u32 index)
{
	struct vuser_desc *desc = regions->conn->desc;
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

/* Adds the list of the shared areas, which the consumer may map. */
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

/* The consumer may map the MSI-X table with the rest of the region, as in vfio-pci. */
static int vuser_region_msix_cap(struct vfio_info_cap *caps)
{
	struct vfio_info_cap_header cap = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};

	return vfio_info_add_capability(caps, &cap, sizeof(cap));
}

/* True if one area covers the whole region: no list of areas is needed. */
static bool vuser_region_is_one_area(struct vuser_region *region)
{
	return region->nr_areas == 1 && !region->areas[0].offset &&
	       region->areas[0].size >= region->size;
}

/**
 * vuser_region_info() - describe a region for VFIO_DEVICE_GET_REGION_INFO
 * @regions: the regions of an open device
 * @info: @info->index is read; offset, size and flags are filled in
 * @caps: capabilities are added; the caller frees @caps->buf, also on failure
 *
 * Context: process; may sleep for memory.
 * Return: 0, -EINVAL if there is no such region, or -ENOMEM.
 */
int vuser_region_info(struct vuser_regions *regions, struct vfio_region_info *info,
		      struct vfio_info_cap *caps)
{
	struct vuser_region *region;
	u32 index;
	int ret = 0;

	if (info->index >= vuser_region_count(regions))
		return -EINVAL;
	info->offset = VUSER_INDEX_TO_OFFSET(info->index);
	info->size = 0;
	info->flags = 0;
	region = vuser_region_get(regions, info->index, &index);
	/* vfio-pci has no VGA index if the device has no VGA region. */
	if (!region || !region->size)
		return info->index == VFIO_PCI_VGA_REGION_INDEX ? -EINVAL : 0;

	info->size = region->size;
	info->flags = region->flags & (VFIO_REGION_INFO_FLAG_READ |
				       VFIO_REGION_INFO_FLAG_WRITE);
	if (vuser_region_mappable(regions, index)) {
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		if (regions->sparse && !vuser_region_is_one_area(region))
			ret = vuser_region_sparse_cap(regions, index, caps);
		if (!ret && index == regions->conn->desc->msix_region)
			ret = vuser_region_msix_cap(caps);
	}
	if (!ret && region->has_type)
		ret = vuser_region_type_cap(region, caps);
	return ret;
}

/*
 * Copies @caps to the consumer, after the struct, if argsz says that there is room
 * for them.  Otherwise sets argsz to the size that is needed.
 */
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
 * @regions: the regions of an open device
 * @arg: the consumer's struct
 *
 * 6.19 and later handle this ioctl in VFIO's core, which calls
 * vuser_region_info().
 *
 * Context: process; may sleep.
 * Return: 0; -EFAULT; -EINVAL for a short struct or a region that does not
 * exist; -ENOMEM.
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

/* Open and close ----------------------------------------------------------- */

/**
 * vuser_region_open() - prepare the regions of a device that is being opened
 * @regions: the regions of the device
 * @conn: the device's connection; valid until the device is closed
 * @sparse: the consumer may map shared areas only
 *
 * Context: process; may sleep for memory, but does not wait for the server.
 * Return: 0 or -ENOMEM.
 */
int vuser_region_open(struct vuser_regions *regions, struct vuser_conn *conn,
		      bool sparse)
{
	regions->conn = conn;
	regions->sparse = sparse;
	regions->shared = vuser_shared_alloc(conn->desc);
	return regions->shared ? 0 : -ENOMEM;
}

/**
 * vuser_region_close() - release the regions of a device that is being closed
 * @regions: the regions of the device.  No mapping of them is left, since each
 *	mapping holds the device file
 *
 * Context: process; may sleep, but does not wait for the server.
 */
void vuser_region_close(struct vuser_regions *regions)
{
	vuser_shared_free(regions->shared);
	regions->shared = NULL;
}
