// SPDX-License-Identifier: GPL-2.0
/*
 * INTx of a server that cannot mask it: the kernel masks, as vfio-pci does.
 *
 * The server signals an eventfd of the kernel, which the helper made at attach.  The
 * kernel listens on this eventfd and signals the consumer's eventfd.  Each delivery
 * masks INTx.  A signal that comes while INTx is masked is kept and delivered at the
 * unmask.  Several such signals are one interrupt.
 *
 * INTx follows a level, but many servers signal only when the level rises: QEMU's, for
 * example.  If the driver unmasks before the device has lowered INTx, such a server
 * does not signal again.  So the unmask asks the device for its level, as vfio-pci
 * does: by the bit in the status register of configuration space.
 *
 * The consumer can unmask with SET_IRQS, or by an eventfd, on which the kernel
 * listens, too.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "region/pci.h"
#include "server/channel.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vfio/device.h"
#include "vfio/intx.h"

/* An eventfd on which the kernel listens ----------------------------------- */

/* The function of the wait-queue entry; see struct vuser_intx_event. */
static int vuser_intx_wake(wait_queue_entry_t *wait, unsigned int mode,
			   int wake_flags, void *key)
{
	struct vuser_intx_event *event;
	__poll_t events = key_to_poll(key);

	event = container_of(wait, struct vuser_intx_event, wait);
	if (!events || (events & EPOLLIN))
		queue_work(event->wq, &event->work);
	return 0;
}

/* Passes the event to vuser_intx_add_wait(). */
struct vuser_intx_poll {
	poll_table table;
	struct vuser_intx_event *event;
};

/* Called by vfs_poll() with the eventfd's wait queue. */
static void vuser_intx_add_wait(struct file *file, wait_queue_head_t *wqh,
				poll_table *table)
{
	struct vuser_intx_poll *poll;

	poll = container_of(table, struct vuser_intx_poll, table);
	poll->event->wqh = wqh;
	add_wait_queue(wqh, &poll->event->wait);
}

/*
 * Starts to listen; takes over the references to @file and @ctx.  Returns true if the
 * eventfd is signalled already.
 */
static bool vuser_intx_listen(struct vuser_intx_event *event, struct file *file,
			      struct eventfd_ctx *ctx)
{
	struct vuser_intx_poll poll = { .event = event };

	event->file = file;
	event->ctx = ctx;
	init_waitqueue_func_entry(&event->wait, vuser_intx_wake);
	init_poll_funcptr(&poll.table, vuser_intx_add_wait);
	return vfs_poll(file, &poll.table) & EPOLLIN;
}

/* Reads the count of the eventfd and sets it to 0. */
static u64 vuser_intx_take(struct vuser_intx_event *event)
{
	u64 count;

	spin_lock_irq(&event->wqh->lock);
	eventfd_ctx_do_read(event->ctx, &count);
	spin_unlock_irq(&event->wqh->lock);
	return count;
}

/*
 * Stops listening and drops the references.  On return neither the function of the
 * wait-queue entry nor the work runs.  Does nothing if the kernel does not listen.  After
 * vuser_intx_quiesce(), the works wait for nothing.
 */
static void vuser_intx_unlisten(struct vuser_intx_event *event)
{
	u64 count;

	if (!event->file)
		return;
	eventfd_ctx_remove_wait_queue(event->ctx, &event->wait, &count);
	cancel_work_sync(&event->work);
	eventfd_ctx_put(event->ctx);
	fput(event->file);
	event->file = NULL;
	event->ctx = NULL;
	event->wqh = NULL;
}

/* Delivery ----------------------------------------------------------------- */

/*
 * Delivers the interrupt that waits, if INTx is not masked; the lock is held.  No
 * interrupt is delivered after the server is lost.
 */
static void vuser_intx_deliver(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	lockdep_assert_held(&intx->lock);
	if (!intx->pending || intx->masked || !intx->trigger ||
	    !vuser_conn_works(&dev->conn))
		return;
	intx->pending = false;
	intx->masked = true;
	vuser_eventfd_signal(intx->trigger);
}

static void vuser_intx_server_work(struct work_struct *work)
{
	struct vuser_device *dev = container_of(work, struct vuser_device,
						irqs.intx.server.work);
	struct vuser_intx *intx = &dev->irqs.intx;

	if (!vuser_intx_take(&intx->server))
		return;
	spin_lock(&intx->lock);
	intx->pending = true;
	vuser_intx_deliver(dev);
	spin_unlock(&intx->lock);
}

static void vuser_intx_unmask_work(struct work_struct *work)
{
	struct vuser_device *dev = container_of(work, struct vuser_device,
						irqs.intx.unmask.work);

	if (vuser_intx_take(&dev->irqs.intx.unmask))
		vuser_intx_unmask(dev);
}

