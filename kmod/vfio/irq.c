// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupts of an open device.  The kernel holds the consumer's eventfds.  The
 * server gets a file for each of them, and signals the eventfd by a write to the file
 * (irq_file.c).  When the consumer itself triggers an interrupt, the kernel signals the
 * eventfd and sends nothing to the server, as in vfio-pci.
 *
 * A server may be unable to mask INTx.  Then the kernel masks (intx.c): the server
 * gets an eventfd of the kernel, and the kernel signals the consumer's eventfd.
 *
 * The indexes ERR and REQ are local to the kernel: their eventfds are not
 * passed to the server.  ERR reports that the server is lost, REQ that the
 * device is to be removed.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "region/pci.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"
#include "server/fdmsg.h"
#include "vfio/device.h"
#include "vfio/intx.h"
#include "vfio/irq.h"
#include "vfio/irq_file.h"

/* Only one of these indexes may be enabled at a time, as on hardware. */
#define VUSER_IRQ_EXCLUSIVE	(BIT(VFIO_PCI_INTX_IRQ_INDEX) | \
				 BIT(VFIO_PCI_MSI_IRQ_INDEX) | \
				 BIT(VFIO_PCI_MSIX_IRQ_INDEX))

/**
 * vuser_irq_nr_indexes() - count the interrupt indexes that the consumer sees
 * @dev: an open device
 *
 * Context: any.
 * Return: the number of indexes that the server has, but at least the number
 * that every PCI device has.
 */
u32 vuser_irq_nr_indexes(struct vuser_device *dev)
{
	return max_t(u32, dev->conn.desc->nr_irqs, VFIO_PCI_NUM_IRQS);
}

/* True for the indexes whose eventfds only the kernel signals. */
static bool vuser_irq_is_local(u32 index)
{
	return index == VFIO_PCI_ERR_IRQ_INDEX ||
	       index == VFIO_PCI_REQ_IRQ_INDEX;
}

/* True for INTx of a server that cannot mask it. */
static bool vuser_irq_is_kernel_masked(struct vuser_device *dev, u32 index)
{
	return index == VFIO_PCI_INTX_IRQ_INDEX && dev->conn.desc->intx_file;
}

/* The number of interrupts of an index; 0 if the server does not have it. */
static u32 vuser_irq_count(struct vuser_device *dev, u32 index)
{
	struct vuser_desc *desc = dev->conn.desc;

	if (vuser_irq_is_local(index))
		return 1;
	return index < desc->nr_irqs ? desc->irqs[index].count : 0;
}

/*
 * True for an index that vfio-pci reports as NORESIZE on every device; index and count
 * of @info are set.
 */
static bool vuser_irq_is_noresize(const struct vfio_irq_info *info)
{
	return vuser_irq_is_local(info->index) ||
	       info->index == VFIO_PCI_MSI_IRQ_INDEX ||
	       (info->index == VFIO_PCI_MSIX_IRQ_INDEX && !info->count);
}

/**
 * vuser_irq_info() - answer VFIO_DEVICE_GET_IRQ_INFO
 * @dev: an open device
 * @info: @info->index is read; flags and count are filled in
 *
 * Context: any.
 * Return: 0, or -EINVAL if there is no such index.
 */
int vuser_irq_info(struct vuser_device *dev, struct vfio_irq_info *info)
{
	struct vuser_desc *desc = dev->conn.desc;
	u32 masks = VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;

	if (info->index >= vuser_irq_nr_indexes(dev))
		return -EINVAL;
	info->count = vuser_irq_count(dev, info->index);
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (vuser_irq_is_noresize(info))
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	if (!vuser_irq_is_local(info->index) && info->index < desc->nr_irqs)
		info->flags |= desc->irqs[info->index].flags &
			       (masks | VFIO_IRQ_INFO_NORESIZE);
	if (vuser_irq_is_kernel_masked(dev, info->index) ||
	    (info->index == VFIO_PCI_INTX_IRQ_INDEX && !info->count))
		info->flags |= masks;
	return 0;
}

