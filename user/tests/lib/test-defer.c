// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks that answer later.  The test is the client and the event loop at once, so
 * that it knows which commands the server has handled.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/client.h>
#include <vuser/server.h>

#include "../harness.h"
#include "../wire.h"

#define NO_REPLY VFIO_USER_FLAGS_NO_REPLY
#define PAGE	 4096
#define IOVA	 0x100000
#define MAX	 256

/* Region 0 is split into parts of 4 bytes, region 1 is not split. */
#define SPLIT	   0
#define WHOLE	   1
#define REGION_LEN 0x20000

/* Which callbacks defer their answer. */
#define ACCESS	   1
#define RESET	   2
#define UNMAP	   4
#define MIGRATE	   8
#define DISCONNECT 16

/* The device; @order has a letter for each callback. */
struct device {
	struct vuser_server *server;
	int sock;
	int defers;
	bool now;
	bool answer_at_once;
	struct vuser_request *requests[MAX];
	int nr;
	char order[MAX];
	int nr_order;
	char mem[REGION_LEN];
};

static struct device dev;

/* Defer the answer if the test wants it. */
static bool later(int what, char letter)
{
	struct vuser_request *request;

	if (dev.nr_order < MAX)
		dev.order[dev.nr_order++] = letter;
	if (!(dev.defers & what))
		return false;
	request = vuser_server_defer(dev.server);
	if (!request)
		return false;
	/* A callback has one answer. */
	check(!vuser_server_defer(dev.server));
	if (dev.answer_at_once) {
		if (what == ACCESS && letter == 'r')
			memset(vuser_request_data(request), 7, 4);
		vuser_request_done(request, 0);
		return true;
	}
	require(dev.nr < MAX);
	dev.requests[dev.nr++] = request;
	return true;
}

static int on_read(void *data, uint32_t index, uint64_t offset, void *buf,
		   uint32_t count)
{
	(void)data;
	(void)index;
	if (!later(ACCESS, 'r'))
		memcpy(buf, dev.mem + offset, count);
	return 0;
}

static int on_write(void *data, uint32_t index, uint64_t offset,
		    const void *buf, uint32_t count)
{
	(void)data;
	(void)index;
	if (!later(ACCESS, 'w'))
		memcpy(dev.mem + offset, buf, count);
	return 0;
}

static int on_reset(void *data)
{
	(void)data;
	later(RESET, 'R');
	return 0;
}

static void on_unmap(void *data, const struct vuser_dma_region *region)
{
	(void)data;
	(void)region;
	later(UNMAP, 'u');
}

static int on_migrate(void *data, enum vfio_device_mig_state from,
		      enum vfio_device_mig_state to)
{
	(void)data;
	(void)from;
	later(MIGRATE, '0' + to);
	return 0;
}

static ssize_t on_mig_read(void *data, void *buf, size_t count)
{
	(void)data;
	(void)buf;
	(void)count;
	/* Migration data cannot be deferred. */
	check(!vuser_server_defer(dev.server));
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
	check_eq(vuser_server_process_accesses(dev.server), -ENOTCONN);
	later(DISCONNECT, 'd');
}

static bool on_access_now(void *data, uint32_t region, uint64_t offset,
			  uint32_t count, bool write)
{
	(void)data;
	(void)region;
	(void)offset;
	(void)count;
	(void)write;
	return dev.now;
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

static void process(void)
{
	check_eq(vuser_server_process(dev.server), 0);
}

static bool is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Connect a client, without a twin socket. */
static int connect_client(void)
{
	struct vfio_user_version *version;
	struct vuser_msg msg;
	char buf[64] = { 0 };
	int fds[2], ret;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	ret = vuser_server_serve(dev.server, fds[0]);
	if (ret) {
		close(fds[1]);
		return ret;
	}
	version = (struct vfio_user_version *)buf;
	version->minor = VFIO_USER_MINOR;
	strcpy((char *)version->data, "{}");
	wire_send(fds[1], 1, VFIO_USER_VERSION, 0, 0, buf, sizeof(*version) + 3,
		  NULL, 0);
	process();
	require(!wire_recv(fds[1], &msg));
	vuser_msg_clear(&msg);
	return fds[1];
}

static void setup(int defers)
{
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.migration = true,
		.max_deferred = 3,
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = REGION_LEN,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.access_max = 4,
		.read = on_read,
		.write = on_write,
		.fd = -1,
	};

	memset(&dev, 0, sizeof(dev));
	dev.defers = defers;
	require(!vuser_server_new(&ops, &config, NULL, &dev.server));
	require(!vuser_server_set_region(dev.server, SPLIT, &region));
	region.access_max = 0;
	require(!vuser_server_set_region(dev.server, WHOLE, &region));
	dev.sock = connect_client();
	require(dev.sock >= 0);
}

