// SPDX-License-Identifier: GPL-2.0
/* Requests to a back end that replies correctly or reports failures. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_crypto.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vhost-user/postcopy.h>

#include "../harness.h"
#include "../wire.h"
#include "fake.h"

#define P(name)	     VHOST_USER_PROTOCOL(name)
#define PROTOCOL_BIT (1ULL << VHOST_USER_F_PROTOCOL_FEATURES)
#define PLATFORM_BIT (1ULL << VIRTIO_F_ACCESS_PLATFORM)
#define PACKED_BIT   (1ULL << VIRTIO_F_RING_PACKED)

static struct fake fake;
static struct vhost_backend *b;
static unsigned int lost;

static void count_lost(void *data, int why)
{
	(void)data;
	(void)why;
	lost++;
}

static const struct vhost_backend_ops ops = {
	.struct_size = sizeof(ops),
	.lost = count_lost,
};

/* Connect with all protocol features except @without. */
static int open_without(uint64_t without, uint64_t features)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
		.timeout_ms = 20000,
		.ops = &ops,
	};
	int fd = fake_init(&fake);

	fake.protocol = ~without;
	fake.features = features;
	fake_start(&fake);
	lost = 0;
	require(!vhost_backend_new(&opt, &b));
	return vhost_backend_connect_fd(b, fd);
}

static void open_all(void)
{
	require(!open_without(0, UINT64_MAX));
}

static void close_all(void)
{
	vhost_backend_free(b);
	fake_stop(&fake);
	/* Each message was valid. */
	check(!fake.rule);
}

/* Check the last request; call this after the back end has received it. */
static bool received(uint32_t request, uint32_t nr_fds)
{
	return fake.msg.hdr.request == request && fake.nr_fds == nr_fds;
}

TEST(connect_negotiates_features_and_channel)
{
	open_all();
	check(vhost_backend_connected(b));
	check(vhost_backend_fd(b) >= 0);
	check(vhost_backend_req_fd(b) >= 0);
	check_eq(vhost_backend_features(b), UINT64_MAX);
	check_eq(vhost_backend_offered(b), UINT64_MAX);
	/* Bits that the library does not know are not negotiated. */
	check_eq(vhost_backend_protocol(b),
		 0x7fffff & ~(P(XEN_MMAP) | P(GPA_ADDRESSES)));
	check(vhost_backend_has(b, P(MQ) | P(SHMEM)));
	check_eq(vhost_backend_queues(b), FAKE_QUEUES);
	check_eq(vhost_backend_mem_slots(b), FAKE_SLOTS);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 1);
	check_eq(fake.seen[VHOST_USER_GET_PROTOCOL_FEATURES], 1);
	check_eq(fake.seen[VHOST_USER_SET_PROTOCOL_FEATURES], 1);
	check_eq(fake.seen[VHOST_USER_SET_BACKEND_REQ_FD], 1);
	check_eq(fake.seen[VHOST_USER_SET_OWNER], 1);
	check_eq(fake.count, 7);
	check_eq(vhost_backend_process(b), 0);
	check(!strcmp(vhost_backend_error(b), ""));
	close_all();
	check_eq(lost, 0);
}

TEST(second_connect_fails_with_eisconn)
{
	int spare = eventfd(0, EFD_CLOEXEC);

	open_all();
	check_eq(vhost_backend_connect_fd(b, spare), -EISCONN);
	check_eq(vhost_backend_connect(b, "/nowhere"), -EISCONN);
	check(vhost_backend_connected(b));
	close_all();
}

TEST(failed_connect_leaves_the_backend_usable)
{
	require(!vhost_backend_new(NULL, &b));
	check_eq(vhost_backend_connect(b, "/nowhere/vhost.sock"), -ENOENT);
	check(strstr(vhost_backend_error(b), "/nowhere/vhost.sock"));
	check_eq(vhost_backend_fd(b), -1);
	check_eq(vhost_backend_req_fd(b), -1);
	check_eq(vhost_backend_process(b), -ENOTCONN);
	check_eq(vhost_backend_set_owner(b), -ENOTCONN);
	check_eq(vhost_backend_set_vring_enable(b, 0, true), -ENOTCONN);
	vhost_backend_disconnect(b);
	vhost_backend_free(b);
	vhost_backend_free(NULL);
}

