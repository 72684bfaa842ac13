// SPDX-License-Identifier: GPL-2.0
/*
 * The file by which a consumer reads or writes the state of a device, as one stream.
 *
 * A read sends MIG_DATA_READ, a write sends MIG_DATA_WRITE.  Data of the server stay in a
 * buffer until the consumer has read them, so that neither a short read nor an address without
 * memory loses data.
 *
 * The file is useful only while the state of migration is one for which it was opened: the
 * functions fail with ENODEV afterwards, also when the device was closed or removed.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat.h"
#include "server/channel.h"
#include "server/cmd_mig.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vfio/device.h"
#include "vfio/mig_file.h"
#include "vfio/mig_lock.h"

/**
 * struct vuser_mig_file - the private data of the file
 * @dev: the device; a reference
 * @buf: memory for one message
 * @size: size of @buf, bytes; not 0
 * @pos: first byte in @buf that the consumer has not read
 * @len: bytes in @buf
 * @later: the server has said once that it has no more data now: what follows are changes
 * @ended: the server has sent all data
 * @broken: data may be missing: a message was not answered
 *
 * The lock of the migration protects all members but @dev, @buf and @size, which are constant.
 */
struct vuser_mig_file {
	struct vuser_device *dev;
	u8 *buf;
	size_t size;
	size_t pos;
	size_t len;
	bool later;
	bool ended;
	bool broken;
};

/**
 * vuser_mig_file_saves() - tell whether the state of a device can be read
 * @state: VFIO_DEVICE_STATE_*
 *
 * Context: any.
 * Return: true in the states in which the consumer may read.
 */
bool vuser_mig_file_saves(u32 state)
{
	return state == VFIO_DEVICE_STATE_STOP_COPY || vuser_migration_pre_copy(state);
}

/* Begins a read or a write.  Returns 0, and the caller must call vuser_mig_file_end(). */
static int vuser_mig_file_begin(struct file *file)
{
	struct vuser_mig_file *mf = file->private_data;
	struct vuser_device *dev = mf->dev;
	int ret = vuser_mig_lock_enter(dev);

	if (ret)
		return ret;
	ret = vuser_conn_begin(&dev->conn);
	if (ret) {
		ret = ret == -EINTR ? ret : -ENODEV;
		goto err_leave;
	}
	/* The state may have changed in vuser_conn_begin(), with another server. */
	if (dev->mig.file == file && dev->mig.state != VFIO_DEVICE_STATE_ERROR)
		return 0;
	ret = -ENODEV;
	vuser_conn_leave(&dev->conn);
err_leave:
	vuser_mig_lock_leave(dev);
	return ret;
}

static void vuser_mig_file_end(struct vuser_mig_file *mf)
{
	vuser_conn_leave(&mf->dev->conn);
	vuser_mig_lock_leave(mf->dev);
}

/*
 * The result of a message of this file.  Without an answer, the kernel cannot know whether the
 * server has sent or taken the data.
 */
static int vuser_mig_file_result(struct vuser_mig_file *mf, int ret)
{
	if (ret == -EINTR || ret == -ETIMEDOUT || ret == -ENOTCONN || ret == -EIO)
		mf->broken = true;
	return ret == -ENOTCONN ? -EIO : ret;
}

/* Gets data from the server, if there is none.  Returns the number of bytes in the buffer. */
static ssize_t vuser_mig_file_fill(struct vuser_mig_file *mf)
{
	struct vuser_device *dev = mf->dev;
	bool pre_copy = vuser_migration_pre_copy(dev->mig.state);
	size_t done = 0;
	int ret;

	if (mf->pos < mf->len)
		return mf->len - mf->pos;
	if (mf->broken)
		return -EIO;
	if (mf->ended)
		return 0;
	ret = vuser_cmd_mig_read(dev->conn.chan, mf->buf, mf->size, &done);
	if (ret)
		return vuser_mig_file_result(mf, ret);
	mf->pos = 0;
	mf->len = done;
	if (!done && pre_copy)
		mf->later = true;
	mf->ended = !done && !pre_copy;
	return done;
}

