// SPDX-License-Identifier: GPL-2.0
/*
 * Serves DMA_READ and DMA_WRITE of the server.
 *
 * The thread that reads the sock serves these commands, in the order in which they
 * arrive.  The layer above copies the data.  The copy does not wait for another
 * process, except when a consumer uses iommufd: then it may wait for a fault on
 * the consumer's memory.
 */
#include <linux/slab.h>

#include "server/channel.h"
#include "server/serve_dma.h"
#include "server/sock.h"
#include "trace.h"

/* Copies from the consumer's memory. */
static int vuser_serve_dma_copy_out(struct vuser_channel *chan, u64 iova,
				    void *buf, size_t count)
{
	int ret = chan->user.ops->dma_read(chan->user.context, iova, buf,
					   count);

	vuser_channel_count(chan, VUSER_COUNT_DMA_READ);
	trace_vuser_dma(chan->user.id, iova, count, false, ret);
	return ret;
}

/* Copies to the consumer's memory. */
static int vuser_serve_dma_copy_in(struct vuser_channel *chan, u64 iova,
				   const void *data, size_t count)
{
	int ret = chan->user.ops->dma_write(chan->user.context, iova, data,
					    count);

	vuser_channel_count(chan, VUSER_COUNT_DMA_WRITE);
	trace_vuser_dma(chan->user.id, iova, count, true, ret);
	return ret;
}

/*
 * Replies to @cmd.  @error is 0 or a negative errno; @data has the @len bytes that
 * a DMA_READ read.  Returns 0, or an error that ends the channel.
 */
static int vuser_serve_dma_reply(struct vuser_sock *vsk,
				 const struct vfio_user_header *cmd,
				 struct vfio_user_dma_access *access,
				 void *data, size_t len, int error)
{
	struct vfio_user_header hdr = {
		.msg_id = cmd->msg_id,
		.command = cmd->command,
		.msg_size = sizeof(hdr),
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct kvec vec[3] = {
		{ &hdr, sizeof(hdr) },
		{ access, sizeof(*access) },
		{ data, len },
	};

	if (cmd->flags & VFIO_USER_FLAGS_NO_REPLY)
		return 0;
	if (error) {
		hdr.flags |= VFIO_USER_FLAGS_ERROR;
		hdr.error_no = -error;
		return vuser_sock_reply(vsk, vec, 1, hdr.msg_size);
	}
	hdr.msg_size += sizeof(*access) + len;
	return vuser_sock_reply(vsk, vec, len ? 3 : 2, hdr.msg_size);
}

static int vuser_serve_dma_read(struct vuser_sock *vsk,
				const struct vfio_user_header *hdr,
				struct vfio_user_dma_access *access)
{
	void *buf;
	int ret;

	buf = kvmalloc(access->count, GFP_KERNEL);
	if (!buf)
		return vuser_serve_dma_reply(vsk, hdr, access, NULL, 0,
					     -ENOMEM);
	ret = vuser_serve_dma_copy_out(vsk->chan, access->address, buf,
				       access->count);
	ret = vuser_serve_dma_reply(vsk, hdr, access, buf, access->count, ret);
	kvfree(buf);
	return ret;
}

/**
 * vuser_serve_dma() - serve one DMA_READ or DMA_WRITE
 * @vsk: the sock on which the command arrived
 * @hdr: header of the command
 * @payload: a struct vfio_user_dma_access, followed by the data of a DMA_WRITE
 * @len: size of @payload in bytes
 *
 * Context: the thread that reads the sock, with its rx_lock held; may sleep.
 * Return: 0; -EPROTO when the command has a wrong size (the channel is lost
 * then); or another error that ends the channel.
 */
int vuser_serve_dma(struct vuser_sock *vsk,
		    const struct vfio_user_header *hdr, const void *payload,
		    size_t len)
{
	bool write = hdr->command == VFIO_USER_DMA_WRITE;
	struct vfio_user_dma_access access;
	const void *data = payload + sizeof(access);
	size_t data_len;
	int ret;

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

	ret = vuser_serve_dma_copy_in(vsk->chan, access.address, data,
				      access.count);
	return vuser_serve_dma_reply(vsk, hdr, &access, NULL, 0, ret);

bad_size:
	vuser_channel_violation(vsk->chan, "bad size of a DMA command", hdr);
	return -EPROTO;
}