TEST(connect_sets_wanted_and_required_features_only)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = P(MQ) | P(STATUS),
		.required = P(CONFIG),
	};
	int fd = fake_init(&fake);

	fake.protocol = P(MQ) | P(CONFIG) | P(RARP);
	fake_start(&fake);
	require(!vhost_backend_new(&opt, &b));
	check_eq(vhost_backend_connect_fd(b, fd), 0);
	check_eq(vhost_backend_protocol(b), P(MQ) | P(CONFIG));
	check_eq(vhost_backend_offered(b), P(MQ) | P(CONFIG) | P(RARP));
	check_eq(vhost_backend_mem_slots(b), VHOST_USER_MAX_REGIONS);
	check_eq(vhost_backend_req_fd(b), -1);
	close_all();
}

TEST(connect_fails_without_a_required_feature)
{
	struct vhost_backend_options opt = { .struct_size = sizeof(opt),
					     .required = P(CONFIG) |
							 P(INFLIGHT_SHMFD),
					     .ops = &ops };
	int fd = fake_init(&fake);

	fake.protocol = P(CONFIG);
	fake_start(&fake);
	lost = 0;
	require(!vhost_backend_new(&opt, &b));
	check_eq(vhost_backend_connect_fd(b, fd), -EOPNOTSUPP);
	check(strstr(vhost_backend_error(b), " INFLIGHT_SHMFD"));
	check(!strstr(vhost_backend_error(b), "CONFIG"));
	check(!vhost_backend_connected(b));
	close_all();
	check_eq(lost, 0);
}

/* The oldest back ends have no protocol features and acknowledge nothing. */
TEST(requests_without_protocol_features_fail_or_are_not_acknowledged)
{
	uint64_t value;

	require(!open_without(0, ~PROTOCOL_BIT));
	check_eq(fake.seen[VHOST_USER_GET_PROTOCOL_FEATURES], 0);
	check_eq(vhost_backend_protocol(b), 0);
	check_eq(vhost_backend_queues(b), 0);
	check_eq(vhost_backend_get_protocol_features(b, &value), -EOPNOTSUPP);
	check_eq(vhost_backend_set_protocol_features(b, 0), -EOPNOTSUPP);
	check_eq(vhost_backend_set_vring_enable(b, 0, true), -EOPNOTSUPP);
	check_eq(vhost_backend_set_features(b, 1), 0);
	check_eq(fake.seen[VHOST_USER_SET_FEATURES], 1);
	check_eq(fake.seen[VHOST_USER_SET_VRING_ENABLE], 0);
	close_all();
}

static struct vhost_region regions[VHOST_USER_MAX_REGIONS + 1];

static void make_regions(void);
static void close_regions(void);

/*
 * Without acknowledgements, the answer to GET_FEATURES shows that the back end has
 * handled a request whose effect the caller relies on.
 */
TEST(requests_without_reply_ack_are_followed_by_get_features)
{
	struct vhost_vring_addr addr = { .desc_user_addr = 0x1000,
					 .avail_user_addr = 0x2000,
					 .used_user_addr = 0x3000 };

	make_regions();
	require(!open_without(P(REPLY_ACK), UINT64_MAX));
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 1);
	check_eq(vhost_backend_set_features(b, 1), 0);
	check(received(VHOST_USER_GET_FEATURES, 0));
	check_eq(fake.seen[VHOST_USER_SET_FEATURES], 1);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 2);
	check_eq(vhost_backend_set_mem_table(b, regions, 2), 0);
	check_eq(fake.seen[VHOST_USER_SET_MEM_TABLE], 1);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 3);
	check_eq(vhost_backend_add_mem_reg(b, regions), 0);
	check_eq(fake.seen[VHOST_USER_ADD_MEM_REG], 1);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 4);
	check_eq(vhost_backend_rem_mem_reg(b, &regions[0].region), 0);
	check_eq(fake.seen[VHOST_USER_REM_MEM_REG], 1);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 5);
	/* A ring needs this only while its writes are logged. */
	check_eq(vhost_backend_set_vring_addr(b, &addr), 0);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 5);
	addr.flags = 1 << VHOST_VRING_F_LOG;
	check_eq(vhost_backend_set_vring_addr(b, &addr), 0);
	check_eq(fake.seen[VHOST_USER_SET_VRING_ADDR], 2);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 6);
	close_all();
	/* With acknowledgements, no other request is needed. */
	open_all();
	check_eq(vhost_backend_set_features(b, 1), 0);
	check_eq(vhost_backend_set_mem_table(b, regions, 2), 0);
	check_eq(vhost_backend_set_vring_addr(b, &addr), 0);
	check_eq(fake.seen[VHOST_USER_GET_FEATURES], 1);
	close_all();
	close_regions();
}

