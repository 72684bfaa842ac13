// SPDX-License-Identifier: GPL-2.0
/*
 * Files by which servers signal interrupts.
 *
 * A server gets such a file in place of the consumer's eventfd.  A write to the file
 * signals the eventfd, in the thread that writes.  So an interrupt costs as much as with
 * the eventfd itself.  Unlike the eventfd, the file can be taken back: a server that was
 * lost or replaced, but still runs, cannot signal the consumer any more.  Nor can a
 * server read the eventfd or change its flags.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vfio/irq_file.h"

/**
 * struct vuser_irq_file - what a file signals
 * @lock: protects @trigger; held while the eventfd is signalled
 * @trigger: the consumer's eventfd; a reference.  NULL when the file was taken back
 */
struct vuser_irq_file {
	spinlock_t lock;	/* trigger */
	struct eventfd_ctx *trigger;
};

/* As a write to an eventfd: a number of 8 bytes, which is not all ones. */
static ssize_t vuser_irq_file_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *ppos)
{
	struct vuser_irq_file *irq = file->private_data;
	u64 value;

	if (count < sizeof(value))
		return -EINVAL;
	if (copy_from_user(&value, buf, sizeof(value)))
		return -EFAULT;
	if (value == U64_MAX)
		return -EINVAL;
	spin_lock(&irq->lock);
	if (irq->trigger && value)
		vuser_eventfd_signal(irq->trigger);
	spin_unlock(&irq->lock);
	return sizeof(value);
}

/* A write never waits. */
static __poll_t vuser_irq_file_poll(struct file *file, poll_table *wait)
{
	return EPOLLOUT;
}

static int vuser_irq_file_release(struct inode *inode, struct file *file)
{
	struct vuser_irq_file *irq = file->private_data;

	if (irq->trigger)
		eventfd_ctx_put(irq->trigger);
	kfree(irq);
	return 0;
}

static const struct file_operations vuser_irq_file_fops = {
	.owner = THIS_MODULE,
	.write = vuser_irq_file_write,
	.poll = vuser_irq_file_poll,
	.release = vuser_irq_file_release,
	.llseek = noop_llseek,
};

/**
 * vuser_irq_file_open() - make a file that signals an eventfd
 * @eventfd: the consumer's eventfd
 *
 * Context: process; may sleep for memory.
 * Return: the file, to be released with vuser_irq_file_close(); or an ERR_PTR(): -EINVAL
 * when @eventfd is not an eventfd; -ENOMEM; or another error of anon_inode_getfile().
 */
struct file *vuser_irq_file_open(struct file *eventfd)
{
	struct vuser_irq_file *irq;
	struct file *file;
	int ret;

	irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);
	if (!irq)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&irq->lock);
	irq->trigger = eventfd_ctx_fileget(eventfd);
	if (IS_ERR(irq->trigger)) {
		ret = PTR_ERR(irq->trigger);
		goto err_free;
	}
	file = anon_inode_getfile("[vuser-irq]", &vuser_irq_file_fops, irq, O_WRONLY);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_trigger;
	}
	return file;

err_trigger:
	eventfd_ctx_put(irq->trigger);
err_free:
	kfree(irq);
	return ERR_PTR(ret);
}

/**
 * vuser_irq_file_close() - take a file back from the server, and drop the reference
 * @file: the file from vuser_irq_file_open(), or NULL
 *
 * On return a write to the file signals nothing.
 *
 * Context: process; takes a spinlock.
 */
void vuser_irq_file_close(struct file *file)
{
	struct eventfd_ctx *trigger;
	struct vuser_irq_file *irq;

	if (!file)
		return;
	irq = file->private_data;
	spin_lock(&irq->lock);
	trigger = irq->trigger;
	irq->trigger = NULL;
	spin_unlock(&irq->lock);
	if (trigger)
		eventfd_ctx_put(trigger);
	fput(file);
}
