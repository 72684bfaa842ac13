// SPDX-License-Identifier: GPL-2.0
/* Migration from one device to another, each with a back-end of its own. */
#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../pci.h"
#include "../virtio.h"
#include "stand.h"
#include "../../../tests/harness.h"

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR

#define ALL	    UINT64_MAX
#define NO_STATE    (~VHOST_USER_PROTOCOL(DEVICE_STATE))
#define NO_INFLIGHT (~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD))
#define ANNOUNCE    VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE)
#define CTRL_VQ	    VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)
#define CTRL_MAC    VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR)
#define SOON	    10000
#define NEVER	    50
#define STREAM_MAX  (1 << 20)
#define STATE_LEN   200000

static uint8_t stream[STREAM_MAX];
static uint8_t backend_state[STATE_LEN];

static int go(struct stand *stand, uint32_t to)
{
	struct vfio_device_feature_mig_state state = { .device_state = to };
	ssize_t ret;

	ret = vuser_client_feature(stand->client,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &state, sizeof(state), sizeof(state));
	return ret < 0 ? ret : 0;
}

static int where(struct stand *stand)
{
	struct vfio_device_feature_mig_state state;

	check_eq(vuser_client_feature(
			 stand->client,
			 VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			 &state, 0, sizeof(state)),
		 sizeof(state));
	return state.device_state;
}

/* All of the stream, in parts of @part bytes; -errno, or its length. */
static ssize_t read_stream(struct stand *stand, size_t part)
{
	size_t len = 0;
	ssize_t got;

	do {
		require(len + part <= sizeof(stream));
		got = vuser_client_mig_read(stand->client, stream + len, part);
		if (got < 0)
			return got;
		len += got;
	} while ((size_t)got == part);
	return len;
}

static int write_stream(struct stand *stand, size_t len, size_t part)
{
	size_t pos, n;
	int ret = 0;

	for (pos = 0; pos < len && !ret; pos += n) {
		n = len - pos < part ? len - pos : part;
		ret = vuser_client_mig_write(stand->client, stream + pos, n);
	}
	return ret;
}

static struct stand *setup(const char *type, uint64_t protocol)
{
	struct stand *stand = stand_setup(type, ALL, protocol);
	size_t i;

	for (i = 0; i < sizeof(backend_state); i++)
		backend_state[i] = i * 2654435761U >> 13;
	stand->state = backend_state;
	stand->state_len = sizeof(backend_state);
	return stand;
}

static int new_event(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void set_irq(struct stand *stand, uint32_t vector, int fd)
{
	check_eq(vuser_client_set_irqs(stand->client,
				       VFIO_IRQ_SET_DATA_EVENTFD |
					       VFIO_IRQ_SET_ACTION_TRIGGER,
				       VFIO_PCI_MSIX_IRQ_INDEX, vector, 1, NULL,
				       &fd),
		 0);
}

static uint8_t status(struct stand *stand)
{
	return stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1);
}

static void cfg(struct stand *stand, uint64_t offset, void *value, bool write)
{
	const uint32_t config = VFIO_PCI_CONFIG_REGION_INDEX;

	check_eq(write ? vuser_client_write(stand->client, config, offset,
					    value, 4) :
			 vuser_client_read(stand->client, config, offset, value,
					   4),
		 0);
}

static int probe(const char *type, uint64_t protocol)
{
	struct stand *stand = setup(type, protocol);
	int ret = vuser_client_feature(stand->client,
				       VFIO_DEVICE_FEATURE_PROBE |
					       VFIO_DEVICE_FEATURE_MIGRATION,
				       NULL, 0, 0);

	stand_free(stand);
	return ret;
}

TEST(offered_where_all_can_be_had)
{
	check_eq(probe("fs", ALL), 0);
	check_eq(probe("fs", NO_STATE), -ENOTTY);
	check_eq(probe("vsock", NO_STATE), -ENOTTY);
	/* These have nothing to keep. */
	check_eq(probe("net", NO_STATE), 0);
	check_eq(probe("blk", NO_STATE), 0);
	check_eq(probe("rng", NO_STATE), 0);
}