TEST(feature_and_owner_requests_are_sent)
{
	uint64_t value = 0;

	open_all();
	check_eq(vhost_backend_get_features(b, &value), 0);
	check_eq(value, UINT64_MAX);
	/* Without this bit, rings are enabled at once. */
	check_eq(vhost_backend_set_features(b, 5), 0);
	check(received(VHOST_USER_SET_FEATURES, 0));
	check_eq(fake.msg.payload.u64, 5 | PROTOCOL_BIT);
	check(fake.msg.hdr.flags & VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_get_protocol_features(b, &value), 0);
	check(!(fake.msg.hdr.flags & VHOST_USER_NEED_REPLY));
	check_eq(vhost_backend_set_owner(b), 0);
	check(received(VHOST_USER_SET_OWNER, 0));
	check_eq(vhost_backend_reset_owner(b), 0);
	check(received(VHOST_USER_RESET_OWNER, 0));
	check_eq(vhost_backend_reset_device(b), 0);
	check(received(VHOST_USER_RESET_DEVICE, 0));
	check_eq(vhost_backend_get_queue_num(b, &value), 0);
	check_eq(value, FAKE_QUEUES);
	close_all();
}

static void make_regions(void)
{
	int i;

	for (i = 0; i <= VHOST_USER_MAX_REGIONS; i++) {
		regions[i].region.guest_addr = 0x100000 * i;
		regions[i].region.user_addr = 0x40000000 + 0x100000 * i;
		regions[i].region.mmap_offset = 0x1000 * i;
		regions[i].region.size = 0x10000;
		regions[i].fd = memfd_create("memory", MFD_CLOEXEC);
	}
}

static void close_regions(void)
{
	int i;

	for (i = 0; i <= VHOST_USER_MAX_REGIONS; i++)
		close(regions[i].fd);
}

TEST(mem_table_is_sent_with_its_fds)
{
	uint32_t nr, i;

	open_all();
	make_regions();
	for (nr = 0; nr <= VHOST_USER_MAX_REGIONS; nr++) {
		check_eq(vhost_backend_set_mem_table(b, regions, nr), 0);
		check(received(VHOST_USER_SET_MEM_TABLE, nr));
		check_eq(fake.msg.payload.memory.nr, nr);
		for (i = 0; i < nr; i++) {
			check(!memcmp(&fake.msg.payload.memory.regions[i],
				      &regions[i].region,
				      sizeof(regions[i].region)));
			check(same_file(fake.fds[i], regions[i].fd));
		}
	}
	nr = fake.count;
	check_eq(vhost_backend_set_mem_table(b, regions, 9), -EINVAL);
	regions[1].region.size = 0;
	check_eq(vhost_backend_set_mem_table(b, regions, 2), -EINVAL);
	check(strstr(vhost_backend_error(b), "a region is empty"));
	check_eq(fake.count, nr);
	close_regions();
	close_all();
}

TEST(memory_regions_are_added_and_removed)
{
	uint64_t slots = 0;

	open_all();
	make_regions();
	check_eq(vhost_backend_get_max_mem_slots(b, &slots), 0);
	check_eq(slots, FAKE_SLOTS);
	check_eq(vhost_backend_add_mem_reg(b, &regions[3]), 0);
	check(received(VHOST_USER_ADD_MEM_REG, 1));
	check(!memcmp(&fake.msg.payload.mem_reg.region, &regions[3].region,
		      sizeof(regions[3].region)));
	check(same_file(fake.fds[0], regions[3].fd));
	check_eq(vhost_backend_rem_mem_reg(b, &regions[3].region), 0);
	check(received(VHOST_USER_REM_MEM_REG, 0));
	check(!memcmp(&fake.msg.payload.mem_reg.region, &regions[3].region,
		      sizeof(regions[3].region)));
	regions[3].region.guest_addr = UINT64_MAX;
	check_eq(vhost_backend_add_mem_reg(b, &regions[3]), -EINVAL);
	check_eq(vhost_backend_rem_mem_reg(b, &regions[3].region), -EINVAL);
	close_regions();
	close_all();
}

static unsigned int empty_tables;

/* Count empty tables, which acknowledge the bases and get no reply. */
static enum fake_action count_empty(struct fake *f)
{
	if (f->msg.hdr.request == VHOST_USER_SET_MEM_TABLE && !f->nr_fds &&
	    !(f->msg.hdr.flags & VHOST_USER_NEED_REPLY))
		empty_tables++;
	return FAKE_DEFAULT;
}