static void teardown(void)
{
	vuser_server_free(dev.server);
	close(dev.sock);
}

/* The commands of the client. */

static void send_cmd(uint16_t id, uint16_t command, uint32_t flags,
		     const void *payload, size_t len)
{
	wire_send(dev.sock, id, command, flags, 0, payload, len, NULL, 0);
}

static void send_access(uint16_t id, bool write, uint32_t flags,
			uint32_t region, uint64_t offset, uint32_t count)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[64];
	} cmd = { { offset, region, count }, { 0 } };
	uint32_t i;

	for (i = 0; i < count && write; i++)
		cmd.data[i] = id + i;
	send_cmd(id, write ? VFIO_USER_REGION_WRITE : VFIO_USER_REGION_READ,
		 flags, &cmd, sizeof(cmd.access) + (write ? count : 0));
}

static void send_unmap(uint16_t id, uint64_t iova, uint64_t size,
		       uint32_t flags)
{
	const struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.address = iova,
		.size = size,
	};

	send_cmd(id, VFIO_USER_DMA_UNMAP, 0, &unmap, sizeof(unmap));
}

static void send_state(uint16_t id, uint32_t to)
{
	struct {
		struct vfio_user_device_feature feature;
		struct vfio_device_feature_mig_state state;
	} cmd = {
		{ sizeof(cmd), VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE },
		{ .device_state = to },
	};

	send_cmd(id, VFIO_USER_DEVICE_FEATURE, 0, &cmd, sizeof(cmd));
}

/* Receive the reply to command @id. Return its errno, negative. */
static int reply(uint16_t id, void *payload, size_t len)
{
	struct vuser_msg msg;
	int ret;

	require(!wire_recv(dev.sock, &msg));
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

static bool has_reply(void)
{
	return is_readable(dev.sock);
}

/* Receive the reply to a read; return whether all data are @value. */
static bool read_is(uint16_t id, uint8_t value, uint32_t count)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[64];
	} got;
	uint32_t i;

	if (reply(id, &got, sizeof(got.access) + count))
		return false;
	for (i = 0; i < count; i++)
		if (got.data[i] != value)
			return false;
	return got.access.count == count;
}

/* Answer request @i; all @count bytes that it reads are @value. */
static void answer_read(int i, uint8_t value, uint32_t count)
{
	memset(vuser_request_data(dev.requests[i]), value, count);
	vuser_request_done(dev.requests[i], 0);
}

static void map(uint64_t iova)
{
	struct vfio_user_dma_map cmd;
	int fd = memfd_create("client", MFD_CLOEXEC);

	require(fd >= 0 && !ftruncate(fd, PAGE));
	require(vuser_encode_dma_map(&cmd, sizeof(cmd), iova, PAGE, 0,
				     VFIO_USER_DMA_MAP_READ |
					     VFIO_USER_DMA_MAP_WRITE) > 0);
	wire_send(dev.sock, 9, VFIO_USER_DMA_MAP, 0, 0, &cmd, sizeof(cmd), &fd,
		  1);
	close(fd);
	process();
	check_eq(reply(9, NULL, 0), 0);
}