TEST(stop_and_go_on)
{
	struct stand *stand = setup("rng", ALL);
	int call = new_event();

	stand_map(stand);
	set_irq(stand, 1, call);
	stand_start(stand, 0);
	check_eq(stand->status, 0xf);
	stand->stopped_at = 0x1234;
	check_eq(go(stand, STOP), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	/* The back-end keeps what it has: the driver is not gone. */
	check_eq(stand->status, 0xf);
	check_eq(status(stand), 0xf);
	check_eq(stand_event(call, NEVER), 0);
	/* Nothing starts meanwhile; memory may come and go. */
	check_eq(vuser_client_dma_map(stand->client, 0x800000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, 0),
		 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 1);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->base, 0x1234);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 2);
	check_eq(stand_event(call, SOON), 1);
	/* A reset after it, and nothing is left of where it was. */
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	close(call);
	stand_free(stand);
}

TEST(drivers_that_write_while_it_is_stopped)
{
	struct stand *stand = setup("rng", ALL);

	stand_map(stand);
	check_eq(go(stand, STOP), 0);
	stand_start(stand, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 0);
	/* And the other way round: reset, so not started again. */
	stand->stopped_at = 5;
	check_eq(go(stand, STOP), 0);
	check_eq(stand->status, 0xf);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand->status, 0);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	stand_start(stand, VIRTIO_BIT(VIRTIO_F_RING_RESET));
	check_eq(stand->base, 0);
	/* A queue of it: what is to go on is gone. */
	check_eq(go(stand, STOP), 0);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 3);
	check_eq(stand->base, 0);
	stand_free(stand);
}

