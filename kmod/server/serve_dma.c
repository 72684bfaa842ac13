// SPDX-License-Identifier: GPL-2.0
/*
 * Serves DMA_READ and DMA_WRITE of the server.
 *
 * The thread that reads the sock serves these commands, in the order in which they
 * arrive.  The layer above copies the data, and does not wait for another process.
 *
 * Two kinds of accesses may have to wait: those to registers of another device, for the
 * server of that device; and those to memory of a consumer that uses iommufd, for a
 * fault on that memory.  The thread that reads the sock must not wait.  It adds the
 * command to a list, and a work item serves the commands in the list, in order.  So
 * such a command may be answered after commands that arrived later.
 *
 * If the list is full, a command for another device is answered with EBUSY: the two
 * devices may wait for each other.  Before a command for memory, the sock is not read
 * on until the list has room.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "server/bulk.h"
#include "server/channel.h"
#include "server/serve_dma.h"
#include "server/sock.h"
#include "trace.h"
#include "vuser.h"

/* The maximum number of commands of one channel in the list. */
#define VUSER_SERVE_DMA_MAX	64

/**
 * struct vuser_serve_dma_cmd - a command in the list
 * @node: entry in the list of the channel
 * @vsk: the sock on which the command arrived
 * @caller: for the copy with @wait
 * @hdr: header of the command
 * @access: the address and the size
 * @data: @access.count bytes: the data of a DMA_WRITE, or room for those of a
 *	DMA_READ
 */
struct vuser_serve_dma_cmd {
	struct list_head node;
	struct vuser_sock *vsk;
	struct vuser_dma_caller caller;
	struct vfio_user_header hdr;
	struct vfio_user_dma_access access;
	u8 data[];
};

/*
 * Copies from the consumer's memory.  Returns -EAGAIN if the copy must wait and
 * @caller->wait is false.
 */
static int vuser_serve_dma_copy_out(struct vuser_dma_caller *caller, u64 iova,
				    void *buf, size_t count)
{
	struct vuser_channel *chan = caller->chan;
	int ret = chan->user.ops->dma_read(chan->user.context, caller, iova,
					   buf, count);

	if (ret == -EAGAIN && !caller->wait)
		return ret;
	vuser_channel_count(chan, VUSER_COUNT_DMA_READ);
	trace_vuser_dma(chan->user.id, iova, count, false, ret);
	return ret;
}

/* Copies to the consumer's memory; otherwise as vuser_serve_dma_copy_out(). */
static int vuser_serve_dma_copy_in(struct vuser_dma_caller *caller, u64 iova,
				   const void *data, size_t count)
{
	struct vuser_channel *chan = caller->chan;
	int ret = chan->user.ops->dma_write(chan->user.context, caller, iova,
					    data, count);

	if (ret == -EAGAIN && !caller->wait)
		return ret;
	vuser_channel_count(chan, VUSER_COUNT_DMA_WRITE);
	trace_vuser_dma(chan->user.id, iova, count, true, ret);
	return ret;
}

/* The reply to a command. */
struct vuser_serve_dma_reply {
	struct vfio_user_header hdr;
	struct kvec vec[3];
	size_t nr;
};

/*
 * Composes the reply to @cmd.  @error is 0 or a negative errno; @data has the @len
 * bytes that a DMA_READ read.
 */