/* Vectors ------------------------------------------------------------------ */

static void vuser_irq_put_vector(struct vuser_vector *vector)
{
	vuser_irq_file_close(vector->server_file);
	vuser_irq_file_close(vector->next_file);
	if (vector->trigger)
		eventfd_ctx_put(vector->trigger);
	if (vector->file)
		fput(vector->file);
	if (vector->unmask)
		fput(vector->unmask);
	memset(vector, 0, sizeof(*vector));
}

static void vuser_irq_free_vectors(struct vuser_vector *vectors, u32 count)
{
	u32 i;

	for (i = 0; vectors && i < count; i++)
		vuser_irq_put_vector(&vectors[i]);
	kvfree(vectors);
}

/* Takes references to the eventfds @fds; a negative number means no eventfd. */
static struct vuser_vector *vuser_irq_get_vectors(const s32 *fds, u32 count)
{
	struct vuser_vector *vectors;
	u32 i;
	int ret;

	vectors = kvcalloc(count, sizeof(*vectors), GFP_KERNEL_ACCOUNT);
	if (!vectors)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		ret = -EBADF;
		vectors[i].file = fget(fds[i]);
		if (!vectors[i].file)
			goto err;
		vectors[i].trigger = eventfd_ctx_fileget(vectors[i].file);
		if (IS_ERR(vectors[i].trigger)) {
			ret = PTR_ERR(vectors[i].trigger);
			vectors[i].trigger = NULL;
			goto err;
		}
	}
	return vectors;
err:
	vuser_irq_free_vectors(vectors, count);
	return ERR_PTR(ret);
}

/* Makes new files by which the next server signals the eventfds. */
static int vuser_irq_open_files(struct vuser_vector *vectors, u32 count)
{
	struct file *file;
	u32 i;

	for (i = 0; i < count; i++) {
		if (!vectors[i].file)
			continue;
		file = vuser_irq_file_open(vectors[i].file);
		if (IS_ERR(file))
			return PTR_ERR(file);
		vuser_irq_file_close(vectors[i].next_file);
		vectors[i].next_file = file;
	}
	return 0;
}

/* Takes back the files of the server before, or if @keep is true, those of the next one. */
static void vuser_irq_close_files(struct vuser_vector *vectors, u32 count, bool keep)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (!keep)
			swap(vectors[i].server_file, vectors[i].next_file);
		vuser_irq_file_close(vectors[i].next_file);
		vectors[i].next_file = NULL;
	}
}

/*
 * All functions from here to vuser_irq_set() are called with the lock of the
 * interrupts held.
 */

static void vuser_irq_release_vectors(struct vuser_device *dev, u32 index)
{
	struct vuser_vector *vectors = dev->irqs.vectors[index];

	if (vuser_irq_is_kernel_masked(dev, index))
		vuser_intx_stop(dev);
	dev->irqs.enabled &= ~BIT(index);
	dev->irqs.vectors[index] = NULL;
	vuser_irq_free_vectors(vectors, vuser_irq_count(dev, index));
}

/*
 * Disables an index in the device and at the server.  If the message was not sent,
 * the server still has the eventfds.  In this case, and if we were killed, keep the
 * vectors: the next SET_IRQS or the close disables them.
 */
static int vuser_irq_disable(struct vuser_device *dev, u32 index)
{
	bool sent;
	int ret;

	vuser_pci_disable_irqs(&dev->regions.pci, index);
	ret = vuser_cmd_disable_irqs(dev->conn.chan, index,
				     vuser_channel_deadline(dev->conn.chan), true,
				     &sent);
	if (!sent && !vuser_channel_lost(dev->conn.chan))
		return ret;
	if (vuser_irq_is_kernel_masked(dev, index) && vuser_intx_quiesce(dev))
		return -EINTR;
	vuser_irq_release_vectors(dev, index);
	return ret;
}