/*
 * Copies from the buffer to memory of the consumer, as far as this needs no page fault.
 * Returns the number of bytes, which may be 0.
 */
static size_t vuser_mig_file_copy(struct vuser_mig_file *mf, char __user *to, size_t count)
{
	size_t len = min(count, mf->len - mf->pos);

	pagefault_disable();
	len -= copy_to_user(to, mf->buf + mf->pos, len);
	pagefault_enable();
	mf->pos += len;
	return len;
}

/*
 * Reads once: at most what one message has.  Returns the number of bytes; 0 at the end of the
 * data; -EAGAIN when the consumer's memory had a page fault; or another errno.
 */
static ssize_t vuser_mig_file_get(struct file *file, char __user *to, size_t count)
{
	struct vuser_mig_file *mf = file->private_data;
	ssize_t ret;

	ret = vuser_mig_file_begin(file);
	if (ret)
		return ret;
	ret = vuser_mig_file_fill(mf);
	if (ret > 0)
		ret = vuser_mig_file_copy(mf, to, count) ?: -EAGAIN;
	else if (!ret && vuser_migration_pre_copy(mf->dev->mig.state))
		ret = -ENOMSG;
	vuser_mig_file_end(mf);
	return ret;
}

/* Writes once: at most one message.  Returns as vuser_mig_file_get(). */
static ssize_t vuser_mig_file_put(struct file *file, const char __user *from, size_t count)
{
	struct vuser_mig_file *mf = file->private_data;
	size_t len = min(count, mf->size);
	ssize_t ret;

	ret = vuser_mig_file_begin(file);
	if (ret)
		return ret;
	pagefault_disable();
	len -= copy_from_user(mf->buf, from, len);
	pagefault_enable();
	if (mf->broken) {
		ret = -EIO;
	} else if (!len) {
		ret = -EAGAIN;
	} else {
		ret = vuser_cmd_mig_write(mf->dev->conn.chan, mf->buf, len);
		ret = ret ? vuser_mig_file_result(mf, ret) : len;
	}
	vuser_mig_file_end(mf);
	return ret;
}

/*
 * The time for one read(2) or write(2).  The consumer gets what it asks for, unless the data
 * end, or the server takes longer than one answer may take.
 */
static ktime_t vuser_mig_file_deadline(struct vuser_mig_file *mf)
{
	return vuser_deadline(&mf->dev->settings.request_timeout_ms);
}

/* The result of a read or a write of which @done bytes are done. */
static ssize_t vuser_mig_file_done(size_t done, ssize_t ret)
{
	if (done)
		return done;
	/* The page was not there until the deadline. */
	return ret == -EAGAIN ? -EFAULT : ret;
}

/* Whether a read or a write with this result ends. */
static bool vuser_mig_file_ends(ssize_t ret, ktime_t deadline)
{
	cond_resched();
	return (ret <= 0 && ret != -EAGAIN) || fatal_signal_pending(current) ||
	       ktime_after(ktime_get(), deadline);
}

/*
 * Reads or writes until all is done.  Page faults are handled without the lock of the
 * migration, because they may take as long as another process wants.
 */
static ssize_t vuser_mig_file_move(struct file *file, char __user *buf, size_t count, bool save)
{
	struct vuser_mig_file *mf = file->private_data;
	ktime_t deadline = vuser_mig_file_deadline(mf);
	size_t done = 0, len, absent;
	ssize_t ret = 0;

	while (done < count) {
		len = min(count - done, mf->size);
		absent = save ? fault_in_safe_writeable(buf + done, len) :
				fault_in_readable(buf + done, len);
		if (absent == len) {
			ret = -EFAULT;
			break;
		}
		ret = save ? vuser_mig_file_get(file, buf + done, len) :
			     vuser_mig_file_put(file, buf + done, len);
		done += max_t(ssize_t, ret, 0);
		if (vuser_mig_file_ends(ret, deadline))
			break;
	}
	return vuser_mig_file_done(done, ret);
}