TEST(deferred_read_is_replied_with_the_data_of_the_answer)
{
	setup(ACCESS);
	send_access(1, false, 0, WHOLE, 0, 16);
	process();
	check_eq(dev.nr, 1);
	check(!has_reply());
	/* The event loop has nothing to do until the answer. */
	check(!is_readable(vuser_server_fd(dev.server)));
	answer_read(0, 0x5a, 16);
	check(is_readable(vuser_server_fd(dev.server)));
	process();
	check(read_is(1, 0x5a, 16));
	teardown();
}

TEST(each_part_of_a_split_access_can_be_deferred)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[12];
	} got;

	setup(0);
	memset(dev.mem, 1, sizeof(dev.mem));
	send_access(1, false, 0, SPLIT, 0, 12);
	dev.defers = ACCESS;
	process();
	check_eq(dev.nr, 1);
	answer_read(0, 2, 4);
	process();
	check_eq(dev.nr, 2);
	/* The last part is not deferred. */
	dev.defers = 0;
	answer_read(1, 3, 4);
	process();
	check_eq(reply(1, &got, sizeof(got.access) + 12), 0);
	check_eq(got.data[0], 2);
	check_eq(got.data[7], 3);
	check_eq(got.data[11], 1);

	dev.nr = 0;
	dev.defers = ACCESS;
	send_access(2, true, 0, SPLIT, 0, 8);
	process();
	check_eq(((uint8_t *)vuser_request_data(dev.requests[0]))[3], 5);
	vuser_request_done(dev.requests[0], 0);
	process();
	require(dev.nr == 2);
	check_eq(((uint8_t *)vuser_request_data(dev.requests[1]))[3], 9);
	vuser_request_done(dev.requests[1], 0);
	process();
	check_eq(reply(2, &got, sizeof(got.access)), 0);
	teardown();
}

TEST(first_part_is_kept_when_a_later_part_is_deferred)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[8];
	} got;

	setup(0);
	dev.now = true;
	memset(dev.mem, 1, sizeof(dev.mem));
	/* The access of 6 bytes at 2 begins with a part of 2 bytes. */
	send_access(1, false, 0, SPLIT, 2, 6);
	dev.defers = ACCESS;
	process();
	memset(vuser_request_data(dev.requests[0]), 2, 2);
	vuser_request_done(dev.requests[0], 0);
	process();
	/* Another read uses the buffer of the server before the answer. */
	dev.defers = 0;
	send_access(2, false, 0, SPLIT, 0x100, 8);
	process();
	check(read_is(2, 1, 8));
	answer_read(1, 3, 4);
	process();
	check_eq(reply(1, &got, sizeof(got.access) + 6), 0);
	check_eq(got.access.offset, 2);
	check_eq(got.data[0], 2);
	check_eq(got.data[1], 2);
	check_eq(got.data[2], 3);
	check_eq(got.data[5], 3);
	teardown();
}

