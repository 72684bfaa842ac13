// SPDX-License-Identifier: GPL-2.0
/*
 * What the server asks of us: DMA_READ and DMA_WRITE, served from the open
 * consumer's map by the thread that reads the socket, in the order they came.
 * Mapped pages are pinned, so nothing here waits for anybody, but for the memory
 * of a consumer that came by iommufd.
 */
#include <linux/slab.h>

#include "dma/type1.h"
#include "server/channel.h"
#include "trace.h"
#include "vuser.h"

static int vuser_serve_access(struct vuser_device *dev, u64 iova, void *buf,
			      size_t count, bool write)
{
	int ret = vuser_domain_dma(dev, iova, buf, count, write);

	vuser_count(dev, write ? VUSER_COUNT_DMA_WRITE : VUSER_COUNT_DMA_READ);
	trace_vuser_dma(dev, iova, count, write, ret);
	return ret;
}

/* Answers @cmd: @error is 0 or a negative errno, @data what was read. */
static int vuser_serve_reply(struct vuser_link *link,
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
		return vuser_link_reply(link, vec, 1, hdr.msg_size);
	}
	hdr.msg_size += sizeof(*access) + len;
	return vuser_link_reply(link, vec, len ? 3 : 2, hdr.msg_size);
}

static int vuser_serve_read(struct vuser_link *link,
			    const struct vfio_user_header *hdr,
			    struct vfio_user_dma_access *access)
{
	void *buf;
	int ret;

	buf = kvmalloc(access->count, GFP_KERNEL);
	if (!buf)
		return vuser_serve_reply(link, hdr, access, NULL, 0, -ENOMEM);
	ret = vuser_serve_access(link->chan->dev, access->address, buf,
				 access->count, false);
	ret = vuser_serve_reply(link, hdr, access, buf, access->count, ret);
	kvfree(buf);
	return ret;
}

/**
 * vuser_serve_dma() - serve DMA_READ and DMA_WRITE
 * @link: the request came by this link
 * @hdr: its header
 * @payload: a struct vfio_user_dma_access and, to write, the data
 * @len: bytes of @payload
 *
 * Context: the reading thread.
 * Return: 0, or an error that ends the channel.
 */
int vuser_serve_dma(struct vuser_link *link,
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
		return vuser_serve_reply(link, hdr, &access, NULL, 0, -EINVAL);
	if (!write)
		return vuser_serve_read(link, hdr, &access);

	ret = vuser_serve_access(link->chan->dev, access.address, (void *)data,
				 access.count, true);
	return vuser_serve_reply(link, hdr, &access, NULL, 0, ret);

bad_size:
	vuser_channel_violation(link->chan, "bad size of a DMA request", hdr);
	return -EPROTO;
}
