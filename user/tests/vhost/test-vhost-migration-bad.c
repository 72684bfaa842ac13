// SPDX-License-Identifier: GPL-2.0
/* Migration that fails: invalid streams, lost back ends, changes during it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

/* Check that a reset makes the device usable again. */
static void check_recovers(struct stand *stand)
{
	check_eq(mig_go(stand, RUNNING), -EINVAL);
	check_eq(mig_where(stand), ERROR);
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(mig_where(stand), RUNNING);
	check_eq(stand_status(stand), 0);
	if (stand->fd < 0)
		stand_map(stand);
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
}

TEST(truncated_stream_fails_and_a_reset_recovers)
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

TEST(stream_that_ends_inside_the_requests_in_flight_fails)
{
	const uint64_t protocol = ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE);
	const ssize_t len = mig_get_stream("rng", protocol);
	struct stand *stand = mig_setup("rng", protocol);

	/* The piece has the memory, and an end mark follows. */
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len - 5, 4096), 0);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_recovers(stand);
	/* An end mark in the place of the piece. */
	memset(mig_stream + len - 8 - FAKE_INFLIGHT, 0, 4);
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len - 4 - FAKE_INFLIGHT, 65536), -EINVAL);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_recovers(stand);
	stand_free(stand);
}

static void refused(struct stand *stand, ssize_t len)
{
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), -EINVAL);
	/* After an error each write fails. */
	check_eq(mig_write(stand, 1, 1), -EINVAL);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_recovers(stand);
}

TEST(stream_of_another_device_or_with_errors_is_refused)
{
	struct stand *rng = mig_setup("rng", NO_STATE),
		     *blk = mig_setup("blk", ALL);
	ssize_t len = mig_get_stream("rng", NO_STATE);

	refused(blk, len);
	memcpy(mig_stream, "notvuser", 8);
	refused(rng, len);
	len = mig_get_stream("rng", NO_STATE);
	/* A bit of configuration space that drivers cannot write. */
	mig_stream[len - 4 - 4096] ^= 1;
	refused(rng, len);
	/* One byte too many. */
	len = mig_get_stream("rng", NO_STATE);
	refused(rng, len + 1);
	/* A back end's state that is not announced, or not supported. */
	len = mig_get_stream("rng", NO_STATE);
	memcpy(mig_stream + len - 4, "\1\0\0\0x\0\0\0\0", 9);
	refused(rng, len + 5);
	len = mig_get_stream("rng", ALL);
	refused(rng, len);
	stand_free(rng);
	stand_free(blk);
}

TEST(stream_with_features_that_are_not_offered_is_refused)
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

TEST(device_continues_after_the_back_end_fails_to_save)
{
	struct stand *stand = mig_setup("rng", ALL);

	mig_run_source(stand);
	stand->state_bad = true;
	check_eq(mig_go(stand, COPY), 0);
	check_eq(mig_read(stand, 65536), -EREMOTEIO);
	check_eq(mig_where(stand), COPY);
	/* Reading again does not complete the stream. */
	check_eq(mig_read(stand, 65536), -EIO);
	/* But the device can continue, and save again. */
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	stand->state_bad = false;
	check_eq(mig_go(stand, COPY), 0);
	check(mig_read(stand, 65536) > STATE_LEN);
	/* The back end refuses to start saving. */
	stand->refuse = VHOST_USER_SET_DEVICE_STATE_FD;
	check_eq(mig_go(stand, RUNNING), 0);
	stand->refuse_value = VHOST_USER_STATE_ERROR | VHOST_USER_STATE_NOFD;
	check_eq(mig_go(stand, COPY), -EREMOTEIO);
	check_eq(mig_where(stand), STOP);
	check_eq(mig_go(stand, RUNNING), 0);
	/* The client stops reading before the end. */
	stand->refuse = 0;
	check_eq(mig_go(stand, COPY), 0);
	check_eq(vuser_client_mig_read(stand->client, mig_stream, 40000),
		 40000);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand_status(stand), 0xf);
	stand_free(stand);
}

/* Check that the device has disconnected from its back end. */
static void check_disconnected(struct stand *stand)
{
	check_eq(vuser_client_reset(stand->client), 0);
	check_eq(mig_where(stand), RUNNING);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(stand_status(stand), 0x4f);
}

TEST(device_disconnects_from_a_back_end_that_refuses_its_state)
{
	struct stand *stand = mig_setup("rng", ALL & NO_INFLIGHT);
	ssize_t len = mig_get_stream("rng", ALL & NO_INFLIGHT);

	stand_map(stand);
	stand->state_bad = true;
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), -EREMOTEIO);
	check_eq(mig_go(stand, STOP), -EINVAL);
	check_eq(mig_where(stand), ERROR);
	/* The state of the back end is unknown. */
	check_disconnected(stand);
	stand->state_bad = false;
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(device_disconnects_from_a_back_end_with_half_a_state)
{
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);

	stand_map(stand);
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len - 1000, 65536), 0);
	check_disconnected(stand);
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(reset_cancels_a_migration)
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
	/* The client disconnects during the migration. */
	stand_free(stand);
}