TEST(error_of_the_answer_is_replied)
{
	setup(ACCESS | RESET);
	send_access(1, false, 0, SPLIT, 0, 8);
	process();
	vuser_request_done(dev.requests[0], -EBUSY);
	process();
	check_eq(reply(1, NULL, 0), -EBUSY);
	/* The second part was not read. */
	check_eq(dev.nr, 1);
	send_cmd(2, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	process();
	vuser_request_done(dev.requests[1], -EIO);
	process();
	check_eq(reply(2, NULL, 0), -EIO);
	teardown();
}

TEST(request_can_be_answered_in_its_callback)
{
	setup(ACCESS | RESET);
	dev.answer_at_once = true;
	send_access(1, false, 0, SPLIT, 0, 8);
	send_cmd(2, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	while (is_readable(vuser_server_fd(dev.server)))
		process();
	check(read_is(1, 7, 8));
	check_eq(reply(2, NULL, 0), 0);
	teardown();
}

TEST(later_commands_wait_for_the_answer)
{
	setup(ACCESS);
	send_access(1, false, 0, SPLIT, 0, 4);
	send_access(2, true, 0, SPLIT, 0, 4);
	send_cmd(3, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	process();
	process();
	check(!strcmp(dev.order, "r"));
	check(!has_reply());
	check(!is_readable(vuser_server_fd(dev.server)));
	dev.defers = 0;
	answer_read(0, 1, 4);
	process();
	check(!strcmp(dev.order, "rwR"));
	check(read_is(1, 1, 4));
	check_eq(reply(2, NULL, 0), 0);
	check_eq(reply(3, NULL, 0), 0);
	teardown();
}

TEST(accesses_that_the_device_allows_do_not_wait)
{
	setup(ACCESS);
	dev.now = true;
	send_access(1, false, 0, SPLIT, 0, 4);
	process();
	send_access(2, false, 0, SPLIT, 0, 4);
	send_cmd(3, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	process();
	/* The second read is deferred, too; the reset waits for both. */
	check(!strcmp(dev.order, "rr"));
	answer_read(1, 2, 4);
	process();
	check(read_is(2, 2, 4));
	check(!strcmp(dev.order, "rr"));
	/* A read may overtake the reset, a write may not. */
	dev.defers = 0;
	send_access(4, false, 0, SPLIT, 0, 4);
	send_access(5, true, 0, SPLIT, 0, 4);
	process();
	check(!strcmp(dev.order, "rrr"));
	check(read_is(4, 0, 4));
	check(!has_reply());
	answer_read(0, 1, 4);
	process();
	check(read_is(1, 1, 4));
	check(!strcmp(dev.order, "rrrRw"));
	teardown();
}

TEST(nothing_overtakes_a_deferred_posted_write)
{
	struct vfio_user_write_multi *multi;
	char buf[sizeof(*multi) + 2 * sizeof(struct vfio_user_single_write)];

	setup(ACCESS);
	dev.now = true;
	send_access(1, true, NO_REPLY, SPLIT, 0, 4);
	send_access(2, false, 0, SPLIT, 0, 4);
	process();
	check(!strcmp(dev.order, "w"));
	vuser_request_done(dev.requests[0], 0);
	process();
	check(!strcmp(dev.order, "wr"));
	answer_read(1, 9, 4);
	process();
	check(read_is(2, 9, 4));

	/* The same for several writes in one message. */
	dev.nr = 0;
	memset(buf, 0, sizeof(buf));
	multi = (struct vfio_user_write_multi *)buf;
	multi->wr_cnt = 2;
	multi->wrs[0].count = 4;
	multi->wrs[1].count = 8;
	multi->wrs[1].data[4] = 0x77;
	send_cmd(3, VFIO_USER_REGION_WRITE_MULTI, 0, buf, sizeof(buf));
	send_access(4, false, 0, SPLIT, 0, 4);
	process();
	check(!strcmp(dev.order, "wrw"));
	vuser_request_done(dev.requests[0], 0);
	process();
	vuser_request_done(dev.requests[1], 0);
	process();
	check(!strcmp(dev.order, "wrwww"));
	check_eq(*(char *)vuser_request_data(dev.requests[2]), 0x77);
	vuser_request_done(dev.requests[2], -EIO);
	process();
	/* One of the two writes is complete. */
	check_eq(reply(3, buf, sizeof(*multi)), 0);
	check_eq(multi->wr_cnt, 1);
	check(!strcmp(dev.order, "wrwwwr"));
	teardown();
	vuser_request_done(dev.requests[3], 0);
}

TEST(accesses_wait_when_the_device_has_max_deferred_requests)
{
	int i;

	setup(ACCESS);
	dev.now = true;
	for (i = 0; i < 5; i++)
		send_access(i, false, 0, SPLIT, 0, 4);
	process();
	check_eq(dev.nr, 3);
	answer_read(1, 0x11, 4);
	process();
	check(read_is(1, 0x11, 4));
	check_eq(dev.nr, 4);
	answer_read(0, 1, 4);
	answer_read(2, 2, 4);
	answer_read(3, 3, 4);
	process();
	check_eq(dev.nr, 5);
	answer_read(4, 4, 4);
	process();
	check(read_is(0, 1, 4));
	check(read_is(2, 2, 4));
	check(read_is(3, 3, 4));
	check(read_is(4, 4, 4));
	teardown();
}

TEST(migration_continues_after_each_deferred_step)
{
	struct vfio_device_feature_mig_state state;
	char payload[sizeof(struct vfio_user_device_feature) + sizeof(state)];

	setup(MIGRATE);
	/* From RUNNING to STOP_COPY the path leads through STOP. */
	send_state(1, VFIO_DEVICE_STATE_STOP_COPY);
	process();
	check_eq(dev.nr, 1);
	vuser_request_done(dev.requests[0], 0);
	process();
	check_eq(dev.nr, 2);
	check(!has_reply());
	vuser_request_done(dev.requests[1], 0);
	process();
	check_eq(reply(1, payload, sizeof(payload)), 0);
	memcpy(&state, payload + sizeof(struct vfio_user_device_feature),
	       sizeof(state));
	check_eq(state.device_state, VFIO_DEVICE_STATE_STOP_COPY);
	check(!strcmp(dev.order, "13"));

	/* A step that fails leaves the state before it. */
	send_state(2, VFIO_DEVICE_STATE_RUNNING);
	process();
	vuser_request_done(dev.requests[2], 0);
	process();
	vuser_request_done(dev.requests[3], -EAGAIN);
	process();
	check_eq(reply(2, NULL, 0), -EAGAIN);
	dev.defers = 0;
	send_state(3, VFIO_DEVICE_STATE_STOP_COPY);
	process();
	check_eq(reply(3, NULL, 0), 0);
	check(!strcmp(dev.order, "13123"));
	/* The data of migration are read now, see on_mig_read(). */
	send_cmd(4, VFIO_USER_MIG_DATA_READ, 0,
		 &(struct vfio_user_mig_data) { 12, 4 }, 8);
	process();
	check_eq(reply(4, NULL, 0), 0);
	teardown();
}

TEST(region_stays_mapped_until_the_deferred_unmap_is_answered)
{
	struct vuser_dma_ref ref, other;

	setup(UNMAP);
	map(IOVA);
	require(!vuser_dma_get(dev.server, IOVA, 4, PROT_WRITE, &ref));
	send_unmap(1, IOVA, PAGE, 0);
	process();
	check_eq(dev.nr, 1);
	check(!has_reply());
	/* I/O in flight can still write, but no new I/O can start. */
	memset(ref.ptr, 1, 4);
	check_eq(vuser_dma_get(dev.server, IOVA, 4, PROT_WRITE, &other),
		 -EFAULT);
	vuser_dma_put(dev.server, &ref);
	process();
	check(!has_reply());
	vuser_request_done(dev.requests[0], 0);
	process();
	check_eq(reply(1, NULL, 0), 0);
	teardown();
}

TEST(unmap_is_replied_when_the_last_reference_is_put)
{
	struct vuser_dma_ref ref;

	setup(0);
	map(IOVA);
	require(!vuser_dma_get(dev.server, IOVA, 4, PROT_WRITE, &ref));
	send_unmap(1, IOVA, PAGE, 0);
	/* The event loop does not wait for the reference. */
	process();
	check(!has_reply());
	check(!is_readable(vuser_server_fd(dev.server)));
	vuser_dma_put(dev.server, &ref);
	check(is_readable(vuser_server_fd(dev.server)));
	process();
	check_eq(reply(1, NULL, 0), 0);
	teardown();
}

TEST(unmap_of_all_regions_is_replied_after_all_answers)
{
	setup(UNMAP);
	map(IOVA);
	map(IOVA + PAGE);
	map(IOVA + 2 * PAGE);
	send_unmap(1, 0, 0, VFIO_USER_DMA_UNMAP_ALL);
	process();
	check_eq(dev.nr, 3);
	vuser_request_done(dev.requests[1], 0);
	vuser_request_done(dev.requests[2], 0);
	process();
	check(!has_reply());
	vuser_request_done(dev.requests[0], 0);
	process();
	check_eq(reply(1, NULL, 0), 0);
	/* The addresses are free again. */
	map(IOVA + PAGE);
	dev.defers = 0;
	teardown();
}

TEST(next_client_is_served_when_the_requests_of_the_last_are_answered)
{
	setup(ACCESS);
	map(IOVA);
	dev.defers |= UNMAP;
	send_access(1, true, 0, WHOLE, 0, 32);
	send_access(2, true, 0, WHOLE, 0, 4);
	process();
	check_eq(dev.nr, 1);
	close(dev.sock);
	process();
	/* The device sees the end at once; the second write is dropped. */
	check(!strcmp(dev.order, "wdu"));
	process();
	check(!is_readable(vuser_server_fd(dev.server)));
	check_eq(connect_client(), -EBUSY);
	/* The data of the request are still valid. */
	check_eq(((uint8_t *)vuser_request_data(dev.requests[0]))[31], 32);
	vuser_request_done(dev.requests[0], 0);
	process();
	check_eq(connect_client(), -EBUSY);
	vuser_request_done(dev.requests[1], 0);
	process();
	check(!vuser_server_connected(dev.server));
	dev.defers = 0;
	dev.sock = connect_client();
	require(dev.sock >= 0);
	send_access(3, false, 0, WHOLE, 0, 4);
	process();
	check(read_is(3, 0, 4));
	teardown();
}

TEST(memory_of_a_lost_client_stays_until_the_device_is_done)
{
	struct vuser_dma_ref ref;

	setup(DISCONNECT);
	map(IOVA);
	require(!vuser_dma_get(dev.server, IOVA, PAGE, PROT_WRITE, &ref));
	close(dev.sock);
	process();
	check(!strcmp(dev.order, "d"));
	memset(ref.ptr, 1, PAGE);
	vuser_request_done(dev.requests[0], 0);
	process();
	check(!strcmp(dev.order, "du"));
	/* The reference alone keeps the region, too. */
	memset(ref.ptr, 2, PAGE);
	check_eq(connect_client(), -EBUSY);
	vuser_dma_put(dev.server, &ref);
	/* A client is accepted even before the event loop has handled this. */
	dev.defers = 0;
	dev.sock = connect_client();
	check(dev.sock >= 0);
	teardown();
}

TEST(disconnect_during_a_deferred_unmap_unmaps_each_region_once)
{
	setup(UNMAP);
	map(IOVA);
	map(IOVA + PAGE);
	send_unmap(1, IOVA, PAGE, 0);
	process();
	close(dev.sock);
	process();
	check(!strcmp(dev.order, "udu"));
	vuser_request_done(dev.requests[0], 0);
	vuser_request_done(dev.requests[1], 0);
	process();
	dev.defers = 0;
	dev.sock = connect_client();
	check(dev.sock >= 0);
	teardown();
}

TEST(requests_stay_valid_after_the_server_is_freed)
{
	setup(ACCESS);
	map(IOVA);
	dev.now = true;
	send_access(1, true, 0, WHOLE, 0, 16);
	send_access(2, false, 0, WHOLE, 0, 16);
	process();
	require(dev.nr == 2);
	/* An answer that the server has not handled is dropped, too. */
	vuser_request_done(dev.requests[0], 0);
	dev.defers = UNMAP | DISCONNECT;
	teardown();
	/* These callbacks could not defer their answers. */
	check(!strcmp(dev.order, "wrdu"));
	check_eq(dev.nr, 2);
	answer_read(1, 1, 16);
}

TEST(server_is_freed_before_a_deferred_disconnect_is_answered)
{
	setup(DISCONNECT | UNMAP);
	map(IOVA);
	map(IOVA + PAGE);
	send_unmap(1, IOVA, PAGE, 0);
	process();
	close(dev.sock);
	process();
	check(!strcmp(dev.order, "ud"));
	vuser_server_free(dev.server);
	check(!strcmp(dev.order, "udu"));
	vuser_request_done(dev.requests[0], 0);
	vuser_request_done(dev.requests[1], 0);
}

TEST(client_that_sends_many_commands_waits_and_its_end_is_seen)
{
	int i;

	setup(ACCESS);
	send_access(0, false, 0, SPLIT, 0, 4);
	process();
	/* Fill the queue of the server and then the socket. */
	fcntl(dev.sock, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 100; i++) {
		char payload[4096] = { 0 };

		wire_raw(dev.sock, i, VFIO_USER_REGION_WRITE,
			 sizeof(struct vfio_user_header) + sizeof(payload), 0,
			 payload, sizeof(payload));
		if (!(i % 8))
			process();
	}
	process();
	check_eq(dev.nr_order, 1);
	/* Data are left in the socket, but the event loop is not busy. */
	check(!is_readable(vuser_server_fd(dev.server)));
	close(dev.sock);
	check(is_readable(vuser_server_fd(dev.server)));
	process();
	check(!strcmp(dev.order, "rd"));
	vuser_request_done(dev.requests[0], 0);
	process();
	dev.sock = connect_client();
	check(dev.sock >= 0);
	teardown();
}

/* A device that answers in another thread, for a synchronous client. */
struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct vuser_server *server;
	struct vuser_request *request;
	int reads;
	bool quit;
};

static void hand_over(struct worker *w)
{
	struct vuser_request *request = vuser_server_defer(w->server);

	if (!request)
		return;
	pthread_mutex_lock(&w->lock);
	check(!w->request);
	w->request = request;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static int worker_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	(void)index;
	(void)offset;
	(void)buf;
	(void)count;
	hand_over(data);
	return 0;
}

static int worker_reset(void *data)
{
	hand_over(data);
	return 0;
}

static void worker_unmap(void *data, const struct vuser_dma_region *region)
{
	(void)region;
	hand_over(data);
}

static void *answer(void *data)
{
	struct worker *w = data;
	uint32_t *value;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->request && !w->quit)
			pthread_cond_wait(&w->cond, &w->lock);
		if (!w->request)
			break;
		value = vuser_request_data(w->request);
		if (value)
			*value = ++w->reads;
		vuser_request_done(w->request, 0);
		w->request = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void *serve(void *data)
{
	struct worker *w = data;
	struct pollfd pfd = { .fd = vuser_server_fd(w->server),
			      .events = POLLIN };

	do {
		poll(&pfd, 1, -1);
		vuser_server_process(w->server);
	} while (vuser_server_connected(w->server));
	return NULL;
}

TEST(another_thread_answers_a_synchronous_client)
{
	static const struct vuser_server_ops worker_ops = {
		.struct_size = sizeof(worker_ops),
		.reset = worker_reset,
		.dma_unmap = worker_unmap,
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = PAGE,
		.flags = VFIO_REGION_INFO_FLAG_READ,
		.access_max = 4,
		.read = worker_read,
		.fd = -1,
	};
	struct worker w = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
	};
	struct vuser_client *client;
	pthread_t loop;
	uint32_t values[2];
	int fds[2], i;

	require(!vuser_server_new(&worker_ops, NULL, &w, &w.server));
	require(!vuser_server_set_region(w.server, 0, &region));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_server_serve(w.server, fds[0]));
	pthread_create(&w.thread, NULL, answer, &w);
	pthread_create(&loop, NULL, serve, &w);
	require(!vuser_client_new_fd(fds[1], NULL, 20000, NULL, NULL, &client));
	for (i = 0; i < 100; i++) {
		check_eq(vuser_client_read(client, 0, 0, values, 8), 0);
		check_eq(values[0], 2 * i + 1);
		check_eq(values[1], 2 * i + 2);
		check_eq(vuser_client_dma_map(client, IOVA, PAGE, 3, -1, 0), 0);
		check_eq(vuser_client_dma_unmap(client, IOVA, PAGE), 0);
		check_eq(vuser_client_reset(client), 0);
	}
	check_eq(vuser_client_dma_map(client, IOVA, PAGE, 3, -1, 0), 0);
	vuser_client_free(client);
	pthread_join(loop, NULL);
	vuser_server_free(w.server);
	pthread_mutex_lock(&w.lock);
	w.quit = true;
	pthread_cond_signal(&w.cond);
	pthread_mutex_unlock(&w.lock);
	pthread_join(w.thread, NULL);
}
