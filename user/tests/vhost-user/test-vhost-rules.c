// SPDX-License-Identifier: GPL-2.0
/* Each rule for the payload of a vhost-user message, broken once. */
#include <errno.h>
#include <linux/virtio_crypto.h>
#include <string.h>

#include "message.h"
#include "../harness.h"

static const struct message_change broken[] = {
	{ REQ, F(SET_VRING_NUM), AT(state.num, 0),
	  "the ring's size is not 1 to 32768" },
	{ REQ, F(SET_VRING_NUM), AT(state.num, 32769),
	  "the ring's size is not 1 to 32768" },
	{ REQ, F(SET_VRING_NUM), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_BASE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(GET_VRING_BASE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ ANS, F(GET_VRING_BASE), AT(state.index, 1),
	  "it is for another ring" },
	{ REQ, F(SET_VRING_ENABLE), AT(state.num, 2),
	  "the value is neither 0 nor 1" },
	{ REQ, F(SET_VRING_ENABLE), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ENDIAN), AT(state.num, 2),
	  "the value is neither 0 nor 1" },
	{ REQ, F(VRING_KICK), AT(state.num, 1),
	  "the reserved number is not 0" },
	{ REQ, F(VRING_KICK), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.index, 256),
	  "the ring's number is above 255" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.flags, 2),
	  "reserved flags of the ring are set" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.desc_user_addr, 8),
	  "the descriptors are not aligned to 16" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.avail_user_addr, 1),
	  "the available ring is not aligned to 2" },
	{ REQ, F(SET_VRING_ADDR), AT(addr.used_user_addr, 2),
	  "the used ring is not aligned to 4" },
	{ REQ, F(SET_VRING_KICK), AT(u64, 0x200), "reserved bits are set" },
	{ REQ, F(SET_VRING_KICK), AT(u64, 0x100),
	  "it has an fd, but its flag NOFD is set" },
	{ REQ, F(SET_VRING_CALL), AT_FDS(u64, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ REQ, F(SET_VRING_ERR), AT(u64, 1ULL << 63), "reserved bits are set" },
	{ REQ, F(SET_MEM_TABLE), AT(memory.padding, 1),
	  "the padding is not 0" },
	{ REQ, F(SET_MEM_TABLE), AT_FDS(memory.nr, 2, 1),
	  "the number of fds is not the number of regions" },
	{ REQ, F(SET_MEM_TABLE), AT_FDS(memory.nr, 2, 3),
	  "the number of fds is not the number of regions" },
	{ REQ, F(SET_MEM_TABLE), AT(memory.regions[1].size, 0),
	  "a region is empty" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[1].guest_addr, UINT64_MAX - 0x1000),
	  "a region wraps in guest addresses" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].user_addr, UINT64_MAX - 0x800),
	  "a region wraps in user addresses" },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].mmap_offset, UINT64_MAX - 0x800),
	  "a region wraps in its file" },
	{ POST, F(SET_MEM_TABLE), AT(memory.nr, 1),
	  "the size does not match the contents" },
	{ POST, F(SET_MEM_TABLE), AT(memory.nr, 9),
	  "the size does not match the contents" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[1].guest_addr, 0),
	  "it is for other regions" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].size, 1),
	  "it is for other regions" },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].user_addr, UINT64_MAX),
	  "a region wraps in user addresses" },
	{ REQ, F(ADD_MEM_REG), AT(mem_reg.padding, 1), "the padding is not 0" },
	{ REQ, F(ADD_MEM_REG), AT(mem_reg.region.size, 0),
	  "a region is empty" },
	{ REQ, F(REM_MEM_REG), AT(mem_reg.region.guest_addr, UINT64_MAX),
	  "a region wraps in guest addresses" },
	{ POST, F(ADD_MEM_REG), AT(mem_reg.region.guest_addr, 1),
	  "it is for another region" },
	{ POST, F(ADD_MEM_REG), AT(mem_reg.padding, 1),
	  "the padding is not 0" },
	{ REQ, F(SET_LOG_BASE), AT(log.size, 0), "the log is empty" },
	{ REQ, F(SET_LOG_BASE), AT(log.offset, UINT64_MAX),
	  "the log wraps in its file" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_MISS),
	  "the type is neither update nor invalidate" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.type, 0),
	  "the type is neither update nor invalidate" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.size, 0), "the range is empty" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.perm, 4),
	  "the permissions are not 0 to 3" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.iova, UINT64_MAX), "the range wraps" },
	{ REQ, F(IOTLB_MSG), AT(iotlb.uaddr, UINT64_MAX),
	  "the range wraps in user addresses" },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_UPDATE),
	  "the type is neither miss nor access failure" },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.perm, 4),
	  "the permissions are not 0 to 3" },
	{ REQ, F(GET_CONFIG), AT(config.size, 0),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.size, 59),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.size, UINT32_MAX),
	  "the size does not match the contents" },
	{ REQ, F(GET_CONFIG), AT(config.offset, 4037),
	  "the range exceeds 4096 bytes" },
	{ REQ, F(SET_CONFIG), AT(config.offset, UINT32_MAX),
	  "the range exceeds 4096 bytes" },
	{ REQ, F(SET_CONFIG), AT(config.flags, 2),
	  "reserved flags of the range are set" },
	{ ANS, F(GET_CONFIG), AT(config.offset, 1), "it is for another range" },
	{ ANS, F(GET_CONFIG), AT(config.size, 61),
	  "the size does not match the contents" },
	{ ANS, F(GET_CONFIG), AT(config.flags, 2),
	  "reserved flags of the range are set" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.op_code, 0),
	  "the operation does not create a session" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.cipher_key_len, 65),
	  "the cipher's key is longer than 64 bytes" },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.auth_key_len, 513),
	  "the authentication key is longer than 512 bytes" },
	{ ANS, F(CREATE_CRYPTO_SESSION), AT(crypto.op_code, 1),
	  "it is for another operation" },
	{ REQ, F(GET_INFLIGHT_FD), AT(inflight.num_queues, 0),
	  "the number of queues or their size is 0" },
	{ REQ, F(GET_INFLIGHT_FD), AT(inflight.queue_size, 0),
	  "the number of queues or their size is 0" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.mmap_size, 0),
	  "the memory is empty" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.mmap_offset, UINT64_MAX),
	  "the memory wraps in its file" },
	{ REQ, F(SET_INFLIGHT_FD), AT(inflight.num_queues, 0),
	  "the number of queues or their size is 0" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.mmap_size, 0),
	  "the memory is empty" },
	{ ANS, F(GET_INFLIGHT_FD), AT_FDS(inflight.mmap_size, 1, 0),
	  "the memory has no fd" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.num_queues, 2),
	  "it is for other queues" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.queue_size, 64),
	  "it is for other queues" },
	{ ANS, F(GET_INFLIGHT_FD), AT(inflight.mmap_offset, UINT64_MAX),
	  "the memory wraps in its file" },
	{ REQ, F(SEND_RARP), AT(u64, 1ULL << 48), "the padding is not 0" },
	{ REQ, F(NET_SET_MTU), AT(u64, 67), "the MTU is not 68 to 65535" },
	{ REQ, F(NET_SET_MTU), AT(u64, 65536), "the MTU is not 68 to 65535" },
	{ REQ, F(SET_STATUS), AT(u64, 256), "the status has more than 8 bits" },
	{ ANS, F(GET_STATUS), AT(u64, 256), "the status has more than 8 bits" },
	{ ANS, F(GET_MAX_MEM_SLOTS), AT(u64, 0),
	  "the number of memory slots is 0" },
	{ ANS, F(GET_SHARED_OBJECT), AT(shared.uuid[15], 1),
	  "it is for another object" },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT(u64, 1),
	  "it reports a failure and has an fd" },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT_FDS(u64, 0, 0), "it has no fd" },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.direction, 2),
	  "the direction is neither save nor load" },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.phase, 1),
	  "the phase is not 0" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 1),
	  "it reports a failure and has an fd" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 0x100),
	  "it has an fd, but its flag NOFD is set" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ ANS, F(SET_DEVICE_STATE_FD), AT(u64, 0x200),
	  "reserved bits are set" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.padding, 1),
	  "the padding is not 0" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.nr, 1),
	  "the number of sizes is wrong" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.sizes[255], 0x1000),
	  "the number of sizes is wrong" },
	{ ANS, F(GET_SHMEM_CONFIG), AT(shmem.sizes[0], 1),
	  "a size is not a multiple of 4096" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.vring, 0x200),
	  "reserved bits are set" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.size, 0),
	  "the area is empty" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT(area.offset, UINT64_MAX),
	  "the area wraps" },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT_FDS(area.vring, 0, 0),
	  "it has no fd, but its flag NOFD is not set" },
	{ BREQ, B(VRING_CALL), AT(state.num, 1),
	  "the reserved number is not 0" },
	{ BREQ, B(VRING_ERR), AT(state.index, 256),
	  "the ring's number is above 255" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.padding[6], 1), "the padding is not 0" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.len, 0), "the mapping is empty" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.fd_offset, UINT64_MAX),
	  "the mapping wraps in its file" },
	{ BREQ, B(SHMEM_UNMAP), AT(mmap.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, B(SHMEM_MAP), AT(mmap.flags, 2),
	  "reserved flags of the mapping are set" },
};