/**
 * vuser_intx_mask() - mask INTx
 * @dev: an open device whose INTx the kernel masks
 *
 * On return the consumer gets no interrupt until it unmasks.
 *
 * Context: process; takes a spinlock.
 */
void vuser_intx_mask(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	spin_lock(&intx->lock);
	intx->masked = true;
	spin_unlock(&intx->lock);
}

/* Asks the server whether the device raises INTx, unless @quiet forbids it. */
static bool vuser_intx_ask(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;
	bool raised, quiet;

	spin_lock(&intx->lock);
	quiet = intx->quiet;
	intx->asking += !quiet;
	spin_unlock(&intx->lock);
	if (quiet)
		return false;

	raised = vuser_pci_intx_raised(&dev->regions.pci);
	spin_lock(&intx->lock);
	intx->asking--;
	spin_unlock(&intx->lock);
	/* Pairs with the barrier of the waiter, which reads @asking after it sleeps. */
	smp_mb();
	wake_up_var(&intx->asking);
	return raised;
}

static void vuser_intx_set_quiet(struct vuser_intx *intx, bool quiet)
{
	spin_lock(&intx->lock);
	intx->quiet = quiet;
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_quiesce() - wait until no thread asks the server about INTx
 * @dev: an open device whose INTx the kernel masks
 *
 * On success, no thread begins to ask before vuser_intx_start(), so vuser_intx_stop()
 * does not wait for the server.
 *
 * Context: process; the lock of the interrupts is held; waits killably for the server.
 * Return: 0; or -EINTR when killed.
 */
int vuser_intx_quiesce(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;
	int ret;

	lockdep_assert_held(&dev->irqs.lock);
	vuser_intx_set_quiet(intx, true);
	ret = wait_var_event_killable(&intx->asking, !READ_ONCE(intx->asking));
	if (!ret)
		return 0;
	vuser_intx_set_quiet(intx, false);
	return -EINTR;
}

/**
 * vuser_intx_quiesce_until() - wait for the threads that ask about INTx, when closing
 * @dev: an open device that is being closed, whose INTx is enabled and masked by the kernel
 * @deadline: when to stop waiting for the server
 *
 * As vuser_intx_quiesce().  If the server has not answered at @deadline, marks the
 * channel lost, which ends the wait.
 *
 * Context: process; the lock of the interrupts is held; waits for the server
 * uninterruptibly, but not beyond @deadline.
 */
void vuser_intx_quiesce_until(struct vuser_device *dev, ktime_t deadline)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	lockdep_assert_held(&dev->irqs.lock);
	vuser_intx_set_quiet(intx, true);
	if (!wait_var_event_timeout(&intx->asking, !READ_ONCE(intx->asking),
				    vuser_jiffies_left(deadline)))
		vuser_channel_fail(dev->conn.chan, -ETIMEDOUT,
				   "the server did not answer a read of configuration space before the close ended");
}

/**
 * vuser_intx_unmask() - unmask INTx and deliver the interrupt that waits
 * @dev: an open device whose INTx the kernel masks
 *
 * If no interrupt waits and the device still raises INTx, delivers an interrupt.
 *
 * Context: process; waits killably for the server.  Takes a spinlock.
 */
void vuser_intx_unmask(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;
	bool masked;

	spin_lock(&intx->lock);
	intx->masked = false;
	vuser_intx_deliver(dev);
	masked = intx->masked;
	spin_unlock(&intx->lock);
	if (masked || !vuser_intx_ask(dev))
		return;

	spin_lock(&intx->lock);
	/* A signal of the server, or a MASK, may have come first. */
	if (!intx->masked) {
		intx->pending = true;
		vuser_intx_deliver(dev);
	}
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_unmask_by() - set or remove the eventfd that unmasks INTx
 * @dev: an open device whose INTx is enabled and masked by the kernel
 * @fd: the eventfd; a negative number removes it
 *
 * If the eventfd is signalled already, INTx is unmasked at once.
 *
 * Context: process; the lock of the interrupts is held; may sleep.  Waits killably for
 * the server when it removes the eventfd.
 * Return: 0; -EINTR when killed; -EBADF when @fd is not open; -EINVAL when it is not an
 * eventfd; or -EBUSY when another eventfd is set.
 */
int vuser_intx_unmask_by(struct vuser_device *dev, int fd)
{
	struct vuser_intx_event *event = &dev->irqs.intx.unmask;
	struct eventfd_ctx *ctx;
	struct file *file;
	int ret;

	lockdep_assert_held(&dev->irqs.lock);
	if (fd < 0) {
		ret = vuser_intx_quiesce(dev);
		if (ret)
			return ret;
		vuser_intx_unlisten(event);
		vuser_intx_set_quiet(&dev->irqs.intx, false);
		return 0;
	}
	file = fget(fd);
	if (!file)
		return -EBADF;
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx)) {
		fput(file);
		return PTR_ERR(ctx);
	}
	if (event->file) {
		eventfd_ctx_put(ctx);
		fput(file);
		return -EBUSY;
	}
	if (vuser_intx_listen(event, file, ctx))
		queue_work(event->wq, &event->work);
	return 0;
}