TEST(postcopy_requests_return_the_bases)
{
	uint64_t bases[2] = { 0 };
	int fd = -1;

	open_all();
	make_regions();
	check_eq(vhost_backend_postcopy_advise(b, &fd), 0);
	check(fd >= 0);
	close(fd);
	check_eq(vhost_backend_postcopy_listen(b), 0);
	check(received(VHOST_USER_POSTCOPY_LISTEN, 0));
	check_eq(vhost_backend_set_mem_table_postcopy(b, regions, 2, bases), 0);
	check(received(VHOST_USER_SET_MEM_TABLE, 2));
	check(!(fake.msg.hdr.flags & VHOST_USER_NEED_REPLY));
	check_eq(bases[0], regions[0].region.user_addr + FAKE_BASE);
	check_eq(bases[1], regions[1].region.user_addr + FAKE_BASE);
	empty_tables = 0;
	fake.hook = count_empty;
	check_eq(vhost_backend_ack_mem_table(b), 0);
	check_eq(vhost_backend_add_mem_reg_postcopy(b, &regions[2], bases), 0);
	check_eq(empty_tables, 1);
	check_eq(fake.seen[VHOST_USER_SET_MEM_TABLE], 2);
	check_eq(bases[0], regions[2].region.user_addr + FAKE_BASE);
	check_eq(vhost_backend_postcopy_end(b), 0);
	check(received(VHOST_USER_POSTCOPY_END, 0));
	close_regions();
	close_all();
}

static int not_missing(void *data, uint32_t region, uint64_t offset,
		       uint64_t size)
{
	(void)data;
	(void)region;
	(void)offset;
	(void)size;
	return 0;
}

TEST(postcopy_with_a_file_that_is_not_a_userfaultfd_is_refused)
{
	struct vhost_postcopy_ops faults = { .struct_size = sizeof(faults) };
	struct vhost_postcopy *p = NULL;
	int before;

	open_all();
	check_eq(vhost_postcopy_new(b, &faults, NULL, &p), -EINVAL);
	faults.missing = not_missing;
	before = wire_count_fds();
	check_eq(vhost_postcopy_new(b, &faults, NULL, &p), -EPROTO);
	check(strstr(vhost_backend_error(b), "not sent a userfaultfd"));
	check(!p);
	check(wire_await_fds(before));
	check(vhost_backend_connected(b));
	close_all();
}

TEST(dirty_log_requests_are_sent)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	open_all();
	check_eq(vhost_backend_set_log_base(b, 4096, 64, fd), 0);
	check(received(VHOST_USER_SET_LOG_BASE, 1));
	check_eq(fake.msg.payload.log.size, 4096);
	check_eq(fake.msg.payload.log.offset, 64);
	check_eq(vhost_backend_set_log_base(b, 0, 0, fd), -EINVAL);
	check_eq(vhost_backend_set_log_fd(b, fd), 0);
	check(received(VHOST_USER_SET_LOG_FD, 1));
	close(fd);
	close_all();
}

TEST(vring_requests_are_sent)
{
	struct vhost_vring_addr addr = { .index = 3,
					 .desc_user_addr = 0x1000,
					 .avail_user_addr = 0x2002,
					 .used_user_addr = 0x3004 };
	uint32_t base = 1;

	open_all();
	check_eq(vhost_backend_set_vring_num(b, 3, 256), 0);
	check(received(VHOST_USER_SET_VRING_NUM, 0));
	check_eq(fake.msg.payload.state.index, 3);
	check_eq(fake.msg.payload.state.num, 256);
	check_eq(vhost_backend_set_vring_num(b, 3, 0), -EINVAL);
	check_eq(vhost_backend_set_vring_addr(b, &addr), 0);
	check(!memcmp(&fake.msg.payload.addr, &addr, sizeof(addr)));
	addr.desc_user_addr += 8;
	check_eq(vhost_backend_set_vring_addr(b, &addr), -EINVAL);
	check_eq(vhost_backend_set_vring_enable(b, 3, true), 0);
	check(received(VHOST_USER_SET_VRING_ENABLE, 0));
	check_eq(fake.msg.payload.state.num, 1);
	check_eq(vhost_backend_set_vring_endian(b, 3, true), 0);
	check(received(VHOST_USER_SET_VRING_ENDIAN, 0));
	check_eq(vhost_backend_vring_kick(b, 3), 0);
	check(received(VHOST_USER_VRING_KICK, 0));
	check_eq(fake.msg.payload.state.index, 3);
	check_eq(vhost_backend_vring_kick(b, 256), -EINVAL);
	check_eq(vhost_backend_get_vring_base(b, 3, &base), 0);
	check(received(VHOST_USER_GET_VRING_BASE, 0));
	check_eq(base, 0);
	close_all();
}

