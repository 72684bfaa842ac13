/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of the contents of messages. */
#ifndef VHOST_USER_CHECK_H
#define VHOST_USER_CHECK_H

#include <vhost-user/proto.h>

/*
 * Check the contents of a message whose size and number of file descriptors are
 * right. If the message is an answer, @asked is the request that it answers;
 * otherwise @asked is not used.
 * Return: the rule that is broken, in words that continue "SET_MEM_TABLE: "; NULL
 * when the message is correct.
 */
typedef const char *vhu_check(const struct vhost_user_msg *msg, uint32_t nr_fds,
			      const struct vhost_user_msg *asked);

const char *vhu_check_vring_index(const struct vhost_user_msg *msg,
				  uint32_t nr_fds,
				  const struct vhost_user_msg *asked);
const char *vhu_check_vring_num(const struct vhost_user_msg *msg,
				uint32_t nr_fds,
				const struct vhost_user_msg *asked);
const char *vhu_check_vring_bool(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_vring_zero(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_vring_same(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_vring_addr(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_vring_fd(const struct vhost_user_msg *msg,
			       uint32_t nr_fds,
			       const struct vhost_user_msg *asked);
const char *vhu_check_vring_area(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_memory(const struct vhost_user_msg *msg, uint32_t nr_fds,
			     const struct vhost_user_msg *asked);
const char *vhu_check_memory_bases(const struct vhost_user_msg *msg,
				   uint32_t nr_fds,
				   const struct vhost_user_msg *asked);
const char *vhu_check_mem_reg(const struct vhost_user_msg *msg, uint32_t nr_fds,
			      const struct vhost_user_msg *asked);
const char *vhu_check_mem_reg_base(const struct vhost_user_msg *msg,
				   uint32_t nr_fds,
				   const struct vhost_user_msg *asked);
const char *vhu_check_log(const struct vhost_user_msg *msg, uint32_t nr_fds,
			  const struct vhost_user_msg *asked);
const char *vhu_check_iotlb_update(const struct vhost_user_msg *msg,
				   uint32_t nr_fds,
				   const struct vhost_user_msg *asked);
const char *vhu_check_iotlb_miss(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_config(const struct vhost_user_msg *msg, uint32_t nr_fds,
			     const struct vhost_user_msg *asked);
const char *vhu_check_config_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked);
const char *vhu_check_crypto(const struct vhost_user_msg *msg, uint32_t nr_fds,
			     const struct vhost_user_msg *asked);
const char *vhu_check_crypto_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked);
const char *vhu_check_inflight_request(const struct vhost_user_msg *msg,
				       uint32_t nr_fds,
				       const struct vhost_user_msg *asked);
const char *vhu_check_inflight(const struct vhost_user_msg *msg,
			       uint32_t nr_fds,
			       const struct vhost_user_msg *asked);
const char *vhu_check_inflight_answer(const struct vhost_user_msg *msg,
				      uint32_t nr_fds,
				      const struct vhost_user_msg *asked);
const char *vhu_check_mac(const struct vhost_user_msg *msg, uint32_t nr_fds,
			  const struct vhost_user_msg *asked);
const char *vhu_check_mtu(const struct vhost_user_msg *msg, uint32_t nr_fds,
			  const struct vhost_user_msg *asked);
const char *vhu_check_status(const struct vhost_user_msg *msg, uint32_t nr_fds,
			     const struct vhost_user_msg *asked);
const char *vhu_check_slots(const struct vhost_user_msg *msg, uint32_t nr_fds,
			    const struct vhost_user_msg *asked);
const char *vhu_check_shared_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked);
const char *vhu_check_lookup_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked);
const char *vhu_check_device_state(const struct vhost_user_msg *msg,
				   uint32_t nr_fds,
				   const struct vhost_user_msg *asked);
const char *vhu_check_device_state_answer(const struct vhost_user_msg *msg,
					  uint32_t nr_fds,
					  const struct vhost_user_msg *asked);
const char *vhu_check_shmem(const struct vhost_user_msg *msg, uint32_t nr_fds,
			    const struct vhost_user_msg *asked);
const char *vhu_check_mmap(const struct vhost_user_msg *msg, uint32_t nr_fds,
			   const struct vhost_user_msg *asked);

const char *vhu_check_crosvm_fs(const struct vhost_user_msg *msg,
				uint32_t nr_fds,
				const struct vhost_user_msg *asked);
const char *vhu_check_crosvm_gpu(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked);
const char *vhu_check_crosvm_external(const struct vhost_user_msg *msg,
				      uint32_t nr_fds,
				      const struct vhost_user_msg *asked);

#endif /* VHOST_USER_CHECK_H */
