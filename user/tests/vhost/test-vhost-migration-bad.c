// SPDX-License-Identifier: GPL-2.0
/* Migration that cannot be: bad streams, back-ends that go, changes meanwhile. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

/* The device is of use again. */
static void check_recovers(struct stand *stand)
{
	check_eq(mig_go(stand, RUNNING), -EINVAL);
	check_eq(mig_where(stand), ERROR);
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(mig_where(stand), RUNNING);
	check_eq(mig_status(stand), 0);
	if (stand->fd < 0)
		stand_map(stand);
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
}

TEST(streams_that_are_cut_short)
{
	const ssize_t len = mig_get_stream("rng", NO_STATE);
	struct stand *stand = mig_setup("rng", NO_STATE);
	const ssize_t cuts[] = { 0, 1, 16, 100, len - 5, len - 1 };
	size_t i;

	for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		check_eq(mig_go(stand, RESUMING), 0);
		check_eq(mig_write(stand, cuts[i], 4096), 0);
		check_eq(mig_go(stand, STOP), -EINVAL);
		check_recovers(stand);
	}
	stand_free(stand);
}

static void refused(struct stand *stand, ssize_t len)
{
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), -EINVAL);
	/* Once refused, it stays so. */
	check_eq(mig_write(stand, 1, 1), -EINVAL);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_recovers(stand);
}

TEST(streams_that_do_not_fit)
{
	struct stand *rng = mig_setup("rng", NO_STATE),
		     *blk = mig_setup("blk", ALL);
	ssize_t len = mig_get_stream("rng", NO_STATE);

	refused(blk, len);
	memcpy(mig_stream, "notvuser", 8);
	refused(rng, len);
	len = mig_get_stream("rng", NO_STATE);
	/* A bit of configuration space that no driver can write. */
	mig_stream[len - 4 - 4096] ^= 1;
	refused(rng, len);
	/* More than that. */
	len = mig_get_stream("rng", NO_STATE);
	refused(rng, len + 1);
	/* A back-end's state where it is not announced, and where none is. */
	len = mig_get_stream("rng", NO_STATE);
	memcpy(mig_stream + len - 4, "\1\0\0\0x\0\0\0\0", 9);
	refused(rng, len + 5);
	len = mig_get_stream("rng", ALL);
	refused(rng, len);
	stand_free(rng);
	stand_free(blk);
}

TEST(features_that_are_not_there)
{
	struct stand *stand = stand_setup(
		"rng", ALL & ~VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC),
		NO_STATE);
	struct stand *a = mig_setup("rng", NO_STATE);
	ssize_t len;

	stand_map(a);
	stand_start(a, VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC));
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	refused(stand, len);
	stand_free(a);
	stand_free(stand);
}

TEST(back_end_that_cannot_save)
{
	struct stand *stand = mig_setup("rng", ALL);

	mig_run_source(stand);
	stand->state_bad = true;
	check_eq(mig_go(stand, COPY), 0);
	check_eq(mig_read(stand, 65536), -EREMOTEIO);
	check_eq(mig_where(stand), COPY);
	/* Again, it does not become whole. */
	check_eq(mig_read(stand, 65536), -EIO);
	/* But the device can go on, and try once more. */
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	stand->state_bad = false;
	check_eq(mig_go(stand, COPY), 0);
	check(mig_read(stand, 65536) > STATE_LEN);
	/* One that does not want to begin. */
	stand->refuse = VHOST_USER_SET_DEVICE_STATE_FD;
	check_eq(mig_go(stand, RUNNING), 0);
	stand->refuse_value = VHOST_USER_STATE_ERROR | VHOST_USER_STATE_NOFD;
	check_eq(mig_go(stand, COPY), -EREMOTEIO);
	check_eq(mig_where(stand), STOP);
	check_eq(mig_go(stand, RUNNING), 0);
	/* Half of it, and the client has enough. */
	stand->refuse = 0;
	check_eq(mig_go(stand, COPY), 0);
	check_eq(vuser_client_mig_read(stand->client, mig_stream, 40000),
		 40000);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(mig_status(stand), 0xf);
	stand_free(stand);
}

/* Hung up on: a driver finds nobody. */
static void check_nobody(struct stand *stand)
{
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(mig_where(stand), RUNNING);
	stand_features(stand, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(mig_status(stand), 0x4f);
}

TEST(back_end_that_does_not_take_it)
{
	struct stand *stand = mig_setup("rng", ALL & NO_INFLIGHT);
	ssize_t len = mig_get_stream("rng", ALL);

	stand_map(stand);
	stand->state_bad = true;
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), -EREMOTEIO);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_eq(mig_where(stand), ERROR);
	/* What it is now nobody knows. */
	check_nobody(stand);
	stand->state_bad = false;
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(back_end_that_has_half_of_it)
{
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);

	stand_map(stand);
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len - 1000, 65536), 0);
	check_nobody(stand);
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(reset_ends_it)
{
	struct stand *stand = mig_setup("rng", ALL);

	mig_run_source(stand);
	check_eq(mig_go(stand, COPY), 0);
	check_eq(vuser_client_mig_read(stand->client, mig_stream, 40000),
		 40000);
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(mig_where(stand), RUNNING);
	check_eq(stand->status, 0);
	check_eq(vuser_client_mig_read(stand->client, mig_stream, 1), -EINVAL);
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	check_eq(mig_go(stand, COPY), 0);
	/* And the end of the client, in the middle. */
	stand_free(stand);
}