static void vuser_serve_dma_compose(struct vuser_serve_dma_reply *reply,
				    const struct vfio_user_header *cmd,
				    struct vfio_user_dma_access *access,
				    void *data, size_t len, int error)
{
	reply->hdr = (struct vfio_user_header){
		.msg_id = cmd->msg_id,
		.command = cmd->command,
		.msg_size = sizeof(reply->hdr),
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	reply->vec[0] = (struct kvec){ &reply->hdr, sizeof(reply->hdr) };
	reply->vec[1] = (struct kvec){ access, sizeof(*access) };
	reply->vec[2] = (struct kvec){ data, len };
	if (error) {
		reply->hdr.flags |= VFIO_USER_FLAGS_ERROR;
		reply->hdr.error_no = -error;
		reply->nr = 1;
		return;
	}
	reply->hdr.msg_size += sizeof(*access) + len;
	reply->nr = len ? 3 : 2;
}

/*
 * Replies to @cmd in the thread that reads.  Returns 0, or an error that ends the
 * channel.
 */
static int vuser_serve_dma_reply(struct vuser_sock *vsk,
				 const struct vfio_user_header *cmd,
				 struct vfio_user_dma_access *access,
				 void *data, size_t len, int error)
{
	struct vuser_serve_dma_reply reply;

	if (cmd->flags & VFIO_USER_FLAGS_NO_REPLY)
		return 0;
	vuser_serve_dma_compose(&reply, cmd, access, data, len, error);
	return vuser_sock_reply(vsk, reply.vec, reply.nr, reply.hdr.msg_size);
}

/* Commands that wait ------------------------------------------------------- */

/**
 * vuser_serve_dma_has_room() - check whether the list has room again
 * @chan: the channel
 *
 * A sock that waits for room is read on when half of the list is free.
 *
 * Context: process; takes the channel's lock.
 * Return: true if the list has room.
 */
bool vuser_serve_dma_has_room(struct vuser_channel *chan)
{
	bool room;

	spin_lock_irq(&chan->lock);
	room = chan->nr_dma_cmds <= VUSER_SERVE_DMA_MAX / 2;
	spin_unlock_irq(&chan->lock);
	return room;
}

/* Adds a command to the list, unless the list is full. */
static bool vuser_serve_dma_queue(struct vuser_channel *chan,
				  struct vuser_serve_dma_cmd *cmd)
{
	bool idle, room;

	spin_lock_irq(&chan->lock);
	idle = !chan->nr_dma_cmds;
	room = chan->nr_dma_cmds < VUSER_SERVE_DMA_MAX;
	if (room) {
		list_add_tail(&cmd->node, &chan->dma_cmds);
		WRITE_ONCE(chan->nr_dma_cmds, chan->nr_dma_cmds + 1);
	}
	spin_unlock_irq(&chan->lock);
	if (idle) {
		vuser_channel_get(chan);
		queue_work(vuser_wait_wq, &chan->dma_work);
	}
	return room;
}

/*
 * Lets the work item serve a command that must wait.  @caller is that of the copy that
 * returned -EAGAIN; @data has the data of a DMA_WRITE.  Returns 0; -EAGAIN if the
 * command must be served later, because the list is full; or an error that ends the
 * channel.
 */
static int vuser_serve_dma_defer(struct vuser_sock *vsk,
				 const struct vuser_dma_caller *caller,
				 const struct vfio_user_header *hdr,
				 struct vfio_user_dma_access *access,
				 const void *data)
{
	struct vuser_serve_dma_cmd *cmd;

	if (caller->memory &&
	    READ_ONCE(vsk->chan->nr_dma_cmds) == VUSER_SERVE_DMA_MAX)
		return -EAGAIN;
	cmd = kvmalloc(struct_size(cmd, data, access->count), GFP_KERNEL);
	if (!cmd)
		return vuser_serve_dma_reply(vsk, hdr, access, NULL, 0,
					     -ENOMEM);
	cmd->vsk = vsk;
	cmd->caller = (struct vuser_dma_caller){
		.chan = vsk->chan,
		.wait = true,
		.memory = caller->memory,
		.generation = caller->generation,
	};
	cmd->hdr = *hdr;
	cmd->access = *access;
	if (hdr->command == VFIO_USER_DMA_WRITE)
		memcpy(cmd->data, data, access->count);
	if (vuser_serve_dma_queue(vsk->chan, cmd))
		return 0;
	kvfree(cmd);
	if (caller->memory)
		return -EAGAIN;
	return vuser_serve_dma_reply(vsk, hdr, access, NULL, 0, -EBUSY);
}

/* Reads on if a sock waits for room in the list; the channel's lock is held. */
static void vuser_serve_dma_resume(struct vuser_channel *chan,
				   struct vuser_sock *vsk)
{
	/* On a lost channel, the works that read may be cancelled already. */
	if (READ_ONCE(vsk->rx_state) == VUSER_RX_FULL && !chan->lost)
		vuser_channel_queue_reader(vsk);
}

/*
 * Removes the first command from the list and returns it.  The channel's
 * @nr_dma_cmds still counts this command until the next call, which has @served true.
 * Returns NULL if the list is empty: the work item must end then.
 */
static struct vuser_serve_dma_cmd *
vuser_serve_dma_next(struct vuser_channel *chan, bool served)
{
	struct vuser_serve_dma_cmd *cmd;
	bool idle;

	spin_lock_irq(&chan->lock);
	if (served)
		WRITE_ONCE(chan->nr_dma_cmds, chan->nr_dma_cmds - 1);
	if (chan->nr_dma_cmds <= VUSER_SERVE_DMA_MAX / 2) {
		vuser_serve_dma_resume(chan, &chan->main);
		vuser_serve_dma_resume(chan, &chan->twin);
	}
	idle = !chan->nr_dma_cmds;
	cmd = list_first_entry_or_null(&chan->dma_cmds,
				       struct vuser_serve_dma_cmd, node);
	if (cmd)
		list_del(&cmd->node);
	spin_unlock_irq(&chan->lock);
	if (idle)
		wake_up_all(&chan->dma_idle);
	return cmd;
}

/*
 * What serving a command takes of the budget: one, and one for each 4 KiB of memory.  If
 * the command is for another device, one for each access to that device, of 8 bytes.
 */
static unsigned int vuser_serve_dma_cost(const struct vuser_serve_dma_cmd *cmd)
{
	return 1 + cmd->access.count / (cmd->caller.memory ? PAGE_SIZE : sizeof(u64));
}

/*
 * Called before each command.  If *@used exceeds the budget of a turn, accounts for it, and
 * waits if the server has used too much.  *@turn: whether the work item makes a turn now.
 */
static void vuser_serve_dma_share(struct vuser_channel *chan, unsigned int *used,
				  bool *turn)
{
	if (*used && *used < VUSER_BULK_BUDGET)
		return;
	if (*used)
		vuser_bulk_account(&chan->budget, *used);
	if (*turn)
		vuser_bulk_end(&chan->dma_turn);
	*turn = READ_ONCE(chan->budget.over);
	if (*turn)
		vuser_bulk_enter(&chan->dma_turn);
	*used = 0;
}

/* Serves one command, and waits until the reply is sent. */
static void vuser_serve_dma_run(struct vuser_channel *chan,
				struct vuser_serve_dma_cmd *cmd)
{
	bool write = cmd->hdr.command == VFIO_USER_DMA_WRITE;
	struct vfio_user_dma_access *access = &cmd->access;
	struct vuser_serve_dma_reply reply;
	int ret;

	cmd->caller.deadline = vuser_channel_deadline(chan);
	if (write)
		ret = vuser_serve_dma_copy_in(&cmd->caller, access->address,
					      cmd->data, access->count);
	else
		ret = vuser_serve_dma_copy_out(&cmd->caller, access->address,
					       cmd->data, access->count);
	if (cmd->hdr.flags & VFIO_USER_FLAGS_NO_REPLY)
		return;
	vuser_serve_dma_compose(&reply, &cmd->hdr, access, cmd->data,
				write ? 0 : access->count, ret);
	ret = vuser_sock_send(cmd->vsk, reply.vec, reply.nr, reply.hdr.msg_size,
			      VUSER_TX_ALL, vuser_channel_deadline(chan), false);
	if (ret == -ETIMEDOUT)
		vuser_channel_timeout(chan, "the server does not read replies",
				      &reply.hdr);
	else if (ret && ret != -ENOTCONN)
		vuser_channel_hang_up(chan, ret, "no memory to answer the server");
}

/**
 * vuser_serve_dma_work() - serve the DMA commands that may have to wait
 * @work: @dma_work of a channel
 *
 * The work item has a reference to the channel.  If the server has used more than its
 * budget, serves the commands in turns with other such servers.
 *
 * Context: a worker of vuser_wait_wq.
 */
void vuser_serve_dma_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  dma_work);
	struct vuser_serve_dma_cmd *cmd;
	bool served = false, turn = false;
	unsigned int used = 0;

	while ((cmd = vuser_serve_dma_next(chan, served))) {
		if (!vuser_channel_lost(chan)) {
			vuser_serve_dma_share(chan, &used, &turn);
			used += vuser_serve_dma_cost(cmd);
			vuser_serve_dma_run(chan, cmd);
		}
		kvfree(cmd);
		served = true;
		/* The server may send commands as fast as they are served. */
		cond_resched();
	}
	vuser_bulk_account(&chan->budget, used);
	if (turn)
		vuser_bulk_end(&chan->dma_turn);
	vuser_channel_put(chan);
}