TEST(each_broken_rule_is_rejected_with_its_text)
{
	message_check_broken(broken, sizeof(broken) / sizeof(broken[0]));
}

/* The extreme values that are valid. */
static const struct message_change fine[] = {
	{ REQ, F(SET_VRING_NUM), AT(state.num, 32768), NULL },
	{ REQ, F(SET_VRING_NUM), AT(state.num, 1), NULL },
	{ REQ, F(SET_VRING_BASE), AT(state.num, UINT32_MAX), NULL },
	{ REQ, F(SET_VRING_BASE), AT(state.index, 255), NULL },
	{ ANS, F(GET_VRING_BASE), AT(state.num, UINT32_MAX), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.flags, 1), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.desc_user_addr, 16), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.avail_user_addr, 2), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.used_user_addr, 4), NULL },
	{ REQ, F(SET_VRING_ADDR), AT(addr.log_guest_addr, 1), NULL },
	{ REQ, F(SET_VRING_KICK), AT_FDS(u64, 0x1ff, 0), NULL },
	{ REQ, F(SET_MEM_TABLE),
	  AT(memory.regions[0].user_addr, UINT64_MAX - 0xfff), NULL },
	{ POST, F(SET_MEM_TABLE), AT(memory.regions[0].user_addr, 0x5000),
	  NULL },
	{ REQ, F(GET_CONFIG), AT(config.offset, 4036), NULL },
	{ REQ, F(SET_CONFIG), AT(config.flags, 1), NULL },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.cipher_key_len, 64),
	  NULL },
	{ REQ, F(CREATE_CRYPTO_SESSION), AT(crypto.sym.auth_key_len, 512),
	  NULL },
	{ ANS, F(CREATE_CRYPTO_SESSION), AT(crypto.session_id, UINT64_MAX),
	  NULL },
	{ ANS, F(GET_INFLIGHT_FD), AT_FDS(inflight.mmap_size, 0, 0), NULL },
	{ REQ, F(SEND_RARP), AT(u64, (1ULL << 48) - 1), NULL },
	{ REQ, F(NET_SET_MTU), AT(u64, 68), NULL },
	{ REQ, F(NET_SET_MTU), AT(u64, 65535), NULL },
	{ BANS, B(SHARED_OBJECT_LOOKUP), AT_FDS(u64, 1, 0), NULL },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0x101, 0), NULL },
	{ ANS, F(SET_DEVICE_STATE_FD), AT_FDS(u64, 0x100, 0), NULL },
	{ REQ, F(SET_DEVICE_STATE_FD), AT(device_state.direction, 1), NULL },
	{ BREQ, B(IOTLB_MSG), AT(iotlb.type, VHOST_IOTLB_ACCESS_FAIL), NULL },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), AT_FDS(area.vring, 0x101, 0),
	  NULL },
	{ BREQ, B(SHMEM_MAP), AT(mmap.flags, 1), NULL },
	{ BREQ, B(SHMEM_MAP), AT(mmap.shmid, 255), NULL },
};

