// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "defer.h"
#include "../harness.h"
#include "../wire.h"

struct defer defer;

/* Defer the answer if the test wants it. */
static bool later(int what, char letter)
{
	struct vuser_request *request;

	if (defer.nr_order < DEFER_MAX)
		defer.order[defer.nr_order++] = letter;
	if (!(defer.defers & what))
		return false;
	request = vuser_server_defer(defer.server);
	if (!request)
		return false;
	/* A callback has one answer. */
	check(!vuser_server_defer(defer.server));
	if (defer.answer_at_once) {
		if (what == DEFER_ACCESS && letter == 'r')
			memset(vuser_request_data(request), 7, 4);
		vuser_request_done(request, 0);
		if (defer.process_then)
			check_eq(vuser_server_process_accesses(defer.server),
				 0);
		return true;
	}
	require(defer.nr < DEFER_MAX);
	defer.requests[defer.nr++] = request;
	return true;
}

static int on_read(void *data, uint32_t index, uint64_t offset, void *buf,
		   uint32_t count)
{
	(void)data;
	(void)index;
	if (!later(DEFER_ACCESS, 'r'))
		memcpy(buf, defer.mem + offset, count);
	return 0;
}

static int on_write(void *data, uint32_t index, uint64_t offset,
		    const void *buf, uint32_t count)
{
	(void)data;
	(void)index;
	if (!later(DEFER_ACCESS, 'w'))
		memcpy(defer.mem + offset, buf, count);
	return 0;
}

static int on_reset(void *data)
{
	(void)data;
	later(DEFER_RESET, 'R');
	return 0;
}

static void on_unmap(void *data, const struct vuser_dma_region *region)
{
	(void)data;
	(void)region;
	later(DEFER_UNMAP, 'u');
}

static int on_migrate(void *data, enum vfio_device_mig_state from,
		      enum vfio_device_mig_state to)
{
	(void)data;
	(void)from;
	later(DEFER_MIGRATE, '0' + to);
	return 0;
}

static ssize_t on_mig_read(void *data, void *buf, size_t count)
{
	(void)data;
	(void)buf;
	(void)count;
	/* Migration data cannot be deferred. */
	check(!vuser_server_defer(defer.server));
	return 0;
}

static int on_mig_write(void *data, const void *buf, size_t count)
{
	(void)data;
	(void)buf;
	(void)count;
	return 0;
}

static void on_disconnected(void *data, int error)
{
	(void)data;
	(void)error;
	/* Commands that wait are dropped, also those that access_now allows. */
	check_eq(vuser_server_process_accesses(defer.server), -ENOTCONN);
	later(DEFER_DISCONNECT, 'd');
}

static bool on_access_now(void *data, uint32_t region, uint64_t offset,
			  uint32_t count, bool write)
{
	(void)data;
	(void)region;
	(void)offset;
	(void)count;
	(void)write;
	return defer.now;
}

static const struct vuser_server_ops ops = {
	.struct_size = sizeof(ops),
	.reset = on_reset,
	.dma_unmap = on_unmap,
	.migrate = on_migrate,
	.mig_read = on_mig_read,
	.mig_write = on_mig_write,
	.disconnected = on_disconnected,
	.access_now = on_access_now,
};

void defer_process(void)
{
	check_eq(vuser_server_process(defer.server), 0);
}

bool defer_is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

int defer_connect(void)
{
	struct vfio_user_version *version;
	struct vuser_msg msg;
	char buf[64] = { 0 };
	int fds[2], ret;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	ret = vuser_server_serve(defer.server, fds[0]);
	if (ret) {
		close(fds[1]);
		return ret;
	}
	version = (struct vfio_user_version *)buf;
	version->minor = VFIO_USER_MINOR;
	strcpy((char *)version->data, "{}");
	wire_send(fds[1], 1, VFIO_USER_VERSION, 0, 0, buf, sizeof(*version) + 3,
		  NULL, 0);
	defer_process();
	require(!wire_recv(fds[1], &msg));
	vuser_msg_clear(&msg);
	return fds[1];
}