/*
 * The file of a vector that the server gets: one by which it signals, or the consumer's
 * eventfd that unmasks.
 */
static struct file *vuser_irq_sent_file(const struct vuser_vector *vector, u32 action)
{
	return action == VFIO_IRQ_SET_ACTION_TRIGGER ? vector->next_file :
						       vector->file;
}

/*
 * Sends @count vectors to the server, in as many messages as needed.  Stops at
 * the first message that the server refuses.  The vectors of earlier messages
 * stay set at the server.  Therefore swaps each vector that the server has
 * accepted with the old vector in @accepted, unless @accepted is NULL.  If we
 * were killed while waiting, we cannot know whether the server accepted the
 * vector; the close disables all vectors.
 */
static int vuser_irq_send(struct vuser_channel *chan, u32 index, u32 action,
			  u32 start, u32 count, struct vuser_vector *vectors,
			  struct vuser_vector *accepted)
{
	u32 max_fds = clamp_t(u32, chan->desc->max_msg_fds, 1, VUSER_MAX_FDS);
	struct file **files;
	u32 i, n, done;
	int ret = 0;

	files = kcalloc(min(max_fds, count), sizeof(*files), GFP_KERNEL);
	if (!files)
		return -ENOMEM;
	for (done = 0; done < count && !ret; done += n) {
		n = min(max_fds, count - done);
		for (i = 0; i < n; i++)
			files[i] = vuser_irq_sent_file(&vectors[done + i], action);
		ret = vuser_cmd_set_irqs(chan, index, action |
					 VFIO_IRQ_SET_DATA_EVENTFD,
					 start + done, n, files, n,
					 vuser_channel_deadline(chan));
		for (i = done; accepted && !ret && i < done + n; i++) {
			vuser_irq_close_files(&vectors[i], 1, false);
			swap(accepted[i], vectors[i]);
			swap(accepted[i].unmask, vectors[i].unmask);
		}
	}
	kfree(files);
	return ret;
}

/*
 * Sends the kernel's own eventfd to the server, and swaps @vector with the vector
 * of an INTx that the kernel masks.
 */
static int vuser_irq_send_intx(struct vuser_device *dev,
			       struct vuser_vector *vector)
{
	u32 index = VFIO_PCI_INTX_IRQ_INDEX;
	int ret;

	ret = vuser_intx_start(dev);
	if (!ret)
		ret = vuser_cmd_set_irqs(dev->conn.chan, index,
					 VFIO_IRQ_SET_ACTION_TRIGGER |
					 VFIO_IRQ_SET_DATA_EVENTFD, 0, 1,
					 &dev->conn.chan->desc->intx_file, 1,
					 vuser_channel_deadline(dev->conn.chan));
	if (ret)
		return ret;
	vuser_intx_set_trigger(dev, vector->trigger);
	swap(*dev->irqs.vectors[index], *vector);
	return 0;
}

/* Sends the files by which the server signals @vectors; otherwise as vuser_irq_send(). */
static int vuser_irq_send_triggers(struct vuser_device *dev, u32 index, u32 start,
				   u32 count, struct vuser_vector *vectors)
{
	int ret = vuser_irq_open_files(vectors, count);

	return ret ? ret : vuser_irq_send(dev->conn.chan, index,
					  VFIO_IRQ_SET_ACTION_TRIGGER, start, count,
					  vectors, dev->irqs.vectors[index] + start);
}

/*
 * TRIGGER with eventfds: enables the index, or changes some of its vectors.  As in
 * vfio-pci, @start without vectors enables an index that signals nothing yet.
 */
