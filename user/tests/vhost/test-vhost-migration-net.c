// SPDX-License-Identifier: GPL-2.0
/*
 * Migration of a network device, whose control queue vuser-vhost serves itself.
 */
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

#define ANNOUNCE VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE)
#define CTRL_VQ	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)
#define CTRL_MAC VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR)

static void put(struct stand *stand, uint64_t iova, const void *data, size_t n)
{
	require(pwrite(stand->fd, data, n, STAND_SIZE + (iova - STAND_IOVA)) ==
		(ssize_t)n);
}

/* Put a command into descriptors from @head on, as entry @index of the ring. */
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
	stand_msix(stand, 3, call);
	stand_features(stand, features | VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, STAND_DESC);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, STAND_DRIVER);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, STAND_DEVICE);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(stand_status(stand), 0xf);
}

static struct stand *migrate_net(struct stand *a)
{
	struct stand *b = mig_setup("net", NO_STATE);
	char memory[STAND_SIZE];
	ssize_t len;

	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	stand_map(b);
	/* The client copies its memory. */
	require(pread(a->fd, memory, sizeof(memory), STAND_SIZE) == STAND_SIZE);
	require(pwrite(b->fd, memory, sizeof(memory), STAND_SIZE) ==
		STAND_SIZE);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), 0);
	check_eq(mig_go(b, RUNNING), 0);
	stand_free(a);
	return b;
}

TEST(control_queue_continues_after_migration_and_announces)
{
	struct stand *stand = mig_setup("net", NO_STATE);
	const char *macs[] = { "\2\1\1\1\1\1", "\2\2\2\2\2\2" };
	int call = stand_eventfd(), config = stand_eventfd();

	stand_map(stand);
	start_net(stand, CTRL_VQ | CTRL_MAC | ANNOUNCE, call);
	set_mac(stand, 0, macs[0]);
	check_eq(stand_event(call, SOON), 1);
	check(has_mac(stand, macs[0]));
	/* If the command ran again, the address would change. */
	put(stand, STAND_IOVA + 0x3010, macs[1], ETH_ALEN);
	stand = migrate_net(stand);
	check(has_mac(stand, macs[0]));
	check_eq(used_index(stand), 1);
	/* The driver is asked to announce itself. */
	stand_msix(stand, 0, config);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE + 6, 2),
		 VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 0);
	/* The ring continues at its position and repeats nothing. */
	stand_msix(stand, 3, call);
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

TEST(rarp_is_sent_for_drivers_that_cannot_announce)
{
	struct stand *stand = mig_setup("net", NO_STATE);
	int call = stand_eventfd();

	stand_map(stand);
	start_net(stand, CTRL_VQ | CTRL_MAC, call);
	stand = migrate_net(stand);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 1);
	/* It is sent only after a migration. */
	check_eq(mig_go(stand, STOP), 0);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SEND_RARP], 1);
	close(call);
	stand_free(stand);
}