static enum fake_action answer_base(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_VRING_BASE)
		return FAKE_DEFAULT;
	f->reply.payload.state.index = f->msg.payload.state.index;
	f->reply.payload.state.num = *(const uint32_t *)f->data;
	return FAKE_SEND;
}

TEST(vring_base_has_16_bits_in_a_split_ring)
{
	uint32_t wrapped = vhost_packed_base(0x7ffe, true, 2, true), base = 0;

	check_eq(wrapped, 0x8002fffe);
	check_eq(vhost_packed_base(0xffff, false, 0xffff, false), 0x7fff7fff);
	open_all();
	fake.data = &wrapped;
	fake.hook = answer_base;
	check_eq(vhost_backend_set_features(b, PACKED_BIT), 0);
	check_eq(vhost_backend_set_vring_base(b, 1, wrapped), 0);
	check_eq(fake.msg.payload.state.num, wrapped);
	check_eq(vhost_backend_get_vring_base(b, 1, &base), 0);
	check_eq(base, wrapped);
	/* The base of a split ring has 16 bits. */
	check_eq(vhost_backend_set_features(b, 0), 0);
	check_eq(vhost_backend_set_vring_base(b, 1, 0x10000), -EINVAL);
	check_eq(vhost_backend_set_vring_base(b, 1, 0xffff), 0);
	check_eq(vhost_backend_get_vring_base(b, 1, &base), -EPROTO);
	check(strstr(vhost_backend_error(b), "more than 16 bits"));
	check_eq(lost, 1);
	close_all();
}

TEST(vring_eventfds_are_sent_or_removed)
{
	static int (*const set[])(struct vhost_backend *, uint32_t, int) = {
		vhost_backend_set_vring_kick,
		vhost_backend_set_vring_call,
		vhost_backend_set_vring_err,
	};
	int fd = eventfd(0, EFD_CLOEXEC), i;

	open_all();
	for (i = 0; i < 3; i++) {
		check_eq(set[i](b, 255, fd), 0);
		check(received(VHOST_USER_SET_VRING_KICK + i, 1));
		check_eq(fake.msg.payload.u64, 255);
		check(same_file(fake.fds[0], fd));
		check_eq(set[i](b, 2, -1), 0);
		check(received(VHOST_USER_SET_VRING_KICK + i, 0));
		check_eq(fake.msg.payload.u64, 0x102);
		check_eq(set[i](b, 256, fd), -EINVAL);
	}
	close(fd);
	close_all();
}

TEST(net_requests_are_sent)
{
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };

	open_all();
	check_eq(vhost_backend_send_rarp(b, mac), 0);
	check(received(VHOST_USER_SEND_RARP, 0));
	check(!memcmp(&fake.msg.payload, "\2\3\4\5\6\7\0", 8));
	check_eq(vhost_backend_net_set_mtu(b, 9000), 0);
	check(received(VHOST_USER_NET_SET_MTU, 0));
	check_eq(fake.msg.payload.u64, 9000);
	check_eq(vhost_backend_net_set_mtu(b, 67), -EINVAL);
	close_all();
}

static enum fake_action fail_config(struct fake *f)
{
	return f->msg.hdr.request == VHOST_USER_GET_CONFIG ? FAKE_SEND :
							     FAKE_DEFAULT;
}

TEST(config_requests_are_sent_and_may_fail)
{
	uint8_t buf[VHOST_USER_MAX_CONFIG + 1], zero[60] = { 0 };

	open_all();
	memset(buf, 1, sizeof(buf));
	check_eq(vhost_backend_get_config(b, 0, buf, 60), 0);
	check(received(VHOST_USER_GET_CONFIG, 0));
	check(!memcmp(buf, zero, 60));
	check_eq(buf[60], 1);
	check_eq(vhost_backend_get_config(b, 0, buf, 0), -EINVAL);
	check_eq(vhost_backend_get_config(b, 1, buf, 4096), -EINVAL);
	check_eq(vhost_backend_get_config(b, 0, buf, 4096), 0);
	check_eq(vhost_backend_set_config(b, 32, "hello", 5,
					  VHOST_USER_CONFIG_DRIVER),
		 0);
	check(received(VHOST_USER_SET_CONFIG, 0));
	check_eq(fake.msg.payload.config.offset, 32);
	check_eq(fake.msg.payload.config.size, 5);
	check(!memcmp(fake.msg.payload.config.data, "hello", 6));
	check_eq(vhost_backend_set_config(b, 0, buf, 4097, 0), -EINVAL);
	check_eq(vhost_backend_set_config(b, 0, buf, 1, 2), -EINVAL);
	/* A failure does not end the connection. */
	fake.hook = fail_config;
	check_eq(vhost_backend_get_config(b, 0, buf, 256), -EREMOTEIO);
	check(vhost_backend_connected(b));
	close_all();
}

