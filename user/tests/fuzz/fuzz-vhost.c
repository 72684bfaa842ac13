// SPDX-License-Identifier: GPL-2.0
/*
 * The complete vhost-user front end against a back end that replies as the
 * input says, and sends its own requests on the channel.  After the start, each
 * byte of the input's first part is a call.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vhost-user/backend.h>

#include "stream.h"

static struct fuzz_in input;
static struct stream_peer backend;
static int event_fd;
static unsigned int nr_lost;

static void lost(void *data, int why)
{
	(void)data;
	FUZZ_CHECK(why <= 0);
	nr_lost++;
}

static int config_change(void *data)
{
	(void)data;
	return 0;
}

static int iotlb(void *data, const struct vhost_iotlb_msg *msg)
{
	(void)data;
	return msg->type == VHOST_IOTLB_MISS ? 0 : -EINVAL;
}

static int host_notifier(void *data, const struct vhost_user_vring_area *area,
			 int fd)
{
	(void)data;
	(void)area;
	FUZZ_CHECK(fd >= -1);
	return 0;
}

static int vring(void *data, uint32_t index)
{
	(void)data;
	return index % 2 ? -EINVAL : 0;
}

static int shared(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return object->uuid[0] % 2 ? -EINVAL : 0;
}

static int shared_lookup(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return object->uuid[0] % 2 ? -ENOENT : event_fd;
}

static int shmem_map(void *data, const struct vhost_user_mmap *map, int fd)
{
	(void)data;
	FUZZ_CHECK(fd >= 0 && map->len);
	return 0;
}

static int shmem_unmap(void *data, const struct vhost_user_mmap *map)
{
	(void)data;
	FUZZ_CHECK(map->len);
	return 0;
}

static int crosvm_fs(void *data, uint32_t request,
		     const struct vhost_user_crosvm_fs *fs, int fd)
{
	(void)data;
	(void)fs;
	FUZZ_CHECK((fd >= 0) == (request == VHOST_USER_CROSVM_FS_MAP ||
				 request == VHOST_USER_CROSVM_FS_IO));
	return 0;
}

static int gpu_map(void *data, const struct vhost_user_crosvm_gpu_map *map,
		   int fd)
{
	(void)data;
	FUZZ_CHECK(fd >= 0 && map->len);
	return 0;
}

static int external_map(void *data,
			const struct vhost_user_crosvm_external_map *map)
{
	(void)data;
	FUZZ_CHECK(map->len && map->pointer);
	return 0;
}

static const struct vhost_backend_ops ops = {
	.struct_size = sizeof(ops),
	.lost = lost,
	.config_change = config_change,
	.iotlb = iotlb,
	.host_notifier = host_notifier,
	.vring_call = vring,
	.vring_err = vring,
	.shared_add = shared,
	.shared_remove = shared,
	.shared_lookup = shared_lookup,
	.shmem_map = shmem_map,
	.shmem_unmap = shmem_unmap,
	.crosvm_fs = crosvm_fs,
	.crosvm_gpu_map = gpu_map,
	.crosvm_external_map = external_map,
};

/* The largest numbers of a record are the requests of crosvm's back ends. */
static uint32_t request_of(uint8_t command)
{
	const uint32_t crosvm =
		VHOST_USER_CROSVM_MAX - VHOST_USER_CROSVM_FS_MAP;

	return command <= UINT8_MAX - crosvm ?
		       command :
		       VHOST_USER_CROSVM_MAX - 1 - (UINT8_MAX - command);
}

/* Send the record with a vhost-user header. */
static void send_record(const struct record *rec)
{
	static uint8_t buf[sizeof(struct vhost_user_header) + UINT16_MAX];
	bool channel = rec->flags & RECORD_TWIN && backend.twin >= 0;
	struct vhost_user_header hdr = {
		.request = request_of(rec->command),
		.flags = VHOST_USER_VERSION,
		.size = rec->len,
	};
	size_t len = rec->flags & RECORD_RAW ? 0 : sizeof(hdr);

	if (rec->flags & RECORD_ECHO)
		hdr.request = backend.command;
	if (rec->flags & RECORD_REPLY)
		hdr.flags |= VHOST_USER_REPLY;
	if (rec->flags & RECORD_NO_REPLY)
		hdr.flags |= VHOST_USER_NEED_REPLY;
	if (rec->flags & RECORD_SIZE)
		hdr.size += (int8_t)rec->adjust;
	if (rec->flags & RECORD_ERROR)
		hdr.flags ^= rec->adjust;
	memcpy(buf, &hdr, sizeof(hdr));
	if (rec->len)
		memcpy(buf + len, rec->data, rec->len);
	stream_send_bytes(channel ? backend.twin : backend.fd, buf,
			  len + rec->len, rec);
}

/* Remember the last request; a received socket is the channel. */
static void take(const struct msghdr *mh, const uint8_t *buf, size_t got)
{
	struct vhost_user_header hdr;

	stream_take_fds(&backend, mh);
	while (got >= sizeof(hdr)) {
		memcpy(&hdr, buf, sizeof(hdr));
		backend.command = hdr.request;
		if (hdr.size > got - sizeof(hdr))
			return;
		buf += sizeof(hdr) + hdr.size;
		got -= sizeof(hdr) + hdr.size;
	}
}

static bool on_wait(void)
{
	struct record rec;

	stream_receive(&backend, take);
	if (stream_next(&input, &rec)) {
		send_record(&rec);
		return true;
	}
	shutdown(backend.fd, SHUT_RDWR);
	return false;
}