/* Two back-ends, one after the other, while the device is stopped. */
static uint8_t other_back_end(const char *type, uint64_t protocol)
{
	struct stand *stand = mig_setup(type, protocol);
	uint8_t ret;

	mig_run_source(stand);
	check_eq(mig_go(stand, STOP), 0);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(mig_where(stand), STOP);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(mig_go(stand, RUNNING), 0);
	ret = mig_status(stand);
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
	struct stand *stand = mig_setup(type, NO_INFLIGHT);

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
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);
	uint32_t command;

	mig_run_source(stand);
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_status(stand), 0);
	check_eq(stand->status, 0);
	mig_cfg(stand, PCI_COMMAND, &command, false);
	check_eq(command & PCI_COMMAND_MASTER, 0);
	check_eq(mig_write(stand, len, 65536), 0);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(mig_status(stand), 0xf);
	mig_cfg(stand, PCI_COMMAND, &command, false);
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
	struct stand *stand = mig_setup("blk", NO_STATE);

	stand_map(stand);
	if (config >= 0)
		mig_set_irq(stand, 0, config);
	stand_features(stand, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	return stand;
}

TEST(configuration_that_changes_meanwhile)
{
	int config = mig_event();
	struct stand *stand = setup_disk(config);
	uint8_t before;

	before = stand_read(stand, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	check_eq(mig_go(stand, STOP), 0);
	change_config(stand, 8);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 1), 0);
	check_eq(mig_go(stand, RUNNING), 0);
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
	struct stand *a = setup_disk(-1), *b = mig_setup("blk", NO_STATE);
	int config = mig_event(), line = mig_event();
	ssize_t len;

	change_config(a, 8);
	/* Until that has been seen to. */
	while (stand_read(a, VHOST_BAR_DEVICE, 1) != 8)
		;
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	b->config[0] = 8;
	mig_set_irq(b, 0, config);
	check_eq(vuser_client_set_irqs(b->client,
				       VFIO_IRQ_SET_DATA_EVENTFD |
					       VFIO_IRQ_SET_ACTION_TRIGGER,
				       VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL,
				       &line),
		 0);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), 0);
	check_eq(mig_go(b, STOP), 0);
	check_eq(stand_event(config, NEVER) + stand_event(line, 0), 0);
	check_eq(mig_go(b, RUNNING), 0);
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
	struct stand *stand = mig_setup("rng", ALL);
	int call = mig_event();

	stand_map(stand);
	mig_set_irq(stand, 1, call);
	stand_start(stand, 0);
	stand_lose_backend(stand);
	/* What is in flight is with nobody. */
	while (mig_go(stand, STOP) != -ENOTCONN)
		mig_go(stand, RUNNING);
	check_eq(mig_where(stand), RUNNING);
	stand_new_backend(stand);
	while (mig_go(stand, STOP) == -ENOTCONN)
		;
	check_eq(mig_where(stand), STOP);
	close(call);
	stand_free(stand);
}

TEST(memory_that_comes_last)
{
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);

	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), 0);
	check_eq(mig_go(stand, RUNNING), 0);
	/* Its ring waits for its memory, as it does when that goes. */
	check_eq(mig_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_map(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 0x8765);
	stand_free(stand);
}

TEST(back_end_that_does_not_start)
{
	struct stand *stand = mig_setup("rng", ALL);

	mig_run_source(stand);
	check_eq(mig_go(stand, STOP), 0);
	stand->stopped_at = 1;
	stand->refuse = VHOST_USER_SET_VRING_KICK;
	check_eq(mig_go(stand, RUNNING), -EREMOTEIO);
	check_eq(mig_where(stand), STOP);
	check_eq(mig_status(stand), 0xf);
	/* Nothing of it is lost. */
	stand->refuse = 0;
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	/* When it fails at the end, the ring is served already: no longer. */
	check_eq(mig_go(stand, STOP), 0);
	stand->stopped_at = 3;
	stand->refuse = VHOST_USER_SET_STATUS;
	check_eq(mig_go(stand, RUNNING), -EREMOTEIO);
	check_eq(mig_where(stand), STOP);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 3);
	stand->refuse = 0;
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 3);
	stand_free(stand);
}