static enum fake_action answer_session(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_CREATE_CRYPTO_SESSION)
		return FAKE_DEFAULT;
	f->reply.payload = f->msg.payload;
	f->reply.payload.crypto.session_id = *(const int64_t *)f->data;
	return FAKE_SEND;
}

TEST(crypto_session_is_created_without_pointers)
{
	struct vhost_user_crypto_session session = {
		.op_code = VIRTIO_CRYPTO_CIPHER_CREATE_SESSION,
		.sym.cipher_key_len = 16,
		.sym.pointers = { 0x1234, 0x5678 },
	};
	struct vhost_user_crypto_session rsa = {
		.op_code = VIRTIO_CRYPTO_AKCIPHER_CREATE_SESSION,
		.asym.pointer = 0x1234,
	};
	int64_t id = 42;

	open_all();
	fake.data = &id;
	fake.hook = answer_session;
	check_eq(vhost_backend_create_crypto_session(b, &session), 0);
	check_eq(session.session_id, 42);
	check_eq(fake.msg.payload.crypto.sym.cipher_key_len, 16);
	check_eq(fake.msg.payload.crypto.sym.pointers[0], 0);
	check_eq(fake.msg.payload.crypto.sym.pointers[1], 0);
	check_eq(vhost_backend_create_crypto_session(b, &rsa), 0);
	check_eq(fake.msg.payload.crypto.asym.pointer, 0);
	id = -1;
	check_eq(vhost_backend_create_crypto_session(b, &session), -EREMOTEIO);
	check_eq(vhost_backend_close_crypto_session(b, 42), 0);
	check(received(VHOST_USER_CLOSE_CRYPTO_SESSION, 0));
	check_eq(fake.msg.payload.u64, 42);
	close_all();
}

static enum fake_action no_inflight(struct fake *f)
{
	return f->msg.hdr.request == VHOST_USER_GET_INFLIGHT_FD ? FAKE_SEND :
								  FAKE_DEFAULT;
}

TEST(inflight_memory_is_received_and_sent_back)
{
	struct vhost_user_inflight inflight = { .num_queues = 2,
						.queue_size = 128 };
	int fd = -1;

	open_all();
	check_eq(vhost_backend_get_inflight_fd(b, &inflight, &fd), 0);
	check(fd >= 0);
	check_eq(inflight.mmap_size, FAKE_INFLIGHT);
	check_eq(inflight.num_queues, 2);
	check_eq(vhost_backend_set_inflight_fd(b, &inflight, fd), 0);
	check(received(VHOST_USER_SET_INFLIGHT_FD, 1));
	check(!memcmp(&fake.msg.payload.inflight, &inflight, sizeof(inflight)));
	check(same_file(fake.fds[0], fd));
	close(fd);
	fake.hook = no_inflight;
	check_eq(vhost_backend_get_inflight_fd(b, &inflight, &fd), -ENODATA);
	inflight.num_queues = 0;
	check_eq(vhost_backend_get_inflight_fd(b, &inflight, &fd), -EINVAL);
	close_all();
}

TEST(iotlb_messages_need_access_platform)
{
	struct vhost_iotlb_msg msg = { .iova = 0x1000,
				       .size = 0x1000,
				       .uaddr = 0x7000,
				       .perm = VHOST_ACCESS_RW,
				       .type = VHOST_IOTLB_UPDATE };

	open_all();
	check_eq(vhost_backend_iotlb_msg(b, &msg), -EOPNOTSUPP);
	check_eq(vhost_backend_set_features(b, PLATFORM_BIT), 0);
	check_eq(vhost_backend_iotlb_msg(b, &msg), 0);
	check(received(VHOST_USER_IOTLB_MSG, 0));
	check_eq(fake.msg.payload.iotlb.uaddr, 0x7000);
	check_eq(fake.msg.payload.iotlb.perm, VHOST_ACCESS_RW);
	msg.type = VHOST_IOTLB_MISS;
	check_eq(vhost_backend_iotlb_msg(b, &msg), -EINVAL);
	close_all();
}

