/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message of vhost-user looks like. */
#ifndef VUSER_VHOST_TABLE_H
#define VUSER_VHOST_TABLE_H

#include <vhost-user/proto.h>

/*
 * Payloads. NONE and those after it have an exact size, or one that follows
 * from their contents; the _OR_NONE ones may be missing.
 */
enum vhost_payload {
	VHOST_ACK = 0, /* no answer, or with NEED_REPLY a number */
	VHOST_NONE,
	VHOST_U64,
	VHOST_STATE,
	VHOST_ADDR,
	VHOST_IOTLB,
	VHOST_MEMORY,
	VHOST_MEM_REG,
	VHOST_LOG,
	VHOST_CONFIG,
	VHOST_AREA,
	VHOST_INFLIGHT,
	VHOST_SHARED,
	VHOST_DEVICE_STATE,
	VHOST_MMAP,
	VHOST_SHMEM,
	VHOST_CRYPTO,
	VHOST_LOG_ANSWER, /* nothing, a number or the log again */
	VHOST_CONFIG_OR_NONE,
	VHOST_SHARED_OR_NONE,
};

/*
 * A check of values: returns the rule that is broken or NULL. @asked is set for
 * answers only.
 */
typedef const char *vhost_check(const struct vhost_user_msg *msg,
				uint32_t nr_fds,
				const struct vhost_user_msg *asked);

/**
 * struct vhost_side - one direction of a message
 * @payload: enum vhost_payload
 * @min_fds: file descriptors that come along, at least
 * @max_fds: at most
 * @check: of what is in it, or NULL
 */
struct vhost_side {
	uint8_t payload;
	uint8_t min_fds;
	uint8_t max_fds;
	vhost_check *check;
};

/**
 * struct vhost_form - a request and its answer
 * @name: without VHOST_USER_ or VHOST_USER_BACKEND_
 * @needed: mask of protocol features
 * @request: what asks
 * @answer: VHOST_ACK unless it has one of its own
 */
struct vhost_form {
	const char *name;
	uint64_t needed;
	struct vhost_side request;
	struct vhost_side answer;
};

/* NULL for a request that does not exist. */
const struct vhost_form *vhost_form(enum vhost_user_kind kind,
				    uint32_t request);

vhost_check vhost_check_vring_index;
vhost_check vhost_check_vring_num;
vhost_check vhost_check_vring_bool;
vhost_check vhost_check_vring_zero;
vhost_check vhost_check_vring_same;
vhost_check vhost_check_vring_addr;
vhost_check vhost_check_vring_fd;
vhost_check vhost_check_vring_area;
vhost_check vhost_check_memory;
vhost_check vhost_check_memory_bases;
vhost_check vhost_check_mem_reg;
vhost_check vhost_check_mem_reg_base;
vhost_check vhost_check_log;
vhost_check vhost_check_iotlb_update;
vhost_check vhost_check_iotlb_miss;
vhost_check vhost_check_config;
vhost_check vhost_check_config_answer;
vhost_check vhost_check_crypto;
vhost_check vhost_check_crypto_answer;
vhost_check vhost_check_inflight_wish;
vhost_check vhost_check_inflight;
vhost_check vhost_check_inflight_answer;
vhost_check vhost_check_mac;
vhost_check vhost_check_mtu;
vhost_check vhost_check_status;
vhost_check vhost_check_slots;
vhost_check vhost_check_shared_answer;
vhost_check vhost_check_lookup_answer;
vhost_check vhost_check_device_state;
vhost_check vhost_check_device_state_answer;
vhost_check vhost_check_shmem;
vhost_check vhost_check_mmap;

#endif /* VUSER_VHOST_TABLE_H */
