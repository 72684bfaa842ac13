// SPDX-License-Identifier: BSD-3-Clause
/*
 * The synchronous client, for one thread. While it waits for a reply, or for room to
 * send, it receives the messages of the server. So the server may send commands at any
 * time, on both sockets.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vuser/client.h>
#include <vuser/sock.h>

#include "../libbase/abi.h"
#include "../libbase/deadline.h"
#include "out.h"

/* Maximum size of a message without data, in bytes. */
#define SMALL_MAX (64 * 1024)

/*
 * Maximum number of commands that a server may send without waiting for the replies.
 */
#define QUEUE_MAX 1024

/* Set in the IDs of posted commands, since some servers reply to them. */
#define POSTED_ID 0x8000

struct queued {
	struct queued *next;
	struct vuser_msg msg;
};

/**
 * struct vuser_client - a client
 * @desc: result of the handshake; owns the sockets
 * @ops: callbacks for the server's commands
 * @data: for @ops
 * @timeout_ms: of each call
 * @max_size: largest message to accept, bytes
 * @max_fds: most file descriptors to accept with a message
 * @max_xfer: most bytes of data that the server may ask for
 * @error: 0; or the errno that ended the connection
 * @next_id: ID of the next command
 * @rx: message that is received on the main socket
 * @twin_rx: message that is received on the twin socket
 * @first: list of the server's commands on the main socket that are not served yet
 * @last: last entry of the list
 * @queued: entries of the list
 * @waiting: a command waits for its reply
 * @command: the command that waits
 * @msg_id: the ID of this command
 * @replied: @reply is valid
 * @reply: the reply
 * @buf: the data of a reply to DMA_READ
 */
struct vuser_client {
	struct vuser_description *desc;
	struct vuser_client_ops ops;
	void *data;
	int timeout_ms;
	size_t max_size;
	uint32_t max_fds;
	uint32_t max_xfer;
	int error;
	uint16_t next_id;
	struct vuser_msg rx;
	struct vuser_msg twin_rx;
	struct queued *first;
	struct queued *last;
	unsigned int queued;
	bool waiting;
	uint16_t command;
	uint16_t msg_id;
	bool replied;
	struct vuser_msg reply;
	char *buf;
};

static int serve_waiting(struct vuser_client *client, int64_t deadline);

static int fail(struct vuser_client *client, int error)
{
	if (!client->error)
		client->error = error;
	return client->error;
}

/* Handle the message that was received on the main socket. */
static int take_message(struct vuser_client *client)
{
	const struct vfio_user_header *hdr = &client->rx.hdr;
	struct queued *queued;

	if (vuser_header_is_reply(hdr)) {
		if (hdr->msg_id & POSTED_ID) {
			vuser_msg_clear(&client->rx);
			return 0;
		}
		if (!client->waiting || client->replied ||
		    hdr->command != client->command ||
		    hdr->msg_id != client->msg_id)
			return fail(client, -EPROTO);
		client->reply = client->rx;
		client->replied = true;
		vuser_msg_init(&client->rx);
		return 0;
	}
	if (client->desc->twin >= 0 || client->queued == QUEUE_MAX)
		return fail(client, -EPROTO);
	queued = malloc(sizeof(*queued));
	if (!queued)
		return fail(client, -ENOMEM);
	queued->next = NULL;
	queued->msg = client->rx;
	vuser_msg_init(&client->rx);
	if (client->first)
		client->last->next = queued;
	else
		client->first = queued;
	client->last = queued;
	client->queued++;
	return 0;
}

/* Receive what has arrived on the main socket, one message at most. */
static int receive(struct vuser_client *client)
{
	int ret = vuser_msg_recv(client->desc->sock, &client->rx,
				 client->max_size, client->max_fds);

	if (!ret)
		return take_message(client);
	return ret == -EAGAIN ? ret : fail(client, ret);
}