static const struct vhost_region memory = {
	.region = { 0, 0x1000, 0x10000, 0 },
};

static void call_memory(struct vhost_backend *b, uint8_t which)
{
	struct vhost_region mem = memory;
	uint64_t bases[1];

	mem.fd = event_fd;
	switch (which % 7) {
	case 0:
		vhost_backend_set_mem_table(b, &mem, 1);
		break;
	case 1:
		vhost_backend_set_mem_table_postcopy(b, &mem, 1, bases);
		vhost_backend_ack_mem_table(b);
		break;
	case 2:
		vhost_backend_add_mem_reg(b, &mem);
		break;
	case 3:
		vhost_backend_add_mem_reg_postcopy(b, &mem, bases);
		break;
	case 4:
		vhost_backend_rem_mem_reg(b, &mem.region);
		break;
	case 5:
		vhost_backend_set_log_base(b, 0x1000, 0, event_fd);
		break;
	default:
		vhost_backend_set_log_fd(b, event_fd);
	}
}

static void call_vring(struct vhost_backend *b, uint8_t which)
{
	const struct vhost_vring_addr addr = { .index = 0 };
	uint32_t base;

	switch (which % 9) {
	case 0:
		vhost_backend_set_vring_num(b, 0, 256);
		break;
	case 1:
		vhost_backend_set_vring_addr(b, &addr);
		break;
	case 2:
		vhost_backend_set_vring_base(b, 0, 0);
		break;
	case 3:
		vhost_backend_get_vring_base(b, 0, &base);
		break;
	case 4:
		vhost_backend_set_vring_kick(b, 0, event_fd);
		break;
	case 5:
		vhost_backend_set_vring_call(b, 0, -1);
		break;
	case 6:
		vhost_backend_set_vring_err(b, 0, event_fd);
		break;
	case 7:
		vhost_backend_set_vring_enable(b, 0, true);
		break;
	default:
		vhost_backend_vring_kick(b, 0);
	}
}

/* Calls whose replies have a descriptor. */
static void call_fd(struct vhost_backend *b, uint8_t which)
{
	const struct vhost_user_shared object = { .uuid = { 1 } };
	struct vhost_user_inflight inflight = {
		.num_queues = 1,
		.queue_size = 256,
	};
	int fd = -1, ret;

	switch (which % 4) {
	case 0:
		ret = vhost_backend_get_inflight_fd(b, &inflight, &fd);
		break;
	case 1:
		ret = vhost_backend_get_shared_object(b, &object, &fd);
		break;
	case 2:
		ret = vhost_backend_set_device_state_fd(
			b, VHOST_USER_STATE_SAVE, VHOST_USER_PHASE_STOPPED,
			event_fd, &fd);
		break;
	default:
		ret = vhost_backend_postcopy_advise(b, &fd);
	}
	if (!ret && fd >= 0)
		close(fd);
}

static void call(struct vhost_backend *b, uint8_t which)
{
	struct vhost_user_shmem_config shmem;
	uint8_t buf[16] = { 0 };
	uint64_t val;

	switch (which % 16) {
	case 0:
		vhost_backend_get_features(b, &val);
		break;
	case 1:
		vhost_backend_set_features(b, which);
		break;
	case 2:
		vhost_backend_get_queue_num(b, &val);
		break;
	case 3:
		vhost_backend_get_max_mem_slots(b, &val);
		break;
	case 4:
		vhost_backend_get_config(b, 0, buf, sizeof(buf));
		break;
	case 5:
		vhost_backend_set_config(b, 0, buf, sizeof(buf), 0);
		break;
	case 6:
		vhost_backend_get_status(b, buf);
		break;
	case 7:
		vhost_backend_set_status(b, which);
		break;
	case 8:
		vhost_backend_process(b);
		break;
	case 9:
		vhost_backend_check_device_state(b);
		break;
	case 10:
		if (!vhost_backend_get_shmem_config(b, &shmem))
			FUZZ_CHECK(shmem.nr <= VHOST_USER_MAX_SHMEM);
		break;
	case 11:
		vhost_backend_reset_device(b);
		break;
	case 12:
		call_fd(b, which / 16);
		break;
	case 13:
		call_memory(b, which / 16);
		break;
	default:
		call_vring(b, which / 16);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in calls = { data, size };
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
		.timeout_ms = -1,
		.ops = &ops,
	};
	size_t nr_calls = fuzz_u8(&calls) % 32;
	struct vhost_backend *b;
	int fds[2], ret;

	input = calls;
	calls.pos = fuzz_bytes(&input, &nr_calls);
	calls.left = nr_calls;
	nr_lost = 0;
	fuzz_fds_begin();
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	stream_peer_init(&backend, fds[0]);
	stream_on_wait = on_wait;
	FUZZ_CHECK(!vhost_backend_new(&opt, &b));
	ret = vhost_backend_connect_fd(b, fds[1]);
	FUZZ_CHECK(!ret == vhost_backend_connected(b));
	while (!ret && calls.left)
		call(b, fuzz_u8(&calls));
	FUZZ_CHECK(vhost_backend_error(b));
	vhost_backend_free(b);
	FUZZ_CHECK(nr_lost <= 1);
	stream_on_wait = NULL;
	stream_peer_close(&backend);
	fuzz_fds_end();
	return 0;
}