/* Enable and disable ------------------------------------------------------- */

/**
 * vuser_intx_set_trigger() - set the eventfd by which the consumer gets interrupts
 * @dev: an open device whose INTx is enabled and masked by the kernel
 * @trigger: the eventfd; stays valid until the next call or vuser_intx_stop().
 *	NULL keeps an interrupt until an eventfd is set
 *
 * Context: process; the lock of the interrupts is held; takes a spinlock.
 */
void vuser_intx_set_trigger(struct vuser_device *dev,
			    struct eventfd_ctx *trigger)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	lockdep_assert_held(&dev->irqs.lock);
	spin_lock(&intx->lock);
	intx->trigger = trigger;
	vuser_intx_deliver(dev);
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_start() - listen on the eventfd that the server signals
 * @dev: an open device whose INTx the kernel masks
 *
 * INTx is not masked and no interrupt waits: signals from before are dropped.  Does
 * nothing if the kernel listens already.
 *
 * Context: process; the lock of the interrupts is held; may sleep.
 * Return: 0 or a negative errno.
 */
int vuser_intx_start(struct vuser_device *dev)
{
	struct file *file = dev->conn.chan->desc->intx_file;
	struct vuser_intx *intx = &dev->irqs.intx;
	struct eventfd_ctx *ctx;

	lockdep_assert_held(&dev->irqs.lock);
	if (intx->server.file)
		return 0;
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	vuser_intx_listen(&intx->server, get_file(file), ctx);
	vuser_intx_take(&intx->server);
	spin_lock(&intx->lock);
	intx->masked = false;
	intx->pending = false;
	intx->quiet = false;
	spin_unlock(&intx->lock);
	return 0;
}

/**
 * vuser_intx_resume() - listen on the eventfd that another server signals
 * @dev: an open device whose INTx is enabled and masked by the kernel; the connection has
 *	the new channel
 *
 * Masks and an interrupt that waits stay as they are.
 *
 * Context: process; the lock of the interrupts is held; may sleep.
 * Return: 0 or a negative errno; then the kernel does not listen.
 */
int vuser_intx_resume(struct vuser_device *dev)
{
	struct file *file = dev->conn.chan->desc->intx_file;
	struct vuser_intx *intx = &dev->irqs.intx;
	struct eventfd_ctx *ctx;

	lockdep_assert_held(&dev->irqs.lock);
	vuser_intx_unlisten(&intx->server);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (vuser_intx_listen(&intx->server, get_file(file), ctx))
		queue_work(intx->server.wq, &intx->server.work);
	return 0;
}

/**
 * vuser_intx_go_on() - deliver an interrupt that came while accesses failed
 * @dev: an open device whose connection works again
 *
 * Context: process; takes a spinlock.
 */
void vuser_intx_go_on(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	spin_lock(&intx->lock);
	vuser_intx_deliver(dev);
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_repeat() - deliver an interrupt, as if the server had signalled
 * @dev: an open device whose INTx is enabled and masked by the kernel
 *
 * Context: process; takes a spinlock.
 */
void vuser_intx_repeat(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	spin_lock(&intx->lock);
	intx->pending = true;
	vuser_intx_deliver(dev);
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_stop() - stop listening on the eventfds of INTx
 * @dev: an open device whose INTx the kernel masks, after vuser_intx_quiesce()
 *
 * On return the kernel neither signals the consumer's eventfd nor uses it.
 *
 * Context: process; the lock of the interrupts is held; sleeps until the works have
 * finished, which wait for nothing.
 */
void vuser_intx_stop(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	lockdep_assert_held(&dev->irqs.lock);
	vuser_intx_unlisten(&intx->server);
	vuser_intx_unlisten(&intx->unmask);
	spin_lock(&intx->lock);
	intx->trigger = NULL;
	intx->pending = false;
	spin_unlock(&intx->lock);
}

/**
 * vuser_intx_init() - initialise the masks of INTx of a new device
 * @dev: the device
 *
 * Context: any.
 */
void vuser_intx_init(struct vuser_device *dev)
{
	struct vuser_intx *intx = &dev->irqs.intx;

	spin_lock_init(&intx->lock);
	INIT_WORK(&intx->server.work, vuser_intx_server_work);
	intx->server.wq = vuser_wq;
	INIT_WORK(&intx->unmask.work, vuser_intx_unmask_work);
	intx->unmask.wq = vuser_wait_wq;
}