static int vuser_irq_assign(struct vuser_device *dev, u32 index, u32 start,
			    u32 count, const s32 *fds)
{
	bool enable = !(dev->irqs.enabled & BIT(index));
	struct vuser_vector *vectors, *all;
	int ret;

	if (!count && !enable)
		return 0;
	if (!count && !start)
		return -ERANGE;
	vectors = vuser_irq_get_vectors(fds, count);
	if (IS_ERR(vectors))
		return PTR_ERR(vectors);
	ret = -ENOMEM;
	if (enable)
		dev->irqs.vectors[index] = kvcalloc(vuser_irq_count(dev, index),
						    sizeof(*vectors),
						    GFP_KERNEL_ACCOUNT);
	all = dev->irqs.vectors[index];
	if (!all)
		goto out_free;
	dev->irqs.enabled |= BIT(index);

	ret = vuser_pci_mask_irqs(&dev->regions.pci, index, start, count, fds);
	if (!ret && vuser_irq_is_kernel_masked(dev, index))
		ret = vuser_irq_send_intx(dev, vectors);
	else if (!ret)
		ret = vuser_irq_send_triggers(dev, index, start, count, vectors);
	if (!ret)
		ret = vuser_pci_enable_irqs(&dev->regions.pci, index, start,
					    count, fds, enable);
	if (ret && enable)
		vuser_irq_disable(dev, index);
out_free:
	vuser_irq_free_vectors(vectors, count);
	return ret;
}

/* SET_IRQS ----------------------------------------------------------------- */

/* True if SET_IRQS with @flags and @data selects interrupt @i of its range. */
static bool vuser_irq_selected(u32 flags, const void *data, u32 i)
{
	return !(flags & VFIO_IRQ_SET_DATA_BOOL) || ((const u8 *)data)[i];
}