/* Registers of a driver that has come far, and some it wrote last. */
static void run_source(struct stand *stand)
{
	uint32_t value = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;

	stand_map(stand);
	cfg(stand, PCI_COMMAND, &value, true);
	value = 0xfe000000;
	cfg(stand, PCI_BASE_ADDRESS_0, &value, true);
	check_eq(vuser_client_write(stand->client, VFIO_PCI_BAR1_REGION_INDEX,
				    16, &value, 4),
		 0);
	stand_start(stand, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand->stopped_at = 0x8765;
}

static void check_same(struct stand *a, struct stand *b)
{
	uint32_t offset, x, y;

	for (offset = 0; offset < VIRTIO_COMMON_SIZE; offset += 4)
		check_eq(stand_read(a, offset, 4), stand_read(b, offset, 4));
	for (offset = 0; offset < 256; offset += 4) {
		cfg(a, offset, &x, false);
		cfg(b, offset, &y, false);
		check_eq(x, y);
	}
	check_eq(vuser_client_read(b->client, VFIO_PCI_BAR1_REGION_INDEX, 16,
				   &x, 4),
		 0);
	check_eq(x, 0xfe000000);
}

static void migrate(const char *type, uint64_t protocol, size_t part)
{
	struct stand *a = setup(type, protocol), *b = setup(type, protocol);
	int call = new_event();
	bool stateful = protocol & VHOST_USER_PROTOCOL(DEVICE_STATE);
	ssize_t len;

	run_source(a);
	check_eq(go(a, COPY), 0);
	len = read_stream(a, part);
	check(len > (stateful ? STATE_LEN : 0));
	check_eq(a->fake.seen[VHOST_USER_CHECK_DEVICE_STATE], stateful);
	/* The end stays the end. */
	check_eq(vuser_client_mig_read(a->client, stream + len, 1), 0);

	/* "DMA maps, RESUMING, data, RUNNING, then interrupts". */
	stand_map(b);
	check_eq(go(b, RESUMING), 0);
	check_eq(write_stream(b, len, part), 0);
	check_eq(b->fake.seen[VHOST_USER_SET_DEVICE_STATE_FD], stateful);
	check_eq(b->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(go(b, STOP), 0);
	check_same(a, b);
	check_eq(go(b, RUNNING), 0);
	check_eq(where(b), RUNNING);
	check_eq(status(b), 0xf);
	check_eq(b->base, 0x8765);
	check_eq(b->features, a->features);
	check(same_file(b->memory, b->fd));
	check_eq(b->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	if (stateful) {
		check_eq(b->moved, STATE_LEN);
		check(!memcmp(b->loaded, backend_state, STATE_LEN));
		check_eq(b->state_features, a->features);
	}
	set_irq(b, 1, call);
	check_eq(stand_event(call, SOON), 1);

	/* The source could go on, too: nobody knows yet that it must not. */
	check_eq(go(a, RUNNING), 0);
	check_eq(a->base, 0x8765);
	close(call);
	stand_free(a);
	stand_free(b);
}

TEST(with_the_back_ends_state)
{
	migrate("rng", ALL, 65536);
}

TEST(in_small_parts)
{
	migrate("rng", ALL, 999);
}

TEST(without_one)
{
	migrate("rng", NO_STATE, 4096);
}

TEST(devices_that_no_driver_has)
{
	struct stand *a = setup("rng", ALL), *b = setup("rng", ALL);
	ssize_t len;

	a->state_len = 0;
	check_eq(go(a, COPY), 0);
	len = read_stream(a, 65536);
	check_eq(go(b, RESUMING), 0);
	check_eq(write_stream(b, len, 65536), 0);
	/* A state of no bytes is one. */
	check_eq(b->fake.seen[VHOST_USER_CHECK_DEVICE_STATE], 1);
	check_eq(go(b, RUNNING), 0);
	check_eq(status(b), 0);
	stand_map(b);
	stand_start(b, 0);
	check_eq(b->base, 0);
	stand_free(a);
	stand_free(b);
}

/* A stream of a device that runs. */
static ssize_t get_stream(const char *type, uint64_t protocol)
{
	struct stand *stand = setup(type, protocol);
	ssize_t len;

	run_source(stand);
	check_eq(go(stand, COPY), 0);
	len = read_stream(stand, 65536);
	stand_free(stand);
	return len;
}

/* The device is of use again. */
static void check_recovers(struct stand *stand)
{
	check_eq(go(stand, RUNNING), -EINVAL);
	check_eq(where(stand), ERROR);
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(where(stand), RUNNING);
	check_eq(status(stand), 0);
	if (stand->fd < 0)
		stand_map(stand);
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
}

TEST(streams_that_are_cut_short)
{
	const ssize_t len = get_stream("rng", NO_STATE);
	struct stand *stand = setup("rng", NO_STATE);
	const ssize_t cuts[] = { 0, 1, 16, 100, len - 5, len - 1 };
	size_t i;

	for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		check_eq(go(stand, RESUMING), 0);
		check_eq(write_stream(stand, cuts[i], 4096), 0);
		check_eq(go(stand, STOP), -EINVAL);
		check_recovers(stand);
	}
	stand_free(stand);
}

static void refused(struct stand *stand, ssize_t len)
{
	check_eq(go(stand, RESUMING), 0);
	check_eq(write_stream(stand, len, 65536), -EINVAL);
	/* Once refused, it stays so. */
	check_eq(write_stream(stand, 1, 1), -EINVAL);
	check_eq(go(stand, STOP), -EINVAL);
	check_recovers(stand);
}

TEST(streams_that_do_not_fit)
{
	struct stand *rng = setup("rng", NO_STATE), *blk = setup("blk", ALL);
	ssize_t len = get_stream("rng", NO_STATE);

	refused(blk, len);
	memcpy(stream, "notvuser", 8);
	refused(rng, len);
	len = get_stream("rng", NO_STATE);
	/* A bit of configuration space that no driver can write. */
	stream[len - 4 - 4096] ^= 1;
	refused(rng, len);
	/* More than that. */
	len = get_stream("rng", NO_STATE);
	refused(rng, len + 1);
	/* A back-end's state where it is not announced, and where none is. */
	len = get_stream("rng", NO_STATE);
	memcpy(stream + len - 4, "\1\0\0\0x\0\0\0\0", 9);
	refused(rng, len + 5);
	len = get_stream("rng", ALL);
	refused(rng, len);
	stand_free(rng);
	stand_free(blk);
}

TEST(features_that_are_not_there)
{
	struct stand *stand = stand_setup(
		"rng", ALL & ~VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC),
		NO_STATE);
	struct stand *a = setup("rng", NO_STATE);
	ssize_t len;

	stand_map(a);
	stand_start(a, VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC));
	check_eq(go(a, COPY), 0);
	len = read_stream(a, 65536);
	refused(stand, len);
	stand_free(a);
	stand_free(stand);
}

