/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of the contents of messages. */
#ifndef VHOST_USER_CHECK_H
#define VHOST_USER_CHECK_H

#include <vhost-user/proto.h>

/*
 * A check of values: returns the rule that is broken or NULL. @asked is set for
 * answers only.
 */
typedef const char *vhu_check(const struct vhost_user_msg *msg,
				uint32_t nr_fds,
				const struct vhost_user_msg *asked);

vhu_check vhu_check_vring_index;
vhu_check vhu_check_vring_num;
vhu_check vhu_check_vring_bool;
vhu_check vhu_check_vring_zero;
vhu_check vhu_check_vring_same;
vhu_check vhu_check_vring_addr;
vhu_check vhu_check_vring_fd;
vhu_check vhu_check_vring_area;
vhu_check vhu_check_memory;
vhu_check vhu_check_memory_bases;
vhu_check vhu_check_mem_reg;
vhu_check vhu_check_mem_reg_base;
vhu_check vhu_check_log;
vhu_check vhu_check_iotlb_update;
vhu_check vhu_check_iotlb_miss;
vhu_check vhu_check_config;
vhu_check vhu_check_config_answer;
vhu_check vhu_check_crypto;
vhu_check vhu_check_crypto_answer;
vhu_check vhu_check_inflight_wish;
vhu_check vhu_check_inflight;
vhu_check vhu_check_inflight_answer;
vhu_check vhu_check_mac;
vhu_check vhu_check_mtu;
vhu_check vhu_check_status;
vhu_check vhu_check_slots;
vhu_check vhu_check_shared_answer;
vhu_check vhu_check_lookup_answer;
vhu_check vhu_check_device_state;
vhu_check vhu_check_device_state_answer;
vhu_check vhu_check_shmem;
vhu_check vhu_check_mmap;

#endif /* VHOST_USER_CHECK_H */