static int vuser_irq_trigger(struct vuser_device *dev,
			     const struct vfio_irq_set *hdr, const void *data)
{
	bool enabled = dev->irqs.enabled & BIT(hdr->index);
	u32 others = dev->irqs.enabled & ~BIT(hdr->index);
	struct vuser_vector *vector;
	u32 i;

	if (enabled && !hdr->count && (hdr->flags & VFIO_IRQ_SET_DATA_NONE))
		return vuser_irq_disable(dev, hdr->index);
	if ((BIT(hdr->index) & VUSER_IRQ_EXCLUSIVE) &&
	    (others & VUSER_IRQ_EXCLUSIVE))
		return -EINVAL;
	if (hdr->index == VFIO_PCI_INTX_IRQ_INDEX && hdr->count != 1)
		return -EINVAL;
	if (hdr->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return vuser_irq_assign(dev, hdr->index, hdr->start,
					hdr->count, data);
	if (!enabled)
		return -EINVAL;

	for (i = 0; i < hdr->count; i++) {
		vector = &dev->irqs.vectors[hdr->index][hdr->start + i];
		if (vector->trigger && vuser_irq_selected(hdr->flags, data, i))
			vuser_eventfd_signal(vector->trigger);
	}
	return 0;
}

static int vuser_irq_send_one(struct vuser_device *dev, u32 index, u32 flags,
			      u32 start)
{
	return vuser_cmd_set_irqs(dev->conn.chan, index, flags, start, 1, NULL, 0,
				  vuser_channel_deadline(dev->conn.chan));
}

/* MASK and UNMASK of an INTx that the kernel masks; with vfio-pci's errors. */
static int vuser_irq_mask_intx(struct vuser_device *dev,
			       const struct vfio_irq_set *hdr, const void *data)
{
	bool unmask = (hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) ==
		      VFIO_IRQ_SET_ACTION_UNMASK;

	if (!(dev->irqs.enabled & BIT(hdr->index)) || !hdr->count)
		return -EINVAL;
	if (hdr->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return unmask ? vuser_intx_unmask_by(dev, *(const s32 *)data) :
				-ENOTTY;
	if (!vuser_irq_selected(hdr->flags, data, 0))
		return 0;
	if (unmask)
		vuser_intx_unmask(dev);
	else
		vuser_intx_mask(dev);
	return 0;
}

/*
 * The server masks and unmasks.  Servers accept the data type NONE for a single
 * interrupt, and for UNMASK also eventfds.  So the kernel sends a BOOL or a
 * range as one NONE message for each interrupt.
 */
static int vuser_irq_mask(struct vuser_device *dev,
			  const struct vfio_irq_set *hdr, const void *data)
{
	u32 action = hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	struct vuser_desc *desc = dev->conn.desc;
	struct vuser_vector *vectors, *all;
	u32 i, flags = action | VFIO_IRQ_SET_DATA_NONE;
	int ret = 0;

	if (!(desc->irqs[hdr->index].flags & VFIO_IRQ_INFO_MASKABLE))
		return -ENOTTY;
	if (!(dev->irqs.enabled & BIT(hdr->index)) || !hdr->count)
		return -EINVAL;
	if (!(hdr->flags & VFIO_IRQ_SET_DATA_EVENTFD)) {
		for (i = 0; i < hdr->count && !ret; i++)
			if (vuser_irq_selected(hdr->flags, data, i))
				ret = vuser_irq_send_one(dev, hdr->index, flags,
							 hdr->start + i);
		return ret;
	}
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		return -ENOTTY;

	vectors = vuser_irq_get_vectors(data, hdr->count);
	if (IS_ERR(vectors))
		return PTR_ERR(vectors);
	ret = vuser_irq_send(dev->conn.chan, hdr->index, action, hdr->start,
			     hdr->count, vectors, NULL);
	all = dev->irqs.vectors[hdr->index] + hdr->start;
	for (i = 0; i < hdr->count && !ret; i++)
		swap(all[i].unmask, vectors[i].file);
	vuser_irq_free_vectors(vectors, hdr->count);
	return ret;
}

/* Replaces the trigger of ERR or REQ; takes over the reference to @trigger. */
static void vuser_irq_replace_trigger(struct vuser_device *dev,
				      struct eventfd_ctx **slot,
				      struct eventfd_ctx *trigger)
{
	spin_lock(&dev->irqs.signal_lock);
	swap(*slot, trigger);
	spin_unlock(&dev->irqs.signal_lock);
	if (trigger)
		eventfd_ctx_put(trigger);
}

/* Sets or triggers ERR or REQ.  Their eventfds are not passed to the server. */
static int vuser_irq_set_local(struct vuser_device *dev,
			       const struct vfio_irq_set *hdr, const void *data,
			       struct eventfd_ctx **slot)
{
	struct eventfd_ctx *trigger = NULL;
	s32 fd;

	if ((hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) !=
	    VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;
	if (hdr->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (!hdr->count)
			return -EINVAL;
		fd = *(const s32 *)data;
		if (fd < -1)
			return -EINVAL;
		if (fd >= 0)
			trigger = eventfd_ctx_fdget(fd);
		if (IS_ERR(trigger))
			return PTR_ERR(trigger);
		vuser_irq_replace_trigger(dev, slot, trigger);
		return 0;
	}
	if (hdr->flags & VFIO_IRQ_SET_DATA_BOOL ? !hdr->count : !*slot)
		return -EINVAL;
	if (!hdr->count)
		vuser_irq_replace_trigger(dev, slot, NULL);
	else if (*slot && vuser_irq_selected(hdr->flags, data, 0))
		vuser_eventfd_signal(*slot);
	return 0;
}

static int vuser_irq_set(struct vuser_device *dev,
			 const struct vfio_irq_set *hdr, const void *data)
{
	switch (hdr->index) {
	case VFIO_PCI_ERR_IRQ_INDEX:
		return vuser_irq_set_local(dev, hdr, data,
					   &dev->irqs.err_trigger);
	case VFIO_PCI_REQ_IRQ_INDEX:
		return vuser_irq_set_local(dev, hdr, data,
					   &dev->irqs.req_trigger);
	}
	switch (hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		return vuser_irq_trigger(dev, hdr, data);
	case VFIO_IRQ_SET_ACTION_MASK:
	case VFIO_IRQ_SET_ACTION_UNMASK:
		if (vuser_irq_is_kernel_masked(dev, hdr->index))
			return vuser_irq_mask_intx(dev, hdr, data);
		return vuser_irq_mask(dev, hdr, data);
	default:
		return -ENOTTY;
	}
}

/* Resume ------------------------------------------------------------------ */

/* Sends the eventfds that unmask interrupts of an index, one in each message. */
static int vuser_irq_prepare_unmask(struct vuser_device *dev, struct vuser_channel *chan,
				    u32 index)
{
	struct vuser_vector *vectors = dev->irqs.vectors[index];
	u32 i, count = vuser_irq_count(dev, index);
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		if (vectors[i].unmask)
			ret = vuser_cmd_set_irqs(chan, index,
						 VFIO_IRQ_SET_ACTION_UNMASK |
						 VFIO_IRQ_SET_DATA_EVENTFD, i, 1,
						 &vectors[i].unmask, 1,
						 vuser_channel_deadline(chan));
	return ret;
}

/* Sends the files of an index, from the first to the last that the consumer set. */
static int vuser_irq_prepare_index(struct vuser_device *dev, struct vuser_channel *chan,
				   u32 index)
{
	struct vuser_vector *vectors = dev->irqs.vectors[index];
	u32 first = 0, end = vuser_irq_count(dev, index);
	int ret;

	while (first < end && !vectors[first].file)
		first++;
	while (first < end && !vectors[end - 1].file)
		end--;
	if (first == end)
		return 0;
	ret = vuser_irq_open_files(vectors + first, end - first);
	if (!ret)
		ret = vuser_irq_send(chan, index, VFIO_IRQ_SET_ACTION_TRIGGER, first,
				     end - first, vectors + first, NULL);
	return ret ? ret : vuser_irq_prepare_unmask(dev, chan, index);
}

/**
 * vuser_irq_prepare() - give files that signal the consumer's eventfds to another server
 * @dev: an open device
 * @chan: the channel of the other server
 *
 * The server before, if there is one, can signal until vuser_irq_commit().
 *
 * Context: process, a work item that lets another server serve the device; the lock of the
 * interrupts is held; waits for the helper and the server.
 * Return: 0; -ETIMEDOUT; -ENOTCONN when the server is lost; -ENOMEM; or the server's
 * errno.  In all cases the caller must call vuser_irq_commit() or vuser_irq_abort().
 */
int vuser_irq_prepare(struct vuser_device *dev, struct vuser_channel *chan)
{
	u32 index;
	int ret = 0;

	lockdep_assert_held(&dev->irqs.lock);
	for (index = 0; index < VUSER_MAX_IRQ_INDEXES && !ret; index++) {
		if (!(dev->irqs.enabled & BIT(index)))
			continue;
		if (vuser_irq_is_kernel_masked(dev, index))
			ret = vuser_cmd_set_irqs(chan, index,
						 VFIO_IRQ_SET_ACTION_TRIGGER |
						 VFIO_IRQ_SET_DATA_EVENTFD, 0, 1,
						 &chan->desc->intx_file, 1,
						 vuser_channel_deadline(chan));
		else
			ret = vuser_irq_prepare_index(dev, chan, index);
	}
	return ret;
}

/* Takes back the files of the server before, or if @keep is true, those of the next one. */
static void vuser_irq_close_all_files(struct vuser_device *dev, bool keep)
{
	u32 index;

	lockdep_assert_held(&dev->irqs.lock);
	for (index = 0; index < VUSER_MAX_IRQ_INDEXES; index++)
		if ((dev->irqs.enabled & BIT(index)) && dev->irqs.vectors[index])
			vuser_irq_close_files(dev->irqs.vectors[index],
					      vuser_irq_count(dev, index), keep);
}

/**
 * vuser_irq_commit() - take back the files of the server before
 * @dev: an open device, after vuser_irq_prepare(); the connection has the new channel
 *
 * From now on, only the new server can signal the consumer.
 *
 * Context: process, a work item that lets another server serve the device; the lock of the
 * interrupts is held; may sleep.
 * Return: 0, or an errno: then the kernel does not hear the new server's INTx.
 */
int vuser_irq_commit(struct vuser_device *dev)
{
	vuser_irq_close_all_files(dev, false);
	if (!vuser_irq_is_kernel_masked(dev, VFIO_PCI_INTX_IRQ_INDEX) ||
	    !(dev->irqs.enabled & BIT(VFIO_PCI_INTX_IRQ_INDEX)))
		return 0;
	return vuser_intx_resume(dev);
}

/**
 * vuser_irq_abort() - take back the files of a server that will not serve the device
 * @dev: an open device, after vuser_irq_prepare()
 *
 * Context: process, a work item that lets another server serve the device; the lock of the
 * interrupts is held.
 */
void vuser_irq_abort(struct vuser_device *dev)
{
	vuser_irq_close_all_files(dev, true);
}

/* Signals all interrupts once; the lock is held. */
static void vuser_irq_repeat_all(struct vuser_device *dev)
{
	struct vuser_vector *vectors;
	u32 index, i;

	for (index = 0; index < VUSER_MAX_IRQ_INDEXES; index++) {
		vectors = dev->irqs.vectors[index];
		if (!(dev->irqs.enabled & BIT(index)))
			continue;
		if (vuser_irq_is_kernel_masked(dev, index)) {
			vuser_intx_repeat(dev);
			continue;
		}
		for (i = 0; i < vuser_irq_count(dev, index); i++)
			if (vectors[i].trigger)
				vuser_eventfd_signal(vectors[i].trigger);
	}
}

/**
 * vuser_irq_repeat() - signal all interrupts once
 * @dev: an open device that another server serves now
 *
 * The lost server may have lost an interrupt that it should have sent.  A driver
 * tolerates an interrupt without a reason, but not a missing one.
 *
 * Context: process; takes the lock of the interrupts; does not wait for the server.
 */
void vuser_irq_repeat(struct vuser_device *dev)
{
	mutex_lock(&dev->irqs.lock);
	vuser_irq_repeat_all(dev);
	mutex_unlock(&dev->irqs.lock);
}

/**
 * vuser_irq_repeat_killable() - signal all interrupts once, for a thread of the consumer
 * @dev: an open device that has loaded the state of another device
 *
 * As vuser_irq_repeat().
 *
 * Context: process; takes the lock of the interrupts killably.
 * Return: 0; or -EINTR when killed: no interrupt was signalled.
 */
int vuser_irq_repeat_killable(struct vuser_device *dev)
{
	if (mutex_lock_killable(&dev->irqs.lock))
		return -EINTR;
	vuser_irq_repeat_all(dev);
	mutex_unlock(&dev->irqs.lock);
	return 0;
}

/* ioctl ------------------------------------------------------------------- */

/*
 * Takes the lock of the interrupts.  If the server is lost and the setting on_loss says
 * so, waits for another server first.  Otherwise SET_IRQS fails when it sends a message.
 * Returns 0, or -EINTR when killed.
 */
static int vuser_irq_lock(struct vuser_device *dev, u32 index)
{
	bool local = vuser_irq_is_local(index);
	int ret = 0;

	for (;;) {
		if (!local && !vuser_conn_works(&dev->conn))
			ret = vuser_conn_wait(&dev->conn);
		if (ret == -EINTR || mutex_lock_killable(&dev->irqs.lock))
			return -EINTR;
		/* The server may be lost while this thread waits for the lock. */
		if (ret || local || vuser_conn_works(&dev->conn))
			return 0;
		mutex_unlock(&dev->irqs.lock);
	}
}

/**
 * vuser_irq_ioctl() - VFIO_DEVICE_SET_IRQS
 * @dev: an open device
 * @arg: the consumer's struct
 *
 * Context: process; takes the lock of the interrupts, and waits killably for
 * the helper and the server while holding it.
 * Return: 0; -EINVAL, -ENOTTY, -EBADF, -EBUSY, -ERANGE and -EFAULT as vfio-pci; -ENOMEM;
 * -EINTR when killed; -ETIMEDOUT when the helper or the server did not answer in time;
 * -ENOTCONN when the server is lost; or the server's errno.
 */
long vuser_irq_ioctl(struct vuser_device *dev, struct vfio_irq_set __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set hdr;
	size_t data_size = 0;
	void *data = NULL;
	int ret;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	if (hdr.index >= vuser_irq_nr_indexes(dev))
		return -EINVAL;
	ret = vfio_set_irqs_validate_and_prepare(&hdr,
						 vuser_irq_count(dev,
								 hdr.index),
						 vuser_irq_nr_indexes(dev),
						 &data_size);
	if (ret)
		return ret;
	if (data_size) {
		data = memdup_user(&arg->data, data_size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	ret = vuser_irq_lock(dev, hdr.index);
	if (!ret) {
		ret = vuser_irq_set(dev, &hdr, data);
		mutex_unlock(&dev->irqs.lock);
	}
	kfree(data);
	return ret;
}

/**
 * vuser_irq_close() - disable all interrupts of a device that is being closed
 * @dev: the device
 * @deadline: when to stop waiting for the server
 *
 * When this returns, the kernel has dropped its references to all eventfds of
 * the consumer and no longer signals them.  A server that has answered does not
 * signal them either.
 *
 * Context: process; takes the lock of the interrupts, and waits for the server
 * uninterruptibly, but not beyond @deadline.
 */
void vuser_irq_close(struct vuser_device *dev, ktime_t deadline)
{
	u32 index;
	bool sent;

	mutex_lock(&dev->irqs.lock);
	for (index = 0; index < VUSER_MAX_IRQ_INDEXES; index++) {
		if (!(dev->irqs.enabled & BIT(index)))
			continue;
		vuser_cmd_disable_irqs(dev->conn.chan, index, deadline, false, &sent);
		if (vuser_irq_is_kernel_masked(dev, index))
			vuser_intx_quiesce_until(dev, deadline);
		vuser_irq_release_vectors(dev, index);
	}
	vuser_irq_replace_trigger(dev, &dev->irqs.err_trigger, NULL);
	vuser_irq_replace_trigger(dev, &dev->irqs.req_trigger, NULL);
	mutex_unlock(&dev->irqs.lock);
}

/* Signals the trigger of ERR or REQ; false if the consumer set none. */
static bool vuser_irq_fire(struct vuser_device *dev, struct eventfd_ctx **slot)
{
	bool fired;

	spin_lock(&dev->irqs.signal_lock);
	fired = *slot;
	if (fired)
		vuser_eventfd_signal(*slot);
	spin_unlock(&dev->irqs.signal_lock);
	return fired;
}

/**
 * vuser_irq_fire_err() - signal ERR: the server of the device is lost
 * @dev: the device
 *
 * Context: process; takes a spinlock.
 */
void vuser_irq_fire_err(struct vuser_device *dev)
{
	vuser_irq_fire(dev, &dev->irqs.err_trigger);
}

/**
 * vuser_irq_fire_req() - signal REQ: ask the consumer to close the device
 * @dev: the device
 *
 * Context: process; takes a spinlock.
 * Return: false if the consumer has not enabled REQ.
 */
bool vuser_irq_fire_req(struct vuser_device *dev)
{
	return vuser_irq_fire(dev, &dev->irqs.req_trigger);
}
