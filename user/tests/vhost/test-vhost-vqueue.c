// SPDX-License-Identifier: GPL-2.0
/* Virtqueues that vuser-vhost serves itself, and the control queue. */
#include <errno.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "../../devices/vhost/net.h"
#include "../../devices/vhost/vqueue.h"
#include "../harness.h"

#define SIZE	 8
#define DESC	 0x0000
#define DRIVER	 0x0400
#define DEVICE	 0x0800
#define TABLE	 0x0c00
#define DATA	 0x1000
#define MEM_SIZE 0x2000

static uint8_t mem[MEM_SIZE];
static struct virtio_queue queue;
static struct vqueue ring;
static struct vqueue_request req;

static int mem_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	(void)ctx;
	if (iova > MEM_SIZE || len > MEM_SIZE - iova)
		return -EFAULT;
	memcpy(buf, mem + iova, len);
	return 0;
}

/* The driver repeats each request that is returned. */
static bool endless;

static int mem_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	(void)ctx;
	if (iova > MEM_SIZE || len > MEM_SIZE - iova)
		return -EFAULT;
	memcpy(mem + iova, buf, len);
	if (endless && iova == DEVICE + 2)
		mem[DRIVER + 2]++;
	return 0;
}

static const struct vqueue_mem ways = { mem_read, mem_write, NULL };

static void setup(uint64_t features)
{
	memset(mem, 0, sizeof(mem));
	queue = (struct virtio_queue) {
		.size = SIZE,
		.enabled = true,
		.desc = DESC,
		.driver = DRIVER,
		.device = DEVICE,
	};
	vqueue_init(&ring, &ways, &queue, features);
}

static void put16(uint32_t at, uint16_t value)
{
	memcpy(mem + at, &value, 2);
}

static uint16_t get16(uint32_t at)
{
	uint16_t value;

	memcpy(&value, mem + at, 2);
	return value;
}

static uint32_t get32(uint32_t at)
{
	uint32_t value;

	memcpy(&value, mem + at, 4);
	return value;
}

/* Write a descriptor; @a and @b are its last two fields. */
static void put_desc(uint32_t at, uint64_t addr, uint32_t len, uint16_t a,
		     uint16_t b)
{
	memcpy(mem + at, &addr, 8);
	memcpy(mem + at + 8, &len, 4);
	put16(at + 12, a);
	put16(at + 14, b);
}

static void split_desc(uint16_t index, uint64_t addr, uint32_t len,
		       uint16_t flags, uint16_t next)
{
	put_desc(DESC + index * 16, addr, len, flags, next);
}

/* Make @head available as the @nth request. */
static void split_avail(uint16_t nth, uint16_t head)
{
	put16(DRIVER + 4 + 2 * (nth % SIZE), head);
	put16(DRIVER + 2, nth + 1);
}

TEST(split_requests_are_popped_and_pushed)
{
	uint16_t i;

	setup(0);
	check_eq(vqueue_pop(&ring, &req), -EAGAIN);
	/* Three times around the ring. */
	for (i = 0; i < 3 * SIZE; i++) {
		split_desc(3, DATA, 2, VRING_DESC_F_NEXT, 5);
		split_desc(5, DATA + 16, 4, VRING_DESC_F_NEXT, 1);
		split_desc(1, DATA + 32, 1, VRING_DESC_F_WRITE, 0);
		split_avail(i, 3);
		check_eq(vqueue_pop(&ring, &req), 0);
		check_eq(req.id, 3);
		check_eq(req.nr, 3);
		check_eq(req.pieces[0].iova, DATA);
		check_eq(req.pieces[1].len, 4);
		check(!req.pieces[1].write && req.pieces[2].write);
		check_eq(vqueue_pop(&ring, &req), -EAGAIN);
		check_eq(vqueue_push(&ring, &req, 1), 0);
		check_eq(get16(DEVICE + 2), i + 1);
		check_eq(get32(DEVICE + 4 + 8 * (i % SIZE)), 3);
		check_eq(get32(DEVICE + 8 + 8 * (i % SIZE)), 1);
	}
}

TEST(split_indirect_table_is_popped)
{
	setup(0);
	split_desc(2, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, DATA, 2, VRING_DESC_F_NEXT, 1);
	put_desc(TABLE + 16, DATA + 8, 1, VRING_DESC_F_WRITE, 0);
	split_avail(0, 2);
	check_eq(vqueue_pop(&ring, &req), 0);
	check_eq(req.nr, 2);
	check_eq(req.id, 2);
	check_eq(req.pieces[1].iova, DATA + 8);
}