TEST(back_end_that_cannot_save)
{
	struct stand *stand = setup("rng", ALL);

	run_source(stand);
	stand->state_bad = true;
	check_eq(go(stand, COPY), 0);
	check_eq(read_stream(stand, 65536), -EREMOTEIO);
	check_eq(where(stand), COPY);
	/* Again, it does not become whole. */
	check_eq(read_stream(stand, 65536), -EIO);
	/* But the device can go on, and try once more. */
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	stand->state_bad = false;
	check_eq(go(stand, COPY), 0);
	check(read_stream(stand, 65536) > STATE_LEN);
	/* One that does not want to begin. */
	stand->refuse = VHOST_USER_SET_DEVICE_STATE_FD;
	check_eq(go(stand, RUNNING), 0);
	stand->refuse_value = VHOST_USER_STATE_ERROR | VHOST_USER_STATE_NOFD;
	check_eq(go(stand, COPY), -EREMOTEIO);
	check_eq(where(stand), STOP);
	check_eq(go(stand, RUNNING), 0);
	/* Half of it, and the client has enough. */
	stand->refuse = 0;
	check_eq(go(stand, COPY), 0);
	check_eq(vuser_client_mig_read(stand->client, stream, 40000), 40000);
	check_eq(go(stand, RUNNING), 0);
	check_eq(status(stand), 0xf);
	stand_free(stand);
}