/* Whether a thread that waits for these commands can stop waiting. */
static bool vuser_serve_dma_idle(struct vuser_channel *chan)
{
	return !READ_ONCE(chan->nr_dma_cmds) || vuser_channel_lost(chan);
}

/**
 * vuser_serve_dma_wait_idle() - wait until no DMA command waits
 * @chan: the channel
 * @deadline: when to stop waiting
 * @killable: a fatal signal ends the wait
 *
 * The caller makes sure that no new command waits, and that those that wait fail:
 * the device was closed or reset.
 *
 * Context: process, without locks; sleeps.
 * Return: 0, also when the channel is lost: then no command that has not begun is
 * served; -EINTR when the thread was killed; -ETIMEDOUT when the deadline has passed.
 */
int vuser_serve_dma_wait_idle(struct vuser_channel *chan, ktime_t deadline,
			      bool killable)
{
	long left = vuser_jiffies_left(deadline);
	long ret;

	if (killable)
		ret = wait_event_killable_timeout(chan->dma_idle,
						  vuser_serve_dma_idle(chan),
						  left);
	else
		ret = wait_event_idle_timeout(chan->dma_idle,
					      vuser_serve_dma_idle(chan), left);
	if (ret < 0)
		return -EINTR;
	return ret ? 0 : -ETIMEDOUT;
}