static enum fake_action answer_status(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	f->reply.payload.u64 = 0x4f;
	return FAKE_SEND;
}

TEST(status_and_gpu_requests_are_sent)
{
	uint8_t status = 0;
	int fd = eventfd(0, EFD_CLOEXEC);

	open_all();
	fake.hook = answer_status;
	check_eq(vhost_backend_set_status(b, 0x80), 0);
	check(received(VHOST_USER_SET_STATUS, 0));
	check_eq(fake.msg.payload.u64, 0x80);
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, 0x4f);
	check_eq(vhost_backend_gpu_set_socket(b, fd), 0);
	check(received(VHOST_USER_GPU_SET_SOCKET, 1));
	check(same_file(fake.fds[0], fd));
	close(fd);
	close_all();
}

static enum fake_action answer_object(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_SHARED_OBJECT)
		return FAKE_DEFAULT;
	f->reply.payload = f->msg.payload;
	f->reply_fd = dup(*(const int *)f->data);
	return FAKE_SEND;
}

TEST(shared_object_is_received_with_its_fd)
{
	struct vhost_user_shared object = { .uuid = "0123456789abcde" };
	int memory = memfd_create("object", MFD_CLOEXEC), fd = -1;

	open_all();
	check_eq(vhost_backend_get_shared_object(b, &object, &fd), -ENODATA);
	fake.data = &memory;
	fake.hook = answer_object;
	check_eq(vhost_backend_get_shared_object(b, &object, &fd), 0);
	check(!memcmp(&fake.msg.payload.shared, &object, sizeof(object)));
	check(same_file(fd, memory));
	close(fd);
	close(memory);
	close_all();
}

/* @data: the reply to SET_DEVICE_STATE_FD, with an fd unless it says NOFD. */
static enum fake_action answer_state(struct fake *f)
{
	uint64_t value = *(const uint64_t *)f->data;

	if (f->msg.hdr.request != VHOST_USER_SET_DEVICE_STATE_FD &&
	    f->msg.hdr.request != VHOST_USER_CHECK_DEVICE_STATE)
		return FAKE_DEFAULT;
	f->reply.payload.u64 = value;
	if (!(value & VHOST_USER_STATE_NOFD) && f->nr_fds)
		f->reply_fd = dup(f->fds[0]);
	return FAKE_SEND;
}

TEST(device_state_requests_are_sent)
{
	uint64_t value = VHOST_USER_STATE_NOFD;
	int fd = eventfd(0, EFD_CLOEXEC), reply = 0;

	open_all();
	fake.data = &value;
	fake.hook = answer_state;
	check_eq(vhost_backend_set_device_state_fd(b, VHOST_USER_STATE_LOAD, 0,
						   fd, &reply),
		 0);
	check(received(VHOST_USER_SET_DEVICE_STATE_FD, 1));
	check_eq(fake.msg.payload.device_state.direction,
		 VHOST_USER_STATE_LOAD);
	check_eq(reply, -1);
	value = 0;
	check_eq(vhost_backend_set_device_state_fd(b, VHOST_USER_STATE_SAVE, 0,
						   fd, &reply),
		 0);
	check(same_file(reply, fd));
	close(reply);
	value = VHOST_USER_STATE_NOFD | 1;
	check_eq(vhost_backend_set_device_state_fd(b, VHOST_USER_STATE_SAVE, 0,
						   fd, &reply),
		 -EREMOTEIO);
	check_eq(vhost_backend_set_device_state_fd(b, 2, 0, fd, &reply),
		 -EINVAL);
	check_eq(vhost_backend_check_device_state(b), -EREMOTEIO);
	value = 0;
	check_eq(vhost_backend_check_device_state(b), 0);
	close(fd);
	close_all();
}

static enum fake_action answer_shmem(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_SHMEM_CONFIG)
		return FAKE_DEFAULT;
	f->reply.payload.shmem.nr = 2;
	f->reply.payload.shmem.sizes[1] = 0x10000;
	f->reply.payload.shmem.sizes[255] = 0x1000;
	return FAKE_SEND;
}

TEST(shmem_config_is_received)
{
	struct vhost_user_shmem_config config = { .nr = 0 };

	open_all();
	fake.hook = answer_shmem;
	check_eq(vhost_backend_get_shmem_config(b, &config), 0);
	check_eq(config.nr, 2);
	check_eq(config.sizes[1], 0x10000);
	check_eq(config.sizes[255], 0x1000);
	close_all();
}