TEST(extreme_valid_values_are_accepted)
{
	message_check_fine(fine, sizeof(fine) / sizeof(fine[0]));
}

/* Sizes that depend on the payload. */
TEST(size_must_match_the_count_in_the_payload)
{
	struct vhost_user_msg msg, out, asked;
	const char *rule;
	uint32_t i;

	for (i = 0; i <= VHOST_USER_MAX_REGIONS + 1; i++) {
		message_make(REQ, F(SET_MEM_TABLE), &msg);
		msg.payload.memory.nr = i;
		for (uint32_t n = 2; n < VHOST_USER_MAX_REGIONS; n++)
			msg.payload.memory.regions[n].size = 1;
		msg.hdr.size = 8 + 32 * i;
		check_eq(message_decode(REQ, &msg, HEADER + msg.hdr.size, i,
					NULL, &out, &rule),
			 i <= VHOST_USER_MAX_REGIONS ? 0 : -EPROTO);
		check_eq(vhost_user_encode(REQ, &msg, i, NULL, &rule),
			 i <= VHOST_USER_MAX_REGIONS ? 0 : -EPROTO);
	}
	message_make(REQ, F(SET_MEM_TABLE), &msg);
	msg.payload.memory.nr = 1U << 27;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	message_make(REQ, F(SET_CONFIG), &msg);
	msg.payload.config.size = VHOST_USER_MAX_CONFIG;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), 0);
	check_eq(msg.hdr.size, 12 + 4096);
	check_eq(message_decode(REQ, &msg, HEADER + 12 + 4096, 0, NULL, &out,
				&rule),
		 0);
	msg.payload.config.size = VHOST_USER_MAX_CONFIG + 1;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	msg.payload.config.size = UINT32_MAX;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	message_make(REQ, F(GET_CONFIG), &msg);
	msg.payload.config.size = 0;
	check_eq(vhost_user_encode(REQ, &msg, 0, NULL, &rule), -EPROTO);
	check(!strcmp(rule, "the range is empty"));
	/* Bases of fewer regions than were sent. */
	message_make(POST, F(SET_MEM_TABLE), &msg);
	message_make_asked(POST, F(SET_MEM_TABLE), &asked);
	msg.payload.memory.nr = 1;
	msg.hdr.size = 8 + 32;
	check_eq(message_decode(POST, &msg, HEADER + 8 + 32, 0, &asked, &out,
				&rule),
		 -EPROTO);
	check(!strcmp(rule, "it has a different number of regions"));
	/* A failed GET_CONFIG in the two forms that back ends use. */
	message_make(ANS, F(GET_CONFIG), &msg);
	message_make_asked(ANS, F(GET_CONFIG), &asked);
	msg.payload.config.size = 0;
	msg.hdr.size = 12;
	check_eq(message_decode(ANS, &msg, HEADER + 12, 0, &asked, &out, &rule),
		 0);
	check_eq(out.payload.config.size, 0);
	check_eq(vhost_user_encode(ANS, &msg, 0, &asked, &rule), 0);
	check_eq(msg.hdr.size, 0);
	msg.payload.config.size = UINT32_MAX;
	check_eq(vhost_user_encode(ANS, &msg, 0, &asked, &rule), -EPROTO);
	/* An empty reply to GET_STATUS is invalid. */
	message_make(ANS, F(GET_STATUS), &msg);
	message_make_asked(ANS, F(GET_STATUS), &asked);
	msg.hdr.size = 0;
	check_eq(message_decode(ANS, &msg, HEADER, 0, &asked, &out, &rule),
		 -EPROTO);
}

TEST(asymmetric_session_with_too_long_a_key_is_rejected)
{
	struct vhost_user_msg msg, out;
	const char *rule;

	message_make(REQ, F(CREATE_CRYPTO_SESSION), &msg);
	msg.payload.crypto.op_code = VIRTIO_CRYPTO_AKCIPHER_CREATE_SESSION;
	msg.payload.crypto.asym.key_len = 1024;
	check_eq(message_decode(REQ, &msg, HEADER + 1072, 0, NULL, &out, &rule),
		 0);
	msg.payload.crypto.asym.key_len = 1025;
	check_eq(message_decode(REQ, &msg, HEADER + 1072, 0, NULL, &out, &rule),
		 -EPROTO);
	check(!strcmp(rule, "the key is longer than 1024 bytes"));
}