/* Send a message, and receive the messages of the server meanwhile. */
static int send_message(struct vuser_client *client, int fd,
			const struct vfio_user_header *hdr,
			const struct iovec *iov, int iovcnt, const int *fds,
			uint32_t nr_fds, int64_t deadline)
{
	struct pollfd pfds[3] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = client->desc->sock, .events = POLLIN },
		{ .fd = client->desc->twin, .events = POLLIN },
	};
	struct vu_out out;
	int ret = vu_out_init(&out, hdr, iov, iovcnt, fds, nr_fds);

	if (ret)
		return ret;
	/* While a reply is sent on the twin socket, do not serve another command. */
	if (fd == client->desc->twin)
		pfds[2].fd = -1;
	for (;;) {
		ret = vu_out_step(fd, &out);
		if (!ret)
			return 0;
		if (ret == -EAGAIN)
			ret = vu_deadline_poll(pfds, 3, deadline);
		if (!ret && pfds[1].revents)
			ret = receive(client);
		if (!ret && pfds[2].fd >= 0 && pfds[2].revents)
			ret = serve_waiting(client, deadline);
		if (ret && ret != -EAGAIN)
			return fail(client, ret);
	}
}

static int send_reply(struct vuser_client *client, int fd,
		      const struct vuser_msg *msg, int error,
		      const struct vfio_user_dma_access *access, size_t len,
		      int64_t deadline)
{
	struct vfio_user_header hdr = {
		.msg_id = msg->hdr.msg_id,
		.command = msg->hdr.command,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct iovec iov[2] = {
		{ .iov_base = (void *)access, .iov_len = sizeof(*access) },
		{ .iov_base = client->buf, .iov_len = len },
	};

	if (msg->hdr.flags & VFIO_USER_FLAGS_NO_REPLY)
		return 0;
	if (error) {
		hdr.flags |= VFIO_USER_FLAGS_ERROR;
		hdr.error_no = -error;
	}
	return send_message(client, fd, &hdr, iov, error ? 0 : 2, NULL, 0,
			    deadline);
}

static int dma_read(struct vuser_client *client, const struct vuser_msg *msg,
		    struct vfio_user_dma_access *access)
{
	int ret = vuser_decode_dma_access(msg->payload, msg->len,
					  client->max_xfer, access);

	if (ret)
		return ret;
	if (!client->ops.dma_read)
		return -ENOTSUP;
	return client->ops.dma_read(client->data, access->address, client->buf,
				    access->count);
}

static int dma_write(struct vuser_client *client, const struct vuser_msg *msg,
		     struct vfio_user_dma_access *access)
{
	const void *data;
	int ret = vuser_decode_dma_access_data(msg->payload, msg->len,
					       client->max_xfer, access, &data);

	if (ret)
		return ret;
	if (!client->ops.dma_write)
		return -ENOTSUP;
	return client->ops.dma_write(client->data, access->address, data,
				     access->count);
}

/* Serve a command of the server. */
static int serve(struct vuser_client *client, int fd, struct vuser_msg *msg,
		 int64_t deadline)
{
	struct vfio_user_dma_access access = { 0 };
	size_t len = 0;
	int error;

	if (msg->hdr.flags & VFIO_USER_FLAGS_TYPE_REPLY)
		return fail(client, -EPROTO);
	if (msg->hdr.command == VFIO_USER_DMA_READ) {
		error = dma_read(client, msg, &access);
		len = error ? 0 : access.count;
	} else if (msg->hdr.command == VFIO_USER_DMA_WRITE) {
		error = dma_write(client, msg, &access);
	} else {
		error = -ENOTSUP;
	}
	return send_reply(client, fd, msg, error, &access, len, deadline);
}

/* Receive on the twin socket. Return: 1 when a command was served. */
static int serve_twin(struct vuser_client *client, int64_t deadline)
{
	int ret;

	ret = vuser_msg_recv(client->desc->twin, &client->twin_rx,
			     client->max_size, 0);
	if (ret == -EAGAIN)
		return 0;
	if (ret)
		return fail(client, ret);
	ret = serve(client, client->desc->twin, &client->twin_rx, deadline);
	vuser_msg_clear(&client->twin_rx);
	return ret ?: 1;
}

static int serve_waiting(struct vuser_client *client, int64_t deadline)
{
	int ret = serve_twin(client, deadline);

	return ret < 0 ? ret : 0;
}

/* Serve the oldest command of the list. Return: 1 when there was one. */
static int serve_queued(struct vuser_client *client, int64_t deadline)
{
	struct queued *queued = client->first;
	int ret;

	if (!queued)
		return 0;
	client->first = queued->next;
	client->queued--;
	ret = serve(client, client->desc->sock, &queued->msg, deadline);
	vuser_msg_clear(&queued->msg);
	free(queued);
	return ret ?: 1;
}

/* Wait for a message and handle it. Return: 1 when a command was served. */
static int progress(struct vuser_client *client, int64_t deadline)
{
	struct pollfd pfds[2] = {
		{ .fd = client->desc->sock, .events = POLLIN },
		{ .fd = client->desc->twin, .events = POLLIN },
	};
	int ret;

	ret = serve_queued(client, deadline);
	if (ret)
		return ret;
	ret = vu_deadline_poll(pfds, 2, deadline);
	if (ret)
		return ret;
	if (pfds[1].revents) {
		ret = serve_twin(client, deadline);
		if (ret)
			return ret;
	}
	if (!pfds[0].revents)
		return 0;
	ret = receive(client);
	return ret == -EAGAIN ? 0 : ret;
}

static int reply_error(const struct vuser_msg *reply)
{
	uint32_t error = reply->hdr.error_no;

	if (!(reply->hdr.flags & VFIO_USER_FLAGS_ERROR))
		return 0;
	return error && error <= 4095 ? -(int)error : -EIO;
}

/* Send a command without waiting for the reply. */
static int submit(struct vuser_client *client, uint16_t command, uint32_t flags,
		  const struct iovec *iov, int iovcnt, const int *fds,
		  uint32_t nr_fds, int64_t deadline)
{
	struct vfio_user_header hdr = {
		.msg_id = client->next_id++ & ~POSTED_ID,
		.command = command,
		.flags = flags,
	};

	if (client->error)
		return client->error;
	if (flags & VFIO_USER_FLAGS_NO_REPLY) {
		hdr.msg_id |= POSTED_ID;
	} else {
		client->waiting = true;
		client->command = command;
		client->msg_id = hdr.msg_id;
		client->replied = false;
	}
	return send_message(client, client->desc->sock, &hdr, iov, iovcnt, fds,
			    nr_fds, deadline);
}

/* Send a command and wait for the reply, which the caller must clear. */
static int call(struct vuser_client *client, uint16_t command,
		const struct iovec *iov, int iovcnt, const int *fds,
		uint32_t nr_fds, struct vuser_msg *reply)
{
	int64_t deadline = vu_deadline_after(client->timeout_ms);
	int ret;

	ret = submit(client, command, 0, iov, iovcnt, fds, nr_fds, deadline);
	while (!ret && !client->replied) {
		ret = progress(client, deadline);
		if (ret > 0)
			ret = 0;
	}
	client->waiting = false;
	if (ret) {
		/*
		 * After these two errors nothing was sent. After others the socket is
		 * unusable.
		 */
		if (ret != -EINVAL && ret != -EMSGSIZE)
			fail(client, ret);
		if (client->replied)
			vuser_msg_clear(&client->reply);
		client->replied = false;
		return ret;
	}
	client->replied = false;
	*reply = client->reply;
	vuser_msg_init(&client->reply);
	ret = reply_error(reply);
	if (ret)
		vuser_msg_clear(reply);
	return ret;
}

/* As call(), for a command whose reply has no payload. */
static int call_empty(struct vuser_client *client, uint16_t command,
		      const struct iovec *iov, int iovcnt, const int *fds,
		      uint32_t nr_fds)
{
	struct vuser_msg reply;
	int ret;

	ret = call(client, command, iov, iovcnt, fds, nr_fds, &reply);
	if (ret)
		return ret;
	ret = vuser_decode_empty(reply.payload, reply.len);
	vuser_msg_clear(&reply);
	return ret ? fail(client, -EPROTO) : 0;
}

/* End of a call: a malformed reply ends the connection. */
static int finish(struct vuser_client *client, struct vuser_msg *reply, int ret)
{
	vuser_msg_clear(reply);
	return ret ? fail(client, -EPROTO) : 0;
}

static int handshake(int sock, const struct vuser_client_options *opt,
		     int timeout_ms, struct vuser_description **desc)
{
	int64_t deadline = vu_deadline_after(timeout_ms);
	struct vuser_handshake *hs;
	struct pollfd pfd = { .events = POLLIN };
	int ret;

	ret = vuser_handshake_new(sock, opt, &hs);
	if (ret)
		return ret;
	pfd.fd = sock;
	do {
		ret = vu_deadline_poll(&pfd, 1, deadline);
		if (!ret)
			ret = vuser_handshake_step(hs, desc);
	} while (ret == -EAGAIN);
	vuser_handshake_free(hs);
	return ret;
}

int vuser_client_new_fd(int sock, const struct vuser_client_options *opt,
			int timeout_ms, const struct vuser_client_ops *ops,
			void *data, struct vuser_client **result)
{
	struct vuser_client *client = calloc(1, sizeof(*client));
	struct vuser_client_options options;
	int ret = -ENOMEM;

	if (client)
		ret = vu_abi_read(&client->ops, sizeof(client->ops), ops,
				  sizeof(client->ops));
	if (!ret)
		ret = vu_abi_read(&options, sizeof(options), opt,
				  sizeof(options));
	if (ret) {
		free(client);
		close(sock);
		return ret;
	}
	client->data = data;
	client->timeout_ms = timeout_ms;
	client->max_fds = options.max_msg_fds ?: VUSER_MAX_MSG_FDS;
	client->max_xfer = options.max_data_xfer_size ?:
				   VFIO_USER_DEFAULT_MAX_DATA_XFER_SIZE;
	ret = handshake(sock, &options, timeout_ms, &client->desc);
	if (ret)
		goto free;
	/* A read may request as many bytes as the server accepts. */
	client->max_size = sizeof(struct vfio_user_header) + SMALL_MAX;
	client->max_size +=
		client->max_xfer > client->desc->caps.max_data_xfer_size ?
			client->max_xfer :
			client->desc->caps.max_data_xfer_size;
	client->buf = malloc(client->max_xfer);
	ret = -ENOMEM;
	if (!client->buf)
		goto free;
	*result = client;
	return 0;
free:
	vuser_client_free(client);
	return ret;
}

int vuser_client_new(const char *path, const struct vuser_client_options *opt,
		     int timeout_ms, const struct vuser_client_ops *ops,
		     void *data, struct vuser_client **client)
{
	int sock = vuser_sock_connect(path);

	if (sock < 0)
		return sock;
	return vuser_client_new_fd(sock, opt, timeout_ms, ops, data, client);
}

void vuser_client_free(struct vuser_client *client)
{
	struct queued *queued;

	if (!client)
		return;
	while ((queued = client->first)) {
		client->first = queued->next;
		vuser_msg_clear(&queued->msg);
		free(queued);
	}
	vuser_msg_clear(&client->rx);
	vuser_msg_clear(&client->twin_rx);
	vuser_description_free(client->desc);
	free(client->buf);
	free(client);
}

const struct vuser_description *
vuser_client_description(const struct vuser_client *client)
{
	return client->desc;
}

/* Whether the server accepts @count bytes in one message. */
static bool count_ok(const struct vuser_client *client, uint32_t count)
{
	return count && count <= client->desc->caps.max_data_xfer_size;
}

int vuser_client_read(struct vuser_client *client, uint32_t region,
		      uint64_t offset, void *buf, uint32_t count)
{
	struct vfio_user_region_access access;
	struct iovec iov = { &access, sizeof(access) };
	struct vuser_msg reply;
	const void *data;
	int ret;

	if (!count_ok(client, count))
		return -EINVAL;
	vuser_encode_region_access(&access, sizeof(access), region, offset,
				   count);
	ret = call(client, VFIO_USER_REGION_READ, &iov, 1, NULL, 0, &reply);
	if (ret)
		return ret;
	ret = vuser_decode_region_read_reply(reply.payload, reply.len, region,
					     offset, count, &data);
	if (!ret)
		memcpy(buf, data, count);
	return finish(client, &reply, ret);
}

int vuser_client_write(struct vuser_client *client, uint32_t region,
		       uint64_t offset, const void *buf, uint32_t count)
{
	struct vfio_user_region_access access;
	struct iovec iov[2] = {
		{ &access, sizeof(access) },
		{ (void *)buf, count },
	};
	struct vuser_msg reply;
	int ret;

	if (!count_ok(client, count))
		return -EINVAL;
	vuser_encode_region_access(&access, sizeof(access), region, offset,
				   count);
	ret = call(client, VFIO_USER_REGION_WRITE, iov, 2, NULL, 0, &reply);
	if (ret)
		return ret;
	ret = vuser_decode_region_write_reply(reply.payload, reply.len, region,
					      offset, count);
	return finish(client, &reply, ret);
}

int vuser_client_post(struct vuser_client *client, uint32_t region,
		      uint64_t offset, const void *buf, uint32_t count)
{
	struct vfio_user_region_access access;
	struct iovec iov[2] = {
		{ &access, sizeof(access) },
		{ (void *)buf, count },
	};

	if (!count_ok(client, count))
		return -EINVAL;
	vuser_encode_region_access(&access, sizeof(access), region, offset,
				   count);
	return submit(client, VFIO_USER_REGION_WRITE, VFIO_USER_FLAGS_NO_REPLY,
		      iov, 2, NULL, 0, vu_deadline_after(client->timeout_ms));
}

int vuser_client_write_multi(struct vuser_client *client,
			     const struct vfio_user_single_write *wrs,
			     uint64_t count, uint64_t *done)
{
	struct vuser_msg reply;
	struct iovec iov;
	size_t size;
	ssize_t ret;

	if (!client->desc->caps.write_multiple)
		return -EOPNOTSUPP;
	if (!count ||
	    count > client->desc->caps.max_data_xfer_size / sizeof(*wrs))
		return -EINVAL;
	size = sizeof(struct vfio_user_write_multi) + count * sizeof(*wrs);
	iov.iov_base = malloc(size);
	if (!iov.iov_base)
		return -ENOMEM;
	ret = vuser_encode_write_multi(iov.iov_base, size, wrs, count);
	if (ret > 0) {
		iov.iov_len = ret;
		ret = call(client, VFIO_USER_REGION_WRITE_MULTI, &iov, 1, NULL,
			   0, &reply);
	}
	free(iov.iov_base);
	if (ret)
		return ret;
	ret = vuser_decode_write_multi_reply(reply.payload, reply.len, count,
					     done);
	return finish(client, &reply, ret);
}

int vuser_client_set_irqs(struct vuser_client *client, uint32_t flags,
			  uint32_t index, uint32_t start, uint32_t count,
			  const uint8_t *bools, const int *fds)
{
	char buf[sizeof(struct vfio_user_irq_set) + VUSER_MAX_IRQS];
	struct iovec iov = { .iov_base = buf };
	ssize_t len;

	len = vuser_encode_irq_set(buf, sizeof(buf), flags, index, start, count,
				   bools);
	if (len < 0)
		return len;
	if (fds && count > client->desc->caps.max_msg_fds)
		return -EINVAL;
	iov.iov_len = len;
	return call_empty(client, VFIO_USER_DEVICE_SET_IRQS, &iov, 1, fds,
			  fds ? count : 0);
}

int vuser_client_dma_map(struct vuser_client *client, uint64_t address,
			 uint64_t size, uint32_t flags, int fd, uint64_t offset)
{
	struct vfio_user_dma_map map;
	struct iovec iov = { &map, sizeof(map) };

	vuser_encode_dma_map(&map, sizeof(map), address, size, offset, flags);
	return call_empty(client, VFIO_USER_DMA_MAP, &iov, 1, &fd, fd >= 0);
}

int vuser_client_dma_unmap(struct vuser_client *client, uint64_t address,
			   uint64_t size)
{
	struct vfio_user_dma_unmap unmap;
	struct iovec iov = { &unmap, sizeof(unmap) };
	struct vuser_msg reply;
	int ret;

	vuser_encode_dma_unmap(&unmap, sizeof(unmap), address, size);
	ret = call(client, VFIO_USER_DMA_UNMAP, &iov, 1, NULL, 0, &reply);
	if (ret)
		return ret;
	ret = vuser_decode_dma_unmap_reply(reply.payload, reply.len, &unmap);
	return finish(client, &reply, ret);
}

int vuser_client_reset(struct vuser_client *client)
{
	return call_empty(client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
}

ssize_t vuser_client_feature(struct vuser_client *client, uint32_t flags,
			     void *buf, size_t len, size_t size)
{
	struct vfio_user_device_feature head;
	struct iovec iov[2] = { { &head, sizeof(head) }, { buf, len } };
	struct vfio_user_device_feature got;
	struct vuser_msg reply;
	const void *data;
	size_t data_len;
	ssize_t ret;

	if (client->desc->minor < VFIO_USER_MINOR_EXTENDED)
		return -EOPNOTSUPP;
	ret = vuser_encode_feature(&head, sizeof(head), sizeof(head) + size,
				   flags, NULL, 0);
	if (ret < 0)
		return ret;
	ret = call(client, VFIO_USER_DEVICE_FEATURE, iov, len ? 2 : 1, NULL, 0,
		   &reply);
	if (ret)
		return ret;
	ret = vuser_decode_feature_reply(reply.payload, reply.len, flags, &data,
					 &data_len);
	if (ret)
		return finish(client, &reply, ret);
	/* If the data do not fit, the reply has their length only. */
	memcpy(&got, reply.payload, sizeof(got));
	ret = -ENOSPC;
	if (data_len <= size && (data_len || got.argsz <= head.argsz)) {
		if (data_len)
			memcpy(buf, data, data_len);
		ret = data_len;
	}
	vuser_msg_clear(&reply);
	return ret;
}

ssize_t vuser_client_mig_read(struct vuser_client *client, void *buf,
			      uint32_t count)
{
	struct vfio_user_mig_data head;
	struct iovec iov = { &head, sizeof(head) };
	struct vuser_msg reply;
	const void *data;
	uint32_t len;
	ssize_t ret;

	if (client->desc->minor < VFIO_USER_MINOR_EXTENDED)
		return -EOPNOTSUPP;
	if (count > client->desc->caps.max_data_xfer_size)
		return -EINVAL;
	vuser_encode_mig_read(&head, sizeof(head), count);
	ret = call(client, VFIO_USER_MIG_DATA_READ, &iov, 1, NULL, 0, &reply);
	if (ret)
		return ret;
	ret = vuser_decode_mig_data(reply.payload, reply.len, count, &len,
				    &data);
	if (ret)
		return finish(client, &reply, ret);
	if (len)
		memcpy(buf, data, len);
	vuser_msg_clear(&reply);
	return len;
}

int vuser_client_mig_write(struct vuser_client *client, const void *buf,
			   uint32_t count)
{
	struct vfio_user_mig_data head;
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ (void *)buf, count } };

	if (client->desc->minor < VFIO_USER_MINOR_EXTENDED)
		return -EOPNOTSUPP;
	if (count > client->desc->caps.max_data_xfer_size)
		return -EINVAL;
	vuser_encode_mig_data(&head, sizeof(head), count);
	return call_empty(client, VFIO_USER_MIG_DATA_WRITE, iov, count ? 2 : 1,
			  NULL, 0);
}

int vuser_client_process(struct vuser_client *client, int timeout_ms)
{
	int64_t deadline = vu_deadline_after(timeout_ms);
	int ret;

	if (client->error)
		return client->error;
	do {
		ret = progress(client, deadline);
	} while (!ret);
	if (ret == -ETIMEDOUT)
		return 0;
	return ret;
}

ssize_t vuser_client_command(struct vuser_client *client, uint16_t command,
			     const void *payload, size_t len, const int *fds,
			     uint32_t nr_fds, void *buf, size_t size)
{
	struct iovec iov = { (void *)payload, len };
	struct vuser_msg reply;
	ssize_t ret;

	ret = call(client, command, &iov, 1, fds, nr_fds, &reply);
	if (ret)
		return ret;
	ret = -EMSGSIZE;
	if (reply.len <= size) {
		if (reply.len)
			memcpy(buf, reply.payload, reply.len);
		ret = reply.len;
	}
	vuser_msg_clear(&reply);
	return ret;
}