/* The back end has no protocol feature; requests that need one are not sent. */
TEST(requests_without_their_protocol_feature_are_refused)
{
	struct vhost_user_inflight inflight = { .num_queues = 1,
						.queue_size = 1,
						.mmap_size = 1 };
	struct vhost_user_crypto_session session = { .op_code = 2 };
	struct vhost_iotlb_msg iotlb = { .size = 1,
					 .type = VHOST_IOTLB_UPDATE };
	struct vhost_user_shmem_config shmem;
	struct vhost_user_shared object = { { 0 } };
	unsigned int count;
	uint64_t value;
	uint8_t mac[6] = { 0 };
	int fd = 0;

	require(!open_without(UINT64_MAX, UINT64_MAX));
	check_eq(vhost_backend_set_features(b, PLATFORM_BIT), 0);
	check_eq(vhost_backend_get_features(b, &value), 0);
	count = fake.count;
	make_regions();
#define refused(call) check_eq(call, -EOPNOTSUPP)
	refused(vhost_backend_reset_device(b));
	refused(vhost_backend_get_max_mem_slots(b, &value));
	refused(vhost_backend_add_mem_reg(b, regions));
	refused(vhost_backend_add_mem_reg_postcopy(b, regions, &value));
	refused(vhost_backend_rem_mem_reg(b, &regions[0].region));
	refused(vhost_backend_set_mem_table_postcopy(b, regions, 1, &value));
	refused(vhost_backend_ack_mem_table(b));
	refused(vhost_backend_set_log_base(b, 1, 0, 0));
	refused(vhost_backend_set_vring_endian(b, 0, true));
	refused(vhost_backend_vring_kick(b, 0));
	refused(vhost_backend_get_queue_num(b, &value));
	refused(vhost_backend_send_rarp(b, mac));
	refused(vhost_backend_net_set_mtu(b, 1500));
	refused(vhost_backend_set_backend_req_fd(b));
	refused(vhost_backend_iotlb_msg(b, &iotlb));
	refused(vhost_backend_get_config(b, 0, mac, 6));
	refused(vhost_backend_set_config(b, 0, mac, 6, 0));
	refused(vhost_backend_create_crypto_session(b, &session));
	refused(vhost_backend_close_crypto_session(b, 1));
	refused(vhost_backend_postcopy_advise(b, &fd));
	refused(vhost_backend_postcopy_listen(b));
	refused(vhost_backend_postcopy_end(b));
	refused(vhost_backend_get_inflight_fd(b, &inflight, &fd));
	refused(vhost_backend_set_inflight_fd(b, &inflight, 0));
	refused(vhost_backend_set_status(b, 0));
	refused(vhost_backend_get_status(b, mac));
	refused(vhost_backend_get_shared_object(b, &object, &fd));
	refused(vhost_backend_set_device_state_fd(b, 0, 0, 0, &fd));
	refused(vhost_backend_check_device_state(b));
	refused(vhost_backend_get_shmem_config(b, &shmem));
#undef refused
	check(strstr(vhost_backend_error(b), "GET_SHMEM_CONFIG needs SHMEM"));
	check_eq(vhost_backend_get_features(b, &value), 0);
	check_eq(fake.count, count + 1);
	close_regions();
	close_all();
}

static enum fake_action fail_all(struct fake *f)
{
	f->reply.payload.u64 = 1;
	return FAKE_SEND;
}

/* A refused request changes nothing else. */
TEST(refused_request_fails_with_eremoteio)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	open_all();
	make_regions();
	fake.hook = fail_all;
	check_eq(vhost_backend_set_features(b, 0), -EREMOTEIO);
	check_eq(vhost_backend_set_owner(b), -EREMOTEIO);
	check_eq(vhost_backend_set_mem_table(b, regions, 1), -EREMOTEIO);
	check(strstr(vhost_backend_error(b),
		     "the back end failed SET_MEM_TABLE"));
	check_eq(vhost_backend_add_mem_reg(b, regions), -EREMOTEIO);
	check_eq(vhost_backend_set_vring_num(b, 0, 1), -EREMOTEIO);
	check_eq(vhost_backend_set_vring_kick(b, 0, fd), -EREMOTEIO);
	check_eq(vhost_backend_set_backend_req_fd(b), -EREMOTEIO);
	check_eq(vhost_backend_postcopy_listen(b), -EREMOTEIO);
	check_eq(vhost_backend_postcopy_end(b), -EREMOTEIO);
	check(vhost_backend_connected(b));
	check_eq(lost, 0);
	close(fd);
	close_regions();
	close_all();
}