/* Each request breaks one rule for drivers. */
TEST(invalid_split_requests_are_rejected)
{
	/* The index is ahead of the ring. */
	setup(0);
	put16(DRIVER + 2, SIZE + 1);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* The head and a field next are not indexes of descriptors. */
	setup(0);
	split_avail(0, SIZE);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	setup(0);
	split_desc(0, DATA, 1, VRING_DESC_F_NEXT, SIZE);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* A loop. */
	setup(0);
	split_desc(0, DATA, 1, VRING_DESC_F_NEXT, 1);
	split_desc(1, DATA, 1, VRING_DESC_F_NEXT, 0);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* A readable descriptor after a writable one. */
	setup(0);
	split_desc(0, DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	split_desc(1, DATA, 1, 0, 0);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* Outside of memory. */
	setup(0);
	queue.driver = MEM_SIZE;
	check_eq(vqueue_pop(&ring, &req), -EFAULT);
}

TEST(invalid_split_tables_are_rejected)
{
	static const uint32_t lens[] = { 0, 8, 33 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		setup(0);
		split_desc(0, TABLE, lens[i], VRING_DESC_F_INDIRECT, 0);
		split_avail(0, 0);
		check_eq(vqueue_pop(&ring, &req), -EPROTO);
	}
	/* A table in a table. */
	setup(0);
	split_desc(0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* A field next outside of the table, and a loop in the table. */
	setup(0);
	split_desc(0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, DATA, 1, VRING_DESC_F_NEXT, 2);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	setup(0);
	split_desc(0, TABLE, 32, VRING_DESC_F_INDIRECT, 0);
	put_desc(TABLE, DATA, 1, VRING_DESC_F_NEXT, 0);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
	/* More descriptors than the limit. */
	setup(0);
	split_desc(0, 0x1000, 0x1000, VRING_DESC_F_INDIRECT, 0);
	for (i = 0; i < 0x100; i++)
		put_desc(0x1000 + i * 16, DATA, 1, VRING_DESC_F_NEXT, i + 1);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
}

/* Return the flags of a packed descriptor. */
static uint16_t packed_flags(bool avail, bool used)
{
	return avail << VRING_PACKED_DESC_F_AVAIL |
	       used << VRING_PACKED_DESC_F_USED;
}

TEST(packed_requests_are_popped_and_pushed)
{
	const uint64_t features = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	bool wrap = true;
	uint16_t i, slot = 0, first;

	setup(features);
	check_eq(vqueue_pop(&ring, &req), -EAGAIN);
	/* Requests of three slots in a ring of eight: three times around. */
	for (i = 0; i < SIZE; i++) {
		bool flags[3];
		uint16_t slots[3], k;

		first = slot;
		for (k = 0; k < 3; k++) {
			slots[k] = slot;
			flags[k] = wrap;
			slot = (slot + 1) % SIZE;
			wrap = slot ? wrap : !wrap;
		}
		for (k = 0; k < 3; k++)
			put_desc(DESC + slots[k] * 16, DATA + 16 * k, k + 1,
				 40 + i,
				 packed_flags(flags[k], !flags[k]) |
					 (k < 2 ? VRING_DESC_F_NEXT :
						  VRING_DESC_F_WRITE));
		check_eq(vqueue_pop(&ring, &req), 0);
		check_eq(req.id, 40 + i);
		check_eq(req.slots, 3);
		check_eq(req.nr, 3);
		check(req.pieces[2].write);
		check_eq(req.pieces[2].len, 3);
		check_eq(vqueue_pop(&ring, &req), -EAGAIN);
		req.id = 40 + i;
		req.slots = 3;
		check_eq(vqueue_push(&ring, &req, 1), 0);
		check_eq(get32(DESC + first * 16 + 8), 1);
		check_eq(get16(DESC + first * 16 + 12), 40 + i);
		check_eq(get16(DESC + first * 16 + 14),
			 packed_flags(flags[0], flags[0]) | VRING_DESC_F_WRITE);
	}
}

TEST(packed_table_is_popped_and_an_endless_chain_rejected)
{
	setup(VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	put_desc(DESC, TABLE, 32, 7,
		 packed_flags(true, false) | VRING_DESC_F_INDIRECT);
	put_desc(TABLE, DATA, 2, 0, 0);
	put_desc(TABLE + 16, DATA + 8, 1, 0, VRING_DESC_F_WRITE);
	check_eq(vqueue_pop(&ring, &req), 0);
	check_eq(req.nr, 2);
	check_eq(req.id, 7);
	check_eq(req.slots, 1);
	/* A chain without an end. */
	setup(VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	for (int i = 0; i < SIZE; i++)
		put_desc(DESC + i * 16, DATA, 1, 7,
			 packed_flags(true, false) | VRING_DESC_F_NEXT);
	check_eq(vqueue_pop(&ring, &req), -EPROTO);
}

TEST(interrupts_follow_the_drivers_flags)
{
	setup(0);
	check_eq(vqueue_wants_irq(&ring), 1);
	put16(DRIVER, VRING_AVAIL_F_NO_INTERRUPT);
	check_eq(vqueue_wants_irq(&ring), 0);
	setup(VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX));
	put16(DRIVER, VRING_AVAIL_F_NO_INTERRUPT);
	check_eq(vqueue_wants_irq(&ring), 1);
	/* The driver is asked to kick at the next request. */
	split_desc(0, DATA, 1, 0, 0);
	split_avail(0, 0);
	check_eq(vqueue_pop(&ring, &req), 0);
	check_eq(get16(DEVICE + 4 + 8 * SIZE), 1);
	setup(VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	check_eq(vqueue_wants_irq(&ring), 1);
	put16(DRIVER + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
	check_eq(vqueue_wants_irq(&ring), 0);
}

TEST(data_is_gathered_and_scattered_within_the_room)
{
	char buf[8];
	size_t len;

	setup(0);
	memcpy(mem + DATA, "abcdef", 6);
	req = (struct vqueue_request) {
		.nr = 4,
		.pieces = { { DATA, 2, false },
			    { DATA + 2, 4, false },
			    { DATA + 16, 1, true },
			    { DATA + 32, 2, true } },
	};
	check_eq(vqueue_gather(&ring, &req, buf, sizeof(buf), &len), 0);
	check_eq(len, 6);
	check(!memcmp(buf, "abcdef", 6));
	/* At most the size of the buffer is copied. */
	memset(buf, 0, sizeof(buf));
	check_eq(vqueue_gather(&ring, &req, buf, 3, &len), 0);
	check_eq(len, 6);
	check(!memcmp(buf, "abc\0", 4));
	check_eq(vqueue_scatter(&ring, &req, "xyz", 3), 0);
	check(mem[DATA + 16] == 'x' && mem[DATA + 33] == 'z');
	check_eq(vqueue_scatter(&ring, &req, "wxyz", 4), -EPROTO);
}

/* The control queue. */

#define CTRL_FEATURES \
	(VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_MQ))

static struct vhost_net net;

static void setup_net(void)
{
	memset(&net, 0, sizeof(net));
	net.max_pairs = 4;
	net.link = true;
	memcpy(net.first_mac, "\x52\x54\0\1\2\3", 6);
	vhost_net_reset(&net);
}

static uint8_t command(const char *bytes, size_t len)
{
	return vhost_net_control(&net, CTRL_FEATURES, (const uint8_t *)bytes,
				 len, len);
}

TEST(control_commands_are_acknowledged_if_valid)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint8_t ack;
	} table[] = {
		{ "", 0, VIRTIO_NET_ERR },
		{ "\0", 1, VIRTIO_NET_ERR },
		/* Receive modes. */
		{ "\0\0\1", 3, VIRTIO_NET_OK },
		{ "\0\1\1", 3, VIRTIO_NET_OK },
		{ "\0\2\1", 3, VIRTIO_NET_ERR },
		{ "\0\0", 2, VIRTIO_NET_ERR },
		{ "\0\0\1\1", 4, VIRTIO_NET_ERR },
		/* MAC: a table, an address, neither. */
		{ "\1\0\0\0\0\0\0\0\0\0", 10, VIRTIO_NET_OK },
		{ "\1\0\0\0\0\0", 6, VIRTIO_NET_ERR },
		{ "\1\1\x52\x54\0\7\7\7", 8, VIRTIO_NET_OK },
		{ "\1\1\x52\x54\0\7\7", 7, VIRTIO_NET_ERR },
		{ "\1\2\0\0\0\0\0\0", 8, VIRTIO_NET_ERR },
		/* VLAN filters are not offered. */
		{ "\2\0\1\0", 4, VIRTIO_NET_ERR },
		{ "\3\0", 2, VIRTIO_NET_OK },
		{ "\3\1", 2, VIRTIO_NET_ERR },
		/* Pairs: 0 and 5 of 4 are invalid. */
		{ "\4\0\4\0", 4, VIRTIO_NET_OK },
		{ "\4\0\0\0", 4, VIRTIO_NET_ERR },
		{ "\4\0\5\0", 4, VIRTIO_NET_ERR },
		{ "\4\0\1", 3, VIRTIO_NET_ERR },
		{ "\4\1\1\0", 4, VIRTIO_NET_ERR },
		{ "\5\0\0\0", 4, VIRTIO_NET_ERR },
		{ "\xff\0\0\0", 4, VIRTIO_NET_ERR },
	};
	size_t i;

	setup_net();
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_eq(command(table[i].bytes, table[i].len), table[i].ack);
	check(net.promisc && net.allmulti);
	check_eq(net.pairs, 4);
	check(!memcmp(net.mac, "\x52\x54\0\7\7\7", 6));
	/* Without MQ the number of pairs is fixed. */
	check_eq(vhost_net_control(&net, 0, (const uint8_t *)"\4\0\1\0", 4, 4),
		 VIRTIO_NET_ERR);
	vhost_net_reset(&net);
	check_eq(net.pairs, 1);
	check(!memcmp(net.mac, net.first_mac, 6));
	check(!net.promisc && !net.allmulti);
}

TEST(control_command_in_the_queue_is_executed)
{
	bool more;

	setup_net();
	setup(0);
	memcpy(mem + DATA, "\4\0", 2);
	memcpy(mem + DATA + 8, "\2\0", 2);
	mem[DATA + 16] = 0x55;
	split_desc(0, DATA, 2, VRING_DESC_F_NEXT, 1);
	split_desc(1, DATA + 8, 2, VRING_DESC_F_NEXT, 2);
	split_desc(2, DATA + 16, 1, VRING_DESC_F_WRITE, 0);
	split_avail(0, 0);
	check_eq(vhost_net_serve(&net, &ring, CTRL_FEATURES, &more), 1);
	check_eq(mem[DATA + 16], VIRTIO_NET_OK);
	check_eq(net.pairs, 2);
	check_eq(get16(DEVICE + 2), 1);
	check_eq(vhost_net_serve(&net, &ring, CTRL_FEATURES, &more), 0);
	check(!more);
	/* A command without space for the reply breaks the queue. */
	split_desc(1, DATA + 8, 2, 0, 0);
	split_avail(1, 0);
	check_eq(vhost_net_serve(&net, &ring, CTRL_FEATURES, &more), -EPROTO);
}

TEST(endless_control_commands_are_executed_in_turns)
{
	bool more = false;

	setup_net();
	setup(0);
	memcpy(mem + DATA, "\3\0", 2);
	split_desc(0, DATA, 2, VRING_DESC_F_NEXT, 1);
	split_desc(1, DATA + 16, 1, VRING_DESC_F_WRITE, 0);
	split_avail(0, 0);
	endless = true;
	check_eq(vhost_net_serve(&net, &ring, CTRL_FEATURES, &more), 1);
	endless = false;
	check(more);
	check_eq(get16(DEVICE + 2), 64);
	/* The last one, and the end. */
	check_eq(vhost_net_serve(&net, &ring, CTRL_FEATURES, &more), 1);
	check(!more);
	check_eq(get16(DEVICE + 2), 65);
}

TEST(net_configuration_has_mac_status_pairs_and_mtu)
{
	uint8_t config[VHOST_NET_CONFIG_SIZE];

	setup_net();
	net.mtu = 1400;
	vhost_net_config(&net, config);
	check(!memcmp(config, "\x52\x54\0\1\2\3\1\0\4\0\x78\5", 12));
	net.link = false;
	net.announce = true;
	vhost_net_config(&net, config);
	check_eq(config[6], VIRTIO_NET_S_ANNOUNCE);
	check_eq(vhost_net_ctrl_queue(&net, CTRL_FEATURES), 8);
	check_eq(vhost_net_ctrl_queue(&net, 0), 2);
}

TEST(net_features_depend_on_the_options)
{
	const uint64_t ctrl = VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ);
	uint64_t features;

	setup_net();
	features = vhost_net_features(&net, UINT64_MAX);
	check(!(features & VIRTIO_BIT(VIRTIO_NET_F_RSS)));
	check(!(features & VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN)));
	check(!(features & VIRTIO_BIT(VIRTIO_NET_F_MTU)));
	check(features & VIRTIO_BIT(VIRTIO_NET_F_MQ));
	net.max_pairs = 1;
	net.mtu = 1400;
	features = vhost_net_features(&net, 0);
	check(features & VIRTIO_BIT(VIRTIO_NET_F_MTU));
	check(features & ctrl);
	check(!(features & VIRTIO_BIT(VIRTIO_NET_F_MQ)));
}

TEST(malformed_or_group_mac_addresses_are_rejected)
{
	static const char *const bad[] = {
		"",
		"52:54:00:12:34",
		"52:54:00:12:34:56:78",
		"52:54:00:12:34:gg",
		"01:00:5e:00:00:01",
		"00:00:00:00:00:00",
		"52-54-00-12-34-56",
	};
	uint8_t mac[6];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_eq(vhost_net_parse_mac(bad[i], mac), -EINVAL);
	check_eq(vhost_net_parse_mac("52:54:00:ab:CD:0f", mac), 0);
	check(!memcmp(mac, "\x52\x54\0\xab\xcd\x0f", 6));
	check_eq(vhost_net_random_mac(mac), 0);
	check_eq(mac[0] & 3, 2);
}