/* Hung up on: a driver finds nobody. */
static void check_nobody(struct stand *stand)
{
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(where(stand), RUNNING);
	stand_features(stand, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(status(stand), 0x4f);
}

TEST(back_end_that_does_not_take_it)
{
	struct stand *stand = setup("rng", ALL & NO_INFLIGHT);
	ssize_t len = get_stream("rng", ALL);

	stand_map(stand);
	stand->state_bad = true;
	check_eq(go(stand, RESUMING), 0);
	check_eq(write_stream(stand, len, 65536), -EREMOTEIO);
	check_eq(go(stand, STOP), -EINVAL);
	check_eq(where(stand), ERROR);
	/* What it is now nobody knows. */
	check_nobody(stand);
	stand->state_bad = false;
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(back_end_that_has_half_of_it)
{
	struct stand *stand = setup("rng", ALL);
	ssize_t len = get_stream("rng", ALL);

	stand_map(stand);
	check_eq(go(stand, RESUMING), 0);
	check_eq(write_stream(stand, len - 1000, 65536), 0);
	check_nobody(stand);
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(reset_ends_it)
{
	struct stand *stand = setup("rng", ALL);

	run_source(stand);
	check_eq(go(stand, COPY), 0);
	check_eq(vuser_client_mig_read(stand->client, stream, 40000), 40000);
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(where(stand), RUNNING);
	check_eq(stand->status, 0);
	check_eq(vuser_client_mig_read(stand->client, stream, 1), -EINVAL);
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	check_eq(go(stand, COPY), 0);
	/* And the end of the client, in the middle. */
	stand_free(stand);
}

/* Two back-ends, one after the other, while the device is stopped. */
static uint8_t other_back_end(const char *type, uint64_t protocol)
{
	struct stand *stand = setup(type, protocol);
	uint8_t ret;

	run_source(stand);
	check_eq(go(stand, STOP), 0);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(where(stand), STOP);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(go(stand, RUNNING), 0);
	ret = status(stand);
	if (ret == 0xf)
		check_eq(stand->base, 0x8765);
	else
		check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_free(stand);
	return ret;
}

TEST(back_end_lost_while_it_is_stopped)
{
	check_eq(other_back_end("rng", NO_INFLIGHT), 0xf);
	check_eq(other_back_end("rng", ALL), 0xf);
	/* This one's state is gone with it. */
	check_eq(other_back_end("vsock", NO_INFLIGHT), 0x4f);
}

/* The next back-end lacks what the one before had, and is not taken. */
static void lesser(const char *type, uint64_t protocol)
{
	struct stand *stand = setup(type, NO_INFLIGHT);

	stand_map(stand);
	stand_lose_backend(stand);
	stand->fake.protocol = protocol;
	stand_new_backend(stand);
	check_nobody(stand);
	stand->fake.protocol = NO_INFLIGHT;
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(back_ends_that_cannot_do_as_much)
{
	lesser("vsock", NO_INFLIGHT & NO_STATE);
	lesser("rng", NO_INFLIGHT & ~VHOST_USER_PROTOCOL(LOG_SHMFD));
}

TEST(what_was_before_is_gone)
{
	struct stand *stand = setup("rng", ALL);
	ssize_t len = get_stream("rng", ALL);
	uint32_t command;

	run_source(stand);
	check_eq(go(stand, RESUMING), 0);
	check_eq(status(stand), 0);
	check_eq(stand->status, 0);
	cfg(stand, PCI_COMMAND, &command, false);
	check_eq(command & PCI_COMMAND_MASTER, 0);
	check_eq(write_stream(stand, len, 65536), 0);
	check_eq(go(stand, RUNNING), 0);
	check_eq(status(stand), 0xf);
	cfg(stand, PCI_COMMAND, &command, false);
	check(command & PCI_COMMAND_MASTER);
	stand_free(stand);
}

static void change_config(struct stand *stand, uint8_t value)
{
	struct vhost_user_msg msg = {
		.hdr.request = VHOST_USER_BACKEND_CONFIG_CHANGE_MSG,
		.hdr.flags = VHOST_USER_NEED_REPLY,
	};
	struct vhost_user_msg answer;
	int fd;

	stand->config[0] = value;
	fake_ask(stand->fake.channel, &msg, -1);
	check_eq(fake_answer(stand->fake.channel, &msg, &answer, &fd), 0);
	/* It is looked at in a moment, which the next command waits for. */
}

static struct stand *setup_disk(int config)
{
	struct stand *stand = setup("blk", NO_STATE);

	stand_map(stand);
	if (config >= 0)
		set_irq(stand, 0, config);
	stand_features(stand, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	return stand;
}

TEST(configuration_that_changes_meanwhile)
{
	int config = new_event();
	struct stand *stand = setup_disk(config);
	uint8_t before;

	before = stand_read(stand, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	check_eq(go(stand, STOP), 0);
	change_config(stand, 8);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 1), 0);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 1), 8);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_CFGGENERATION, 1),
		 (uint8_t)(before + 1));
	close(config);
	stand_free(stand);
}

/* What the driver was to be told, and could not be. */
TEST(interrupts_that_are_due)
{
	struct stand *a = setup_disk(-1), *b = setup("blk", NO_STATE);
	int config = new_event(), line = new_event();
	ssize_t len;

	change_config(a, 8);
	/* Until that has been seen to. */
	while (stand_read(a, VHOST_BAR_DEVICE, 1) != 8)
		;
	check_eq(go(a, COPY), 0);
	len = read_stream(a, 65536);
	b->config[0] = 8;
	set_irq(b, 0, config);
	check_eq(vuser_client_set_irqs(b->client,
				       VFIO_IRQ_SET_DATA_EVENTFD |
					       VFIO_IRQ_SET_ACTION_TRIGGER,
				       VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL,
				       &line),
		 0);
	check_eq(go(b, RESUMING), 0);
	check_eq(write_stream(b, len, 65536), 0);
	check_eq(go(b, STOP), 0);
	check_eq(stand_event(config, NEVER) + stand_event(line, 0), 0);
	check_eq(go(b, RUNNING), 0);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_event(line, SOON), 1);
	check_eq(stand_read(b, VHOST_BAR_ISR, 1), VIRTIO_ISR_CONFIG);
	close(config);
	close(line);
	stand_free(a);
	stand_free(b);
}