void defer_begin(int defers)
{
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.migration = true,
		.max_deferred = 3,
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = sizeof(defer.mem),
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.access_max = 4,
		.read = on_read,
		.write = on_write,
		.fd = -1,
	};

	memset(&defer, 0, sizeof(defer));
	defer.defers = defers;
	require(!vuser_server_new(&ops, &config, NULL, &defer.server));
	require(!vuser_server_set_region(defer.server, DEFER_SPLIT, &region));
	region.access_max = 0;
	require(!vuser_server_set_region(defer.server, DEFER_WHOLE, &region));
	defer.sock = defer_connect();
	require(defer.sock >= 0);
}

void defer_end(void)
{
	vuser_server_free(defer.server);
	close(defer.sock);
}

void defer_send(uint16_t id, uint16_t command, uint32_t flags,
		const void *payload, size_t len)
{
	wire_send(defer.sock, id, command, flags, 0, payload, len, NULL, 0);
}

void defer_send_access(uint16_t id, bool write, uint32_t flags, uint32_t region,
		       uint64_t offset, uint32_t count)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[64];
	} cmd = { { offset, region, count }, { 0 } };
	uint32_t i;

	for (i = 0; i < count && write; i++)
		cmd.data[i] = id + i;
	defer_send(id, write ? VFIO_USER_REGION_WRITE : VFIO_USER_REGION_READ,
		   flags, &cmd, sizeof(cmd.access) + (write ? count : 0));
}

void defer_send_unmap(uint16_t id, uint64_t iova, uint64_t size, uint32_t flags)
{
	const struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.address = iova,
		.size = size,
	};

	defer_send(id, VFIO_USER_DMA_UNMAP, 0, &unmap, sizeof(unmap));
}

void defer_send_state(uint16_t id, uint32_t to)
{
	struct {
		struct vfio_user_device_feature feature;
		struct vfio_device_feature_mig_state state;
	} cmd = {
		{ sizeof(cmd), VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE },
		{ .device_state = to },
	};

	defer_send(id, VFIO_USER_DEVICE_FEATURE, 0, &cmd, sizeof(cmd));
}

int defer_reply(uint16_t id, void *payload, size_t len)
{
	struct vuser_msg msg;
	int ret;

	require(!wire_recv(defer.sock, &msg));
	check_eq(msg.hdr.msg_id, id);
	ret = msg.hdr.flags & VFIO_USER_FLAGS_ERROR ? -(int)msg.hdr.error_no :
						      0;
	if (payload && !ret) {
		check_eq(msg.len, len);
		memcpy(payload, msg.payload, len < msg.len ? len : msg.len);
	}
	vuser_msg_clear(&msg);
	return ret;
}

bool defer_has_reply(void)
{
	return defer_is_readable(defer.sock);
}

bool defer_read_is(uint16_t id, uint8_t value, uint32_t count)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[64];
	} got;
	uint32_t i;

	if (defer_reply(id, &got, sizeof(got.access) + count))
		return false;
	for (i = 0; i < count; i++)
		if (got.data[i] != value)
			return false;
	return got.access.count == count;
}

void defer_answer_read(int i, uint8_t value, uint32_t count)
{
	memset(vuser_request_data(defer.requests[i]), value, count);
	vuser_request_done(defer.requests[i], 0);
}

void defer_map(uint64_t iova)
{
	struct vfio_user_dma_map cmd;
	int fd = memfd_create("client", MFD_CLOEXEC);

	require(fd >= 0 && !ftruncate(fd, DEFER_PAGE));
	require(vuser_encode_dma_map(&cmd, sizeof(cmd), iova, DEFER_PAGE, 0,
				     VFIO_USER_DMA_MAP_READ |
					     VFIO_USER_DMA_MAP_WRITE) > 0);
	wire_send(defer.sock, 9, VFIO_USER_DMA_MAP, 0, 0, &cmd, sizeof(cmd),
		  &fd, 1);
	close(fd);
	defer_process();
	check_eq(defer_reply(9, NULL, 0), 0);
}
