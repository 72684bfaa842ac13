// SPDX-License-Identifier: GPL-2.0
/* A device whose back end does not reply, or replies late. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"
#include "../wire.h"

#define BAR  VFIO_PCI_BAR0_REGION_INDEX
#define MSIX VFIO_PCI_BAR1_REGION_INDEX

#define STATUS	VIRTIO_PCI_COMMON_STATUS
#define SELECT	VIRTIO_PCI_COMMON_Q_SELECT
#define FEATURE VIRTIO_PCI_COMMON_GF

#define FEATURES (VERSION_1 | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES))
#define PROTOCOL                                                    \
	(VHOST_USER_PROTOCOL(MQ) | VHOST_USER_PROTOCOL(REPLY_ACK) | \
	 VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS))

/* A device of four queues, the number that the back end reports. */
#define DEVICE "id=66"

#define PATIENCE 20000 /* ms */

/**
 * struct gate - holds up the back end at GET_VRING_BASE
 * @stand: the test stand
 * @hook: the hook that replies
 * @reached: eventfd, signalled when the back end is held up
 * @open: eventfd that lets the back end continue
 * @delay_ms: do not wait for @open, but this long
 */
struct gate {
	struct stand *stand;
	enum fake_action (*hook)(struct fake *fake);
	int reached;
	int open;
	int delay_ms;
};

static struct gate gate;

/* The directory of the device's time-outs, or NULL. */
static const char *attributes;

static enum fake_action hold_up(struct fake *fake)
{
	eventfd_t count;

	if (fake->msg.hdr.request == VHOST_USER_GET_VRING_BASE) {
		eventfd_write(gate.reached, 1);
		if (gate.delay_ms)
			poll(NULL, 0, gate.delay_ms);
		else
			eventfd_read(gate.open, &count);
	}
	return gate.hook(fake);
}

