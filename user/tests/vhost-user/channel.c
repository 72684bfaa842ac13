// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../harness.h"
#include "channel.h"

struct channel_seen channel_seen;
struct fake channel_fake;
struct vhost_backend *channel_backend;
int channel_timeout_ms = 20000;

static int note(uint32_t request, const void *payload, size_t len, int fd)
{
	channel_seen.calls++;
	channel_seen.request = request;
	memcpy(&channel_seen.payload, payload, len);
	channel_seen.same = fd >= 0 && same_file(fd, channel_seen.file);
	if (channel_seen.act)
		channel_seen.act();
	return channel_seen.result;
}

static void on_lost(void *data, int why)
{
	(void)data;
	channel_seen.lost++;
	channel_seen.why = why;
}

static int on_config(void *data)
{
	return note(B(CONFIG_CHANGE_MSG), data, 0, -1);
}

static int on_iotlb(void *data, const struct vhost_iotlb_msg *msg)
{
	(void)data;
	return note(B(IOTLB_MSG), msg, sizeof(*msg), -1);
}

static int on_notifier(void *data, const struct vhost_user_vring_area *area,
		       int fd)
{
	(void)data;
	return note(B(VRING_HOST_NOTIFIER_MSG), area, sizeof(*area), fd);
}

static int on_call(void *data, uint32_t vring)
{
	(void)data;
	return note(B(VRING_CALL), &vring, sizeof(vring), -1);
}

static int on_err(void *data, uint32_t vring)
{
	(void)data;
	return note(B(VRING_ERR), &vring, sizeof(vring), -1);
}

static int on_add(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_ADD), object, sizeof(*object), -1);
}

static int on_remove(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_REMOVE), object, sizeof(*object), -1);
}

static int on_lookup(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_LOOKUP), object, sizeof(*object), -1);
}

static int on_map(void *data, const struct vhost_user_mmap *map, int fd)
{
	(void)data;
	return note(B(SHMEM_MAP), map, sizeof(*map), fd);
}

static int on_unmap(void *data, const struct vhost_user_mmap *map)
{
	(void)data;
	return note(B(SHMEM_UNMAP), map, sizeof(*map), -1);
}

static int on_fs(void *data, uint32_t request,
		 const struct vhost_user_crosvm_fs *fs, int fd)
{
	(void)data;
	return note(request, fs, sizeof(*fs), fd);
}

static int on_gpu_map(void *data, const struct vhost_user_crosvm_gpu_map *map,
		      int fd)
{
	(void)data;
	return note(C(GPU_MAP), map, sizeof(*map), fd);
}

static int on_external_map(void *data,
			   const struct vhost_user_crosvm_external_map *map)
{
	(void)data;
	return note(C(EXTERNAL_MAP), map, sizeof(*map), -1);
}

static void on_closed(void *data)
{
	(void)data;
	channel_seen.closed++;
	/* The channel can still be removed from an event loop. */
	check(vhost_backend_req_fd(channel_backend) >= 0);
	if (channel_seen.act)
		channel_seen.act();
}

const struct vhost_backend_ops channel_ops = {
	.struct_size = sizeof(channel_ops),
	.channel_closed = on_closed,
	.lost = on_lost,
	.config_change = on_config,
	.iotlb = on_iotlb,
	.host_notifier = on_notifier,
	.vring_call = on_call,
	.vring_err = on_err,
	.shared_add = on_add,
	.shared_remove = on_remove,
	.shared_lookup = on_lookup,
	.shmem_map = on_map,
	.shmem_unmap = on_unmap,
	.crosvm_fs = on_fs,
	.crosvm_gpu_map = on_gpu_map,
	.crosvm_external_map = on_external_map,
};