TEST(back_end_lost_before_it_is_stopped)
{
	struct stand *stand = setup("rng", ALL);
	int call = new_event();

	stand_map(stand);
	set_irq(stand, 1, call);
	stand_start(stand, 0);
	stand_lose_backend(stand);
	/* What is in flight is with nobody. */
	while (go(stand, STOP) != -ENOTCONN)
		go(stand, RUNNING);
	check_eq(where(stand), RUNNING);
	stand_new_backend(stand);
	while (go(stand, STOP) == -ENOTCONN)
		;
	check_eq(where(stand), STOP);
	close(call);
	stand_free(stand);
}

TEST(memory_that_comes_last)
{
	struct stand *stand = setup("rng", ALL);
	ssize_t len = get_stream("rng", ALL);

	check_eq(go(stand, RESUMING), 0);
	check_eq(write_stream(stand, len, 65536), 0);
	check_eq(go(stand, RUNNING), 0);
	/* Its ring waits for its memory, as it does when that goes. */
	check_eq(status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_map(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 0x8765);
	stand_free(stand);
}

TEST(back_end_that_does_not_start)
{
	struct stand *stand = setup("rng", ALL);

	run_source(stand);
	check_eq(go(stand, STOP), 0);
	stand->stopped_at = 1;
	stand->refuse = VHOST_USER_SET_VRING_KICK;
	check_eq(go(stand, RUNNING), -EREMOTEIO);
	check_eq(where(stand), STOP);
	check_eq(status(stand), 0xf);
	/* Nothing of it is lost. */
	stand->refuse = 0;
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	/* When it fails at the end, the ring is served already: no longer. */
	check_eq(go(stand, STOP), 0);
	stand->stopped_at = 3;
	stand->refuse = VHOST_USER_SET_STATUS;
	check_eq(go(stand, RUNNING), -EREMOTEIO);
	check_eq(where(stand), STOP);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 3);
	stand->refuse = 0;
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->base, 3);
	stand_free(stand);
}

/* A network device: its control queue is served here. */

static void put(struct stand *stand, uint64_t iova, const void *data, size_t n)
{
	require(pwrite(stand->fd, data, n, STAND_SIZE + (iova - STAND_IOVA)) ==
		(ssize_t)n);
}

/* A command in descriptors from @head on; it is entry @index of the ring. */
static void command(struct stand *stand, uint16_t index, uint16_t head,
		    const struct virtio_net_ctrl_hdr *hdr, const char *arg)
{
	const uint64_t at = STAND_IOVA + 0x3000 + head * 64;
	const uint16_t last = head + 1 + !!arg, next = index + 1;
	const struct vring_desc desc[3] = {
		{ at, sizeof(*hdr), VRING_DESC_F_NEXT, head + 1 },
		{ at + 16, ETH_ALEN, VRING_DESC_F_NEXT, last },
	};
	const struct vring_desc ack = { at + 32, 1, VRING_DESC_F_WRITE, 0 };

	put(stand, STAND_DESC + 16 * head, desc, sizeof(desc));
	put(stand, STAND_DESC + 16 * last, &ack, sizeof(ack));
	put(stand, at, hdr, sizeof(*hdr));
	if (arg)
		put(stand, at + 16, arg, ETH_ALEN);
	put(stand, STAND_DRIVER + 4 + 2 * index, &head, sizeof(head));
	put(stand, STAND_DRIVER + 2, &next, sizeof(next));
	stand_write(stand, VHOST_BAR_NOTIFY + 2 * VHOST_NOTIFY_MULTIPLIER, 2,
		    2);
}