/**
 * vuser_serve_dma_wait_end() - wait until no DMA command of a lost server runs
 * @lost: the channel of the lost server
 * @chan: the channel of the server that is to take its place
 * @deadline: when to stop waiting
 *
 * A command that waits for memory of a consumer that uses iommufd cannot be cancelled.
 * Commands that have not begun are dropped.
 *
 * Context: process, without locks; sleeps, not interruptible.
 * Return: 0, and the lost server's DMA does not reach memory any more; -ENOTCONN when @chan
 * is lost; -ETIMEDOUT when the deadline has passed.
 */
int vuser_serve_dma_wait_end(struct vuser_channel *lost, struct vuser_channel *chan,
			     ktime_t deadline)
{
	wait_event_idle_timeout(lost->dma_idle,
				!READ_ONCE(lost->nr_dma_cmds) ||
				vuser_channel_lost(chan),
				vuser_jiffies_left(deadline));
	if (!READ_ONCE(lost->nr_dma_cmds))
		return 0;
	return vuser_channel_lost(chan) ? -ENOTCONN : -ETIMEDOUT;
}

/**
 * vuser_serve_dma_wake() - let vuser_serve_dma_wait_end() look at its channels again
 * @lost: the channel of the lost server
 *
 * Context: any.
 */
void vuser_serve_dma_wake(struct vuser_channel *lost)
{
	wake_up_all(&lost->dma_idle);
}

/* Commands ----------------------------------------------------------------- */

static int vuser_serve_dma_read(struct vuser_sock *vsk,
				const struct vfio_user_header *hdr,
				struct vfio_user_dma_access *access)
{
	struct vuser_dma_caller caller = { .chan = vsk->chan };
	void *buf;
	int ret;

	buf = kvmalloc(access->count, GFP_KERNEL);
	if (!buf)
		return vuser_serve_dma_reply(vsk, hdr, access, NULL, 0,
					     -ENOMEM);
	ret = vuser_serve_dma_copy_out(&caller, access->address, buf,
				       access->count);
	vsk->rx_copied = ret ? 0 : access->count;
	if (ret == -EAGAIN)
		ret = vuser_serve_dma_defer(vsk, &caller, hdr, access, NULL);
	else
		ret = vuser_serve_dma_reply(vsk, hdr, access, buf,
					    access->count, ret);
	kvfree(buf);
	return ret;
}

static int vuser_serve_dma_write(struct vuser_sock *vsk,
				 const struct vfio_user_header *hdr,
				 struct vfio_user_dma_access *access,
				 const void *data)
{
	struct vuser_dma_caller caller = { .chan = vsk->chan };
	int ret = vuser_serve_dma_copy_in(&caller, access->address, data,
					  access->count);

	if (ret == -EAGAIN)
		return vuser_serve_dma_defer(vsk, &caller, hdr, access, data);
	return vuser_serve_dma_reply(vsk, hdr, access, NULL, 0, ret);
}

/**
 * vuser_serve_dma() - serve one DMA_READ or DMA_WRITE
 * @vsk: the sock on which the command arrived
 * @hdr: header of the command
 * @payload: a struct vfio_user_dma_access, followed by the data of a DMA_WRITE
 * @len: size of @payload in bytes
 *
 * Context: the thread that reads the sock, with its rx_lock held; may sleep for
 * memory.
 * Return: 0; -EAGAIN when the command must be served later, because it may wait for
 * memory, and the list of such commands is full; -EPROTO when the command has a wrong
 * size (the channel is lost then); or another error that ends the channel.
 */
int vuser_serve_dma(struct vuser_sock *vsk,
		    const struct vfio_user_header *hdr, const void *payload,
		    size_t len)
{
	bool write = hdr->command == VFIO_USER_DMA_WRITE;
	struct vfio_user_dma_access access;
	const void *data = payload + sizeof(access);
	size_t data_len;

	if (len < sizeof(access))
		goto bad_size;
	memcpy(&access, payload, sizeof(access));
	data_len = len - sizeof(access);
	if (data_len != (write ? access.count : 0))
		goto bad_size;

	if (!access.count || access.count > VUSER_MAX_XFER)
		return vuser_serve_dma_reply(vsk, hdr, &access, NULL, 0,
					     -EINVAL);
	if (!write)
		return vuser_serve_dma_read(vsk, hdr, &access);
	return vuser_serve_dma_write(vsk, hdr, &access, data);

bad_size:
	vuser_channel_violation(vsk->chan, "bad size of a DMA command", hdr);
	return -EPROTO;
}