static void enable_queue(struct stand *s, uint16_t queue)
{
	stand_write(s, SELECT, 2, queue);
	stand_write(s, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	stand_write(s, VIRTIO_PCI_COMMON_Q_DESCLO, 8, STAND_DESC);
	stand_write(s, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, STAND_DRIVER);
	stand_write(s, VIRTIO_PCI_COMMON_Q_USEDLO, 8, STAND_DEVICE);
	stand_write(s, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/* A driver runs @queues queues; @timeout_ms: time limit of the back end. */
static void begin(unsigned int queues, int timeout_ms)
{
	struct vhost_device_options opt = {
		.queue_size = 256,
		.backend_timeout_ms = timeout_ms,
		.client_timeout_ms = attributes ? 100000 : 0,
		.attributes = attributes,
	};
	struct stand *s = stand_new();
	unsigned int i;

	gate = (struct gate) { .stand = s, .hook = s->fake.hook };
	gate.reached = eventfd(0, EFD_CLOEXEC);
	gate.open = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	s->fake.hook = hold_up;
	s->fake.features = FEATURES;
	s->fake.protocol = PROTOCOL;
	require(!vhost_type_find(DEVICE, &opt.type));
	require(!stand_device(s, &opt));
	stand_serve(s);
	stand_map(s);
	stand_features(s, VERSION_1);
	for (i = 0; i < queues; i++)
		enable_queue(s, i);
	stand_write(s, STATUS, 1, 0xf);
	check_eq(stand_read(s, STATUS, 1), 0xf);
}

/* Let the back end continue, also at the end of the test. */
static void open_gate(void)
{
	eventfd_write(gate.open, 100);
}

static void end(void)
{
	open_gate();
	stand_free(gate.stand);
	close(gate.reached);
	close(gate.open);
}

/* Send an access, and do not wait for its reply. */
static void send_access(uint16_t id, uint32_t flags, bool write,
			uint32_t region, uint64_t offset, uint32_t count,
			uint64_t value)
{
	struct vfio_user_region_access access = {
		.region = region,
		.offset = offset,
		.count = count,
	};
	char buf[sizeof(access) + sizeof(value)];

	memcpy(buf, &access, sizeof(access));
	memcpy(buf + sizeof(access), &value, sizeof(value));
	wire_send(gate.stand->sock, id,
		  write ? VFIO_USER_REGION_WRITE : VFIO_USER_REGION_READ, flags,
		  0, buf, sizeof(access) + (write ? count : 0), NULL, 0);
}

static void send_read(uint16_t id, uint32_t region, uint64_t offset,
		      uint32_t count)
{
	send_access(id, 0, false, region, offset, count, 0);
}

static void send_write(uint16_t id, uint32_t region, uint64_t offset,
		       uint32_t count, uint64_t value)
{
	send_access(id, 0, true, region, offset, count, value);
}

/* The next reply must have this ID. Return the value of a read. */
static uint64_t reply_to(uint16_t id)
{
	struct vfio_user_region_access access;
	struct vuser_msg msg;
	uint64_t value = 0;

	check_eq(wire_recv(gate.stand->sock, &msg), 0);
	check_eq(msg.hdr.msg_id, id);
	check_eq(msg.hdr.flags, VFIO_USER_FLAGS_TYPE_REPLY);
	if (msg.hdr.command == VFIO_USER_REGION_READ &&
	    msg.len > sizeof(access))
		memcpy(&value, (char *)msg.payload + sizeof(access),
		       msg.len - sizeof(access));
	vuser_msg_clear(&msg);
	return value;
}

/* Reset the device; the back end does not reply to GET_VRING_BASE. */
static void begin_reset(uint32_t flags)
{
	send_access(1, flags, true, BAR, STATUS, 1, 0);
	check_eq(stand_event(gate.reached, PATIENCE), 1);
}

TEST(registers_are_accessed_while_the_back_end_does_not_reply)
{
	begin(1, PATIENCE);
	begin_reset(0);
	send_read(2, BAR, STATUS, 1);
	check_eq(reply_to(2), 0xf);
	send_write(3, BAR, SELECT, 2, 1);
	reply_to(3);
	send_read(4, BAR, SELECT, 2);
	check_eq(reply_to(4), 1);
	send_read(5, VFIO_PCI_CONFIG_REGION_INDEX, 0, 4);
	check_eq(reply_to(5), 0x10821af4);
	send_write(6, MSIX, 0, 4, 0xfee00000);
	reply_to(6);
	send_read(7, MSIX, 0, 4);
	check_eq(reply_to(7), 0xfee00000);
	open_gate();
	reply_to(1);
	send_read(8, BAR, STATUS, 1);
	check_eq(reply_to(8), 0);
	end();
}

TEST(reads_overtake_other_commands_while_the_back_end_does_not_reply)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };

	begin(1, PATIENCE);
	begin_reset(0);
	wire_send(gate.stand->sock, 2, VFIO_USER_DEVICE_GET_INFO, 0, 0, &info,
		  sizeof(info), NULL, 0);
	send_read(3, BAR, STATUS, 1);
	check_eq(reply_to(3), 0xf);
	send_read(4, BAR, STATUS, 1);
	check_eq(reply_to(4), 0xf);
	/* A write does not overtake them. */
	send_write(5, BAR, SELECT, 2, 1);
	send_read(6, BAR, SELECT, 2);
	open_gate();
	reply_to(1);
	reply_to(2);
	reply_to(5);
	check_eq(reply_to(6), 1);
	end();
}

TEST(accesses_wait_for_an_earlier_write_that_changes_the_device)
{
	begin(1, PATIENCE);
	begin_reset(0);
	send_write(2, BAR, FEATURE, 4, 1);
	send_read(3, BAR, FEATURE, 4);
	send_write(4, BAR, SELECT, 2, 1);
	open_gate();
	reply_to(1);
	reply_to(2);
	/* The reset, which clears this register, was completed before. */
	check_eq(reply_to(3), 1);
	reply_to(4);
	end();
}

TEST(read_after_a_posted_write_waits_until_the_write_is_done)
{
	begin(1, PATIENCE);
	begin_reset(VFIO_USER_FLAGS_NO_REPLY);
	send_read(2, BAR, STATUS, 1);
	open_gate();
	check_eq(reply_to(2), 0);
	end();
}

TEST(client_that_disconnects_while_the_back_end_does_not_reply_is_noticed)
{
	begin(1, PATIENCE);
	begin_reset(0);
	shutdown(gate.stand->sock, SHUT_RDWR);
	open_gate();
	end();
}

/* The connection to the back end is closed, and the device continues. */
TEST(back_end_that_never_replies_is_lost_after_the_time_out)
{
	begin(1, 200);
	send_write(1, BAR, STATUS, 1, 0);
	reply_to(1);
	send_read(2, BAR, STATUS, 1);
	check_eq(reply_to(2), 0);
	end();
}

TEST(all_requests_for_one_command_share_one_time_out)
{
	begin(4, 1000);
	gate.delay_ms = 700;
	send_write(1, BAR, STATUS, 1, 0);
	reply_to(1);
	/* The second reply came too late, and the others were not requested. */
	check_eq(gate.stand->fake.seen[VHOST_USER_GET_VRING_BASE], 2);
	gate.delay_ms = 0;
	end();
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static void set_time_out(const char *name, const char *value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", attributes, name);
	file = fopen(path, "w");
	require(file && fputs(value, file) >= 0 && !fclose(file));
}

static void remove_time_outs(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/request_timeout_ms", attributes);
	unlink(path);
	snprintf(path, sizeof(path), "%s/close_timeout_ms", attributes);
	unlink(path);
	rmdir(attributes);
	attributes = NULL;
}

/* The limit before the change is longer than the patience of this test. */
TEST(time_out_that_is_set_later_is_used)
{
	char dir[] = "/tmp/test-vhost-wait-XXXXXX";
	int64_t before;

	require(mkdtemp(dir));
	attributes = dir;
	set_time_out("request_timeout_ms", "100000\n");
	set_time_out("close_timeout_ms", "150000\n");
	begin(1, 0);
	set_time_out("close_timeout_ms", "500\n");
	before = now_ms();
	send_write(1, BAR, STATUS, 1, 0);
	reply_to(1);
	send_read(2, BAR, STATUS, 1);
	check_eq(reply_to(2), 0);
	check(now_ms() - before < PATIENCE);
	end();
	remove_time_outs();
}

/* A program that listens and never replies, as a back end that is stopped. */
static int listen_at_the_back_ends_path(void)
{
	int fd = vuser_sock_listen(gate.stand->path);

	require(fd >= 0);
	return fd;
}

TEST(back_end_that_hangs_when_it_is_back_does_not_delay_commands)
{
	struct pollfd pfd = { .events = POLLIN };
	int64_t before;
	int peer;

	begin(1, PATIENCE);
	stand_lose_backend(gate.stand);
	pfd.fd = listen_at_the_back_ends_path();
	check_eq(poll(&pfd, 1, PATIENCE), 1);
	peer = accept4(pfd.fd, NULL, NULL, SOCK_CLOEXEC);
	require(peer >= 0);
	before = now_ms();
	check_eq(vuser_client_dma_map(gate.stand->client, 0x4000000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      gate.stand->fd, 0),
		 0);
	check(now_ms() - before < PATIENCE / 2);
	close(peer);
	close(pfd.fd);
	unlink(gate.stand->path);
	end();
}