static void set_mac(struct stand *stand, uint16_t index, const char *mac)
{
	const struct virtio_net_ctrl_hdr hdr = {
		.class = VIRTIO_NET_CTRL_MAC,
		.cmd = VIRTIO_NET_CTRL_MAC_ADDR_SET,
	};

	command(stand, index, 0, &hdr, mac);
}

static void ack_announce(struct stand *stand, uint16_t index)
{
	const struct virtio_net_ctrl_hdr hdr = {
		.class = VIRTIO_NET_CTRL_ANNOUNCE,
		.cmd = VIRTIO_NET_CTRL_ANNOUNCE_ACK,
	};

	command(stand, index, 4, &hdr, NULL);
}

static uint16_t used_index(struct stand *stand)
{
	uint16_t used;

	require(pread(stand->fd, &used, 2,
		      STAND_SIZE + (STAND_DEVICE - STAND_IOVA) + 2) == 2);
	return used;
}

static bool has_mac(struct stand *stand, const char *mac)
{
	uint64_t value = stand_read(stand, VHOST_BAR_DEVICE, 6);

	return !memcmp(&value, mac, ETH_ALEN);
}

static void start_net(struct stand *stand, uint64_t features, int call)
{
	set_irq(stand, 3, call);
	stand_features(stand, features | VIRTIO_BIT(VIRTIO_F_VERSION_1));
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, STAND_DESC);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, STAND_DRIVER);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, STAND_DEVICE);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(status(stand), 0xf);
}

static struct stand *migrate_net(struct stand *a)
{
	struct stand *b = setup("net", NO_STATE);
	char memory[STAND_SIZE];
	ssize_t len;

	check_eq(go(a, COPY), 0);
	len = read_stream(a, 65536);
	stand_map(b);
	/* The client copies its memory. */
	require(pread(a->fd, memory, sizeof(memory), STAND_SIZE) == STAND_SIZE);
	require(pwrite(b->fd, memory, sizeof(memory), STAND_SIZE) ==
		STAND_SIZE);
	check_eq(go(b, RESUMING), 0);
	check_eq(write_stream(b, len, 65536), 0);
	check_eq(go(b, RUNNING), 0);
	stand_free(a);
	return b;
}

TEST(control_queue)
{
	struct stand *stand = setup("net", NO_STATE);
	const char *macs[] = { "\2\1\1\1\1\1", "\2\2\2\2\2\2" };
	int call = new_event(), config = new_event();

	stand_map(stand);
	start_net(stand, CTRL_VQ | CTRL_MAC | ANNOUNCE, call);
	set_mac(stand, 0, macs[0]);
	check_eq(stand_event(call, SOON), 1);
	check(has_mac(stand, macs[0]));
	/* Were it done again, it would be another one. */
	put(stand, STAND_IOVA + 0x3010, macs[1], ETH_ALEN);
	stand = migrate_net(stand);
	check(has_mac(stand, macs[0]));
	check_eq(used_index(stand), 1);
	/* The driver is asked to tell where it is. */
	set_irq(stand, 0, config);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE + 6, 2),
		 VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 0);
	/* The ring goes on where it was, and does nothing twice. */
	set_irq(stand, 3, call);
	check_eq(stand_event(call, SOON), 1);
	ack_announce(stand, 1);
	check_eq(stand_event(call, SOON), 1);
	check_eq(used_index(stand), 2);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE + 6, 2),
		 VIRTIO_NET_S_LINK_UP);
	check(has_mac(stand, macs[0]));
	set_mac(stand, 2, macs[1]);
	check_eq(stand_event(call, SOON), 1);
	check_eq(used_index(stand), 3);
	check(has_mac(stand, macs[1]));
	close(call);
	close(config);
	stand_free(stand);
}

TEST(drivers_that_cannot_announce)
{
	struct stand *stand = setup("net", NO_STATE);
	int call = new_event();

	stand_map(stand);
	start_net(stand, CTRL_VQ | CTRL_MAC, call);
	stand = migrate_net(stand);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 1);
	/* But only where it came from elsewhere. */
	check_eq(go(stand, STOP), 0);
	check_eq(go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 1);
	close(call);
	stand_free(stand);
}