static ssize_t vuser_mig_file_read(struct file *file, char __user *buf, size_t count,
				   loff_t *pos)
{
	return vuser_mig_file_move(file, buf, count, true);
}

static ssize_t vuser_mig_file_write(struct file *file, const char __user *buf, size_t count,
				    loff_t *pos)
{
	return vuser_mig_file_move(file, (char __user *)buf, count, false);
}

/*
 * The protocol has no way to ask how much data the server has.  So this gets data if there is
 * none, and says how many bytes wait here, which is less than all.
 */
static int vuser_mig_file_info(struct vuser_mig_file *mf, struct vfio_precopy_info *info)
{
	ssize_t ret;

	if (!vuser_migration_pre_copy(mf->dev->mig.state))
		return -EINVAL;
	ret = vuser_mig_file_fill(mf);
	if (ret < 0)
		return ret;
	info->initial_bytes = mf->later ? 0 : ret;
	info->dirty_bytes = mf->later ? ret : 0;
	return 0;
}

static long vuser_mig_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	void __user *uarg = (void __user *)arg;
	struct vfio_precopy_info info;
	int ret;

	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, uarg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = 0;
	ret = vuser_mig_file_begin(file);
	if (ret)
		return ret;
	ret = vuser_mig_file_info(file->private_data, &info);
	vuser_mig_file_end(file->private_data);
	if (!ret && copy_to_user(uarg, &info, minsz))
		ret = -EFAULT;
	return ret;
}

static int vuser_mig_file_release(struct inode *inode, struct file *file)
{
	struct vuser_mig_file *mf = file->private_data;

	vuser_device_put(mf->dev);
	kvfree(mf->buf);
	kfree(mf);
	return 0;
}

static const struct file_operations vuser_mig_save_fops = {
	.owner = THIS_MODULE,
	.read = vuser_mig_file_read,
	.release = vuser_mig_file_release,
	.unlocked_ioctl = vuser_mig_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static const struct file_operations vuser_mig_load_fops = {
	.owner = THIS_MODULE,
	.write = vuser_mig_file_write,
	.release = vuser_mig_file_release,
};

static struct vuser_mig_file *vuser_mig_file_alloc(struct vuser_device *dev)
{
	size_t size = min_t(u32, dev->conn.chan->desc->max_data_xfer_size, VUSER_MAX_XFER);
	struct vuser_mig_file *mf;

	if (!size)
		return ERR_PTR(-EOPNOTSUPP);
	mf = kzalloc(sizeof(*mf), GFP_KERNEL_ACCOUNT);
	if (!mf)
		return ERR_PTR(-ENOMEM);
	mf->buf = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!mf->buf) {
		kfree(mf);
		return ERR_PTR(-ENOMEM);
	}
	mf->size = size;
	mf->dev = dev;
	vuser_device_get(dev);
	return mf;
}

/**
 * vuser_mig_file_open() - make the file for the state of a device
 * @dev: an open device; the lock of the migration is held, and the caller uses the connection
 * @save: the consumer reads the state; otherwise it writes the state
 *
 * Context: process; may sleep for memory.
 * Return: the file, with a reference for the caller; or an errno.
 */
struct file *vuser_mig_file_open(struct vuser_device *dev, bool save)
{
	struct vuser_mig_file *mf = vuser_mig_file_alloc(dev);
	struct file *file;

	if (IS_ERR(mf))
		return ERR_CAST(mf);
	file = anon_inode_getfile("vuser_mig", save ? &vuser_mig_save_fops :
				  &vuser_mig_load_fops, mf, save ? O_RDONLY : O_WRONLY);
	if (IS_ERR(file)) {
		vuser_device_put(dev);
		kvfree(mf->buf);
		kfree(mf);
		return file;
	}
	stream_open(file_inode(file), file);
	return file;
}