/*
 * Replace the back end while the device is stopped; return the status after it
 * continues.
 */
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
	ret = stand_status(stand);
	if (ret == 0xf)
		check_eq(stand->base, 0x8765);
	else
		check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_free(stand);
	return ret;
}

TEST(stopped_device_continues_with_a_new_back_end_unless_it_has_state)
{
	check_eq(other_back_end("rng", NO_INFLIGHT), 0xf);
	check_eq(other_back_end("rng", ALL), 0xf);
	/* The state of this type is lost with the back end. */
	check_eq(other_back_end("vsock", NO_INFLIGHT), 0x4f);
}

/*
 * Replace the back end with one that lacks features; the device must refuse it.
 */
static void use_lesser_back_end(const char *type, uint64_t protocol)
{
	struct stand *stand = mig_setup(type, NO_INFLIGHT);

	stand_map(stand);
	stand_lose_backend(stand);
	stand->fake.protocol = protocol;
	stand_new_backend(stand);
	check_disconnected(stand);
	stand->fake.protocol = NO_INFLIGHT;
	stand_new_backend(stand);
	stand_start(stand, 0);
	stand_free(stand);
}

TEST(new_back_end_without_the_features_in_use_is_refused)
{
	use_lesser_back_end("vsock", NO_INFLIGHT & NO_STATE);
	use_lesser_back_end("rng",
			    NO_INFLIGHT & ~VHOST_USER_PROTOCOL(LOG_SHMFD));
}

TEST(loading_replaces_the_state_before_it)
{
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);
	uint32_t command;

	mig_run_source(stand);
	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(stand_status(stand), 0);
	check_eq(stand->status, 0);
	mig_cfg(stand, PCI_COMMAND, &command, false);
	check_eq(command & PCI_COMMAND_MASTER, 0);
	check_eq(mig_write(stand, len, 65536), 0);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand_status(stand), 0xf);
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
	/*
	 * The device reads the configuration before it handles the next
	 * command.
	 */
}

static struct stand *setup_disk(int config)
{
	struct stand *stand = mig_setup("blk", NO_STATE);

	stand_map(stand);
	if (config >= 0)
		stand_msix(stand, 0, config);
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	return stand;
}

TEST(config_change_while_stopped_is_reported_when_running)
{
	int config = stand_eventfd();
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

TEST(pending_interrupts_are_delivered_after_migration)
{
	struct stand *a = setup_disk(-1), *b = mig_setup("blk", NO_STATE);
	int config = stand_eventfd(), line = stand_eventfd();
	ssize_t len;

	change_config(a, 8);
	/* Wait until the device has handled the change. */
	while (stand_read(a, VHOST_BAR_DEVICE, 1) != 8)
		;
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	b->config[0] = 8;
	stand_msix(b, 0, config);
	stand_set_irq(b, VFIO_PCI_INTX_IRQ_INDEX, 0, line);
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

TEST(stop_fails_while_the_back_end_is_lost)
{
	struct stand *stand = mig_setup("rng", ALL);
	int call = stand_eventfd();

	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_start(stand, 0);
	stand_lose_backend(stand);
	/* Requests in flight have no back end. */
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

TEST(ring_waits_for_memory_mapped_after_loading)
{
	struct stand *stand = mig_setup("rng", ALL);
	ssize_t len = mig_get_stream("rng", ALL);

	check_eq(mig_go(stand, RESUMING), 0);
	check_eq(mig_write(stand, len, 65536), 0);
	check_eq(mig_go(stand, RUNNING), 0);
	/* The ring waits for its memory, as it does after an unmap. */
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_map(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 0x8765);
	stand_free(stand);
}

TEST(failed_start_leaves_the_device_stopped_and_can_be_retried)
{
	struct stand *stand = mig_setup("rng", ALL);

	mig_run_source(stand);
	check_eq(mig_go(stand, STOP), 0);
	stand->stopped_at = 1;
	stand->refuse = VHOST_USER_SET_VRING_KICK;
	check_eq(mig_go(stand, RUNNING), -EREMOTEIO);
	check_eq(mig_where(stand), VFIO_DEVICE_STATE_RUNNING_P2P);
	check_eq(stand_status(stand), 0xf);
	/* The state is not lost. */
	stand->refuse = 0;
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 0x8765);
	/*
	 * If the last step fails, the ring runs already and must be stopped
	 * again.
	 */
	check_eq(mig_go(stand, STOP), 0);
	stand->stopped_at = 3;
	stand->refuse = VHOST_USER_SET_STATUS;
	check_eq(mig_go(stand, RUNNING), -EREMOTEIO);
	check_eq(mig_where(stand), VFIO_DEVICE_STATE_RUNNING_P2P);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 3);
	stand->refuse = 0;
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 3);
	stand_free(stand);
}