void channel_start(uint64_t without, const struct vhost_backend_ops *use)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
		.timeout_ms = channel_timeout_ms,
		.ops = use,
		.data = &channel_fake,
	};
	int fd = fake_init(&channel_fake);
	uint64_t features;

	memset(&channel_seen, 0, sizeof(channel_seen));
	channel_seen.file = eventfd(0, EFD_CLOEXEC);
	channel_fake.protocol = ~without;
	fake_start(&channel_fake);
	require(!vhost_backend_new(&opt, &channel_backend));
	require(!vhost_backend_connect_fd(channel_backend, fd));
	require(!vhost_backend_set_features(channel_backend, PLATFORM_BIT));
	/*
	 * Without REPLY_ACK, only this reply shows that the back end is done.
	 */
	require(!vhost_backend_get_features(channel_backend, &features));
	require(channel_fake.channel >= 0);
}

void channel_stop(void)
{
	vhost_backend_free(channel_backend);
	fake_stop(&channel_fake);
	close(channel_seen.file);
}

/* Return a valid request of the back end. */
struct vhost_user_msg channel_ask(uint32_t request)
{
	struct vhost_user_msg msg = { .hdr.request = request };

	switch (request) {
	case B(IOTLB_MSG):
		msg.payload.iotlb.type = VHOST_IOTLB_MISS;
		msg.payload.iotlb.iova = 0x1234000;
		msg.payload.iotlb.perm = VHOST_ACCESS_WO;
		break;
	case B(VRING_HOST_NOTIFIER_MSG):
		msg.payload.area.vring = 2;
		msg.payload.area.size = 0x1000;
		msg.payload.area.offset = 0x3000;
		break;
	case B(VRING_CALL):
	case B(VRING_ERR):
		msg.payload.state.index = 7;
		break;
	case B(SHARED_OBJECT_ADD):
	case B(SHARED_OBJECT_REMOVE):
	case B(SHARED_OBJECT_LOOKUP):
		memset(&msg.payload.shared, 0x5a, sizeof(msg.payload.shared));
		break;
	case B(SHMEM_MAP):
	case B(SHMEM_UNMAP):
		msg.payload.mmap.shmid = 3;
		msg.payload.mmap.len = 0x2000;
		msg.payload.mmap.flags = VHOST_USER_MMAP_WRITE;
		break;
	case C(FS_MAP):
	case C(FS_UNMAP):
	case C(FS_SYNC):
	case C(FS_IO):
		msg.payload.crosvm_fs.fd_offset[0] = 0x3000;
		msg.payload.crosvm_fs.len[0] = 0x2000;
		break;
	case C(GPU_MAP):
		msg.payload.crosvm_gpu.shmid = 3;
		msg.payload.crosvm_gpu.len = 0x2000;
		break;
	case C(EXTERNAL_MAP):
		msg.payload.crosvm_external.shmid = 3;
		msg.payload.crosvm_external.len = 0x2000;
		msg.payload.crosvm_external.pointer = 0x1000;
		break;
	default:
		break;
	}
	return msg;
}

bool channel_has_fd(uint32_t request)
{
	return request == B(VRING_HOST_NOTIFIER_MSG) ||
	       request == B(SHMEM_MAP) || request == C(FS_MAP) ||
	       request == C(FS_IO) || request == C(GPU_MAP);
}

void channel_send(struct vhost_user_msg *msg, int flags)
{
	msg->hdr.flags = flags;
	fake_ask(channel_fake.channel, msg,
		 channel_has_fd(msg->hdr.request) ? channel_seen.file : -1);
}

void channel_expect_broken(const char *rule)
{
	check_eq(vhost_backend_process(channel_backend), -EPROTO);
	check(strstr(vhost_backend_error(channel_backend), rule));
	check_eq(channel_seen.calls, 0);
	check_eq(channel_seen.lost, 1);
	check_eq(channel_seen.why, -EPROTO);
	check_eq(vhost_backend_req_fd(channel_backend), -1);
	channel_stop();
}

void channel_hang_up(void)
{
	vhost_backend_disconnect(channel_backend);
}
