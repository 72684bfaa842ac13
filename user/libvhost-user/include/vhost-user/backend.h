/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: the front-end of vhost-user, for one thread.
 *
 * A struct vhost_backend is a connection to a back-end.  Each request is a
 * function, which sends it, waits for the answer and meanwhile serves what the
 * back-end asks.  Where REPLY_ACK is negotiated every request is acknowledged.
 *
 * Unless it says otherwise such a function returns 0, or
 *
 * -EOPNOTSUPP	it needs a protocol feature that is not negotiated; nothing was
 *		sent
 * -EINVAL	the arguments break a rule of the protocol; nothing was sent
 * -EBUSY	called from a callback while another request waits
 * -ENOTCONN	there is no connection
 * -EREMOTEIO	the back-end says that it failed; the connection is as before
 * -EPROTO	the back-end broke the protocol
 * -ETIMEDOUT	it did not answer in time
 * -ECONNRESET	it went away; also another errno of the socket
 *
 * After the last three the connection is closed, the callback lost() has been
 * called, and only vhost_backend_connect() makes it work again.  What was said
 * last is in vhost_backend_error().
 *
 * File descriptors given to these functions stay the caller's; they are sent as
 * copies and may be closed afterwards.
 */
#ifndef VUSER_VHOST_H
#define VUSER_VHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vhost-user/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vhost_backend;

/**
 * struct vhost_backend_ops - what the back-end says by itself
 * @struct_size: sizeof(struct vhost_backend_ops)
 * @lost: the connection has ended; @why is 0 after vhost_backend_disconnect(),
 *	else the -errno.  Called once for each connection that was made.  The
 *	descriptors are closed when it returns, so that this is the time to
 *	take them out of an event loop
 * @config_change: the device's configuration space has changed
 * @iotlb: a translation is missed or an access failed; @msg->type says which
 * @host_notifier: the ring's doorbell is at @area->offset of @fd; -1: no more
 * @vring_call: buffers of the ring were used
 * @vring_err: the ring has an error
 * @shared_add: offers an object
 * @shared_remove: takes it back
 * @shared_lookup: wants an object; return its fd, which stays the callee's
 * @shmem_map: map @map of @fd in the shared memory map->shmid
 * @shmem_unmap: take such a mapping away
 *
 * All but lost() and shared_lookup() return 0 or -errno, which the back-end
 * hears of if it asked; a callback that is NULL fails with -EOPNOTSUPP.
 *
 * They are called from vhost_backend_process() and from inside of requests.
 * Requests made by a callback fail with -EBUSY in the second case, so note what
 * is to be done and do it from the event loop.  None may free the connection.
 * An fd given to a callback is closed after it returned: dup it to keep it.
 */
struct vhost_backend_ops {
	size_t struct_size;
	void (*lost)(void *data, int why);
	int (*config_change)(void *data);
	int (*iotlb)(void *data, const struct vhost_iotlb_msg *msg);
	int (*host_notifier)(void *data,
			     const struct vhost_user_vring_area *area, int fd);
	int (*vring_call)(void *data, uint32_t vring);
	int (*vring_err)(void *data, uint32_t vring);
	int (*shared_add)(void *data, const struct vhost_user_shared *object);
	int (*shared_remove)(void *data,
			     const struct vhost_user_shared *object);
	int (*shared_lookup)(void *data,
			     const struct vhost_user_shared *object);
	int (*shmem_map)(void *data, const struct vhost_user_mmap *map, int fd);
	int (*shmem_unmap)(void *data, const struct vhost_user_mmap *map);
};

/**
 * struct vhost_backend_options - how to negotiate
 * @struct_size: sizeof(struct vhost_backend_options)
 * @wanted: mask of VHOST_USER_PROTOCOL(), used where the back-end has them
 * @required: those without which it is not worth it; added to @wanted
 * @timeout_ms: for an answer; 0: VHOST_BACKEND_TIMEOUT_MS; -1: for ever
 * @ops: NULL: everything is refused
 * @data: for @ops
 */
struct vhost_backend_options {
	size_t struct_size;
	uint64_t wanted;
	uint64_t required;
	int timeout_ms;
	const struct vhost_backend_ops *ops;
	void *data;
};

#define VHOST_BACKEND_TIMEOUT_MS 10000

/**
 * vhost_backend_new - a connection that is not connected
 * @opt: copied, with opt->ops; NULL for the defaults
 * @b: result
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM.
 */
int vhost_backend_new(const struct vhost_backend_options *opt,
		      struct vhost_backend **b);

/** vhost_backend_free - without calling lost(); NULL is fine */
void vhost_backend_free(struct vhost_backend *b);

/**
 * vhost_backend_connect - connect to the socket of a back-end and negotiate
 * @b: not connected; may have been connected before
 * @path: of its UNIX socket
 *
 * Negotiates protocol features, sets up the back-end's channel where BACKEND_REQ
 * is one, asks for the numbers of queues and memory slots, becomes the owner.
 * lost() is not called when this fails.
 *
 * Return: 0; -EISCONN; -EOPNOTSUPP when a required protocol feature is missing;
 * as vuser_sock_connect(); or as any request.
 */
int vhost_backend_connect(struct vhost_backend *b, const char *path);

/** vhost_backend_connect_fd - the same on a socket, taken over in any case */
int vhost_backend_connect_fd(struct vhost_backend *b, int fd);

/** vhost_backend_disconnect - hang up; lost() is called with 0 */
void vhost_backend_disconnect(struct vhost_backend *b);

/** vhost_backend_connected - whether there is a connection */
bool vhost_backend_connected(const struct vhost_backend *b);

/** vhost_backend_fd - to wait on for POLLIN, -1 without a connection */
int vhost_backend_fd(const struct vhost_backend *b);

/** vhost_backend_req_fd - the back-end's channel, likewise; -1 if none */
int vhost_backend_req_fd(const struct vhost_backend *b);

/**
 * vhost_backend_process - see to what has come on either fd; never waits
 * @b: connected
 *
 * On vhost_backend_fd() nothing comes by itself but the end.  Of a back-end
 * that asks without end 64 requests are served each time.
 *
 * Return: 0; -ENOTCONN; or the error with which the connection ended.
 */
int vhost_backend_process(struct vhost_backend *b);

/** vhost_backend_error - what went wrong last, for a person; never NULL */
const char *vhost_backend_error(const struct vhost_backend *b);

/** vhost_backend_features - device features that the back-end offers, with
 * VHOST_USER_F_PROTOCOL_FEATURES
 */
uint64_t vhost_backend_features(const struct vhost_backend *b);

/** vhost_backend_protocol - the mask of protocol features negotiated */
uint64_t vhost_backend_protocol(const struct vhost_backend *b);

/** vhost_backend_offered - the mask of protocol features that it offers */
uint64_t vhost_backend_offered(const struct vhost_backend *b);

/** vhost_backend_has - whether all of a mask of VHOST_USER_PROTOCOL() are */
bool vhost_backend_has(const struct vhost_backend *b, uint64_t mask);

/** vhost_backend_queues - GET_QUEUE_NUM's answer at connect; 0 without MQ */
uint64_t vhost_backend_queues(const struct vhost_backend *b);

/**
 * vhost_backend_mem_slots - how many regions the back-end can have at once
 *
 * GET_MAX_MEM_SLOTS' answer at connect; VHOST_USER_MAX_REGIONS without
 * CONFIGURE_MEM_SLOTS.
 */
uint64_t vhost_backend_mem_slots(const struct vhost_backend *b);

/** vhost_backend_get_features - GET_FEATURES */
int vhost_backend_get_features(struct vhost_backend *b, uint64_t *features);

/**
 * vhost_backend_set_features - SET_FEATURES
 * @b: connected
 * @features: virtio's, and VHOST_F_LOG_ALL while writes are logged
 *
 * VHOST_USER_F_PROTOCOL_FEATURES is added where it is offered, since a back-end
 * enables all rings at once without it.
 */
int vhost_backend_set_features(struct vhost_backend *b, uint64_t features);

/** vhost_backend_get_protocol_features - GET_PROTOCOL_FEATURES */
int vhost_backend_get_protocol_features(struct vhost_backend *b,
					uint64_t *mask);

/** vhost_backend_set_protocol_features - SET_PROTOCOL_FEATURES; was done at
 * connect
 */
int vhost_backend_set_protocol_features(struct vhost_backend *b, uint64_t mask);

/** vhost_backend_set_owner - SET_OWNER; was done at connect */
int vhost_backend_set_owner(struct vhost_backend *b);

/** vhost_backend_reset_owner - RESET_OWNER; deprecated, back-ends differ */
int vhost_backend_reset_owner(struct vhost_backend *b);

/** vhost_backend_reset_device - RESET_DEVICE; protocol feature RESET_DEVICE */
int vhost_backend_reset_device(struct vhost_backend *b);

/**
 * struct vhost_region - a memory region with what it is a part of
 * @region: where it is; region.mmap_offset is into @fd
 * @fd: memory that can be mapped
 */
struct vhost_region {
	struct vhost_user_region region;
	int fd;
};

/** vhost_backend_set_mem_table - SET_MEM_TABLE of 0 to VHOST_USER_MAX_REGIONS
 * regions, which replace those before; -EINVAL: more, empty, or wrapping
 */
int vhost_backend_set_mem_table(struct vhost_backend *b,
				const struct vhost_region *mem, uint32_t nr);

/**
 * vhost_backend_set_mem_table_postcopy - SET_MEM_TABLE after POSTCOPY_LISTEN
 * @b: connected
 * @mem: the regions
 * @nr: number of them
 * @bases: result: where each one is in the back-end, for userfaultfd
 *
 * vhost_backend_ack_mem_table() must follow once faults can be served.
 */
int vhost_backend_set_mem_table_postcopy(struct vhost_backend *b,
					 const struct vhost_region *mem,
					 uint32_t nr, uint64_t *bases);

/** vhost_backend_ack_mem_table - the acknowledgement, which is not answered */
int vhost_backend_ack_mem_table(struct vhost_backend *b);

/** vhost_backend_get_max_mem_slots - GET_MAX_MEM_SLOTS; CONFIGURE_MEM_SLOTS */
int vhost_backend_get_max_mem_slots(struct vhost_backend *b, uint64_t *slots);

/** vhost_backend_add_mem_reg - ADD_MEM_REG; CONFIGURE_MEM_SLOTS */
int vhost_backend_add_mem_reg(struct vhost_backend *b,
			      const struct vhost_region *mem);

/** vhost_backend_add_mem_reg_postcopy - ADD_MEM_REG after POSTCOPY_LISTEN */
int vhost_backend_add_mem_reg_postcopy(struct vhost_backend *b,
				       const struct vhost_region *mem,
				       uint64_t *base);

/** vhost_backend_rem_mem_reg - REM_MEM_REG; CONFIGURE_MEM_SLOTS; what was
 * added with the same addresses and size
 */
int vhost_backend_rem_mem_reg(struct vhost_backend *b,
			      const struct vhost_user_region *region);

/** vhost_backend_set_log_base - SET_LOG_BASE; LOG_SHMFD; one bit for each 4 KiB
 * of guest addresses, in @size bytes from @offset of @fd on
 */
int vhost_backend_set_log_base(struct vhost_backend *b, uint64_t size,
			       uint64_t offset, int fd);

/** vhost_backend_set_log_fd - SET_LOG_FD: eventfd told of changes of the log */
int vhost_backend_set_log_fd(struct vhost_backend *b, int fd);

/** vhost_backend_set_vring_num - SET_VRING_NUM: entries of a ring */
int vhost_backend_set_vring_num(struct vhost_backend *b, uint32_t vring,
				uint32_t num);

/** vhost_backend_set_vring_addr - SET_VRING_ADDR; -EINVAL when not aligned to
 * 16, 2 (available) and 4 (used)
 */
int vhost_backend_set_vring_addr(struct vhost_backend *b,
				 const struct vhost_vring_addr *addr);

/**
 * vhost_backend_set_vring_base - SET_VRING_BASE: where a ring goes on
 * @b: connected
 * @vring: the ring
 * @base: of a split ring the available index in 16 bits; of a packed one bits
 *	0-14 the available index, 15 its wrap counter, 16-30 the used index,
 *	31 its wrap counter; vhost_packed_base() makes one
 */
int vhost_backend_set_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t base);

/** vhost_packed_base - for a packed ring: indexes and wrap counters */
static inline uint32_t vhost_packed_base(uint16_t avail, bool avail_wrap,
					 uint16_t used, bool used_wrap)
{
	return (avail & 0x7fff) | (uint32_t)avail_wrap << 15 |
	       (uint32_t)(used & 0x7fff) << 16 | (uint32_t)used_wrap << 31;
}

/** vhost_backend_get_vring_base - GET_VRING_BASE: stop a ring; @base is as for
 * vhost_backend_set_vring_base()
 */
int vhost_backend_get_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t *base);

/** vhost_backend_set_vring_kick - SET_VRING_KICK; @fd of -1: poll the ring */
int vhost_backend_set_vring_kick(struct vhost_backend *b, uint32_t vring,
				 int fd);

/** vhost_backend_set_vring_call - SET_VRING_CALL; @fd of -1: do not call */
int vhost_backend_set_vring_call(struct vhost_backend *b, uint32_t vring,
				 int fd);

/** vhost_backend_set_vring_err - SET_VRING_ERR; @fd of -1: no more */
int vhost_backend_set_vring_err(struct vhost_backend *b, uint32_t vring,
				int fd);

/** vhost_backend_set_vring_enable - SET_VRING_ENABLE; -EOPNOTSUPP where
 * VHOST_USER_F_PROTOCOL_FEATURES is not offered: there rings are always enabled
 */
int vhost_backend_set_vring_enable(struct vhost_backend *b, uint32_t vring,
				   bool enable);

/** vhost_backend_set_vring_endian - SET_VRING_ENDIAN; CROSS_ENDIAN */
int vhost_backend_set_vring_endian(struct vhost_backend *b, uint32_t vring,
				   bool big);

/** vhost_backend_vring_kick - VRING_KICK; INBAND_NOTIFICATIONS */
int vhost_backend_vring_kick(struct vhost_backend *b, uint32_t vring);

/** vhost_backend_get_queue_num - GET_QUEUE_NUM; MQ */
int vhost_backend_get_queue_num(struct vhost_backend *b, uint64_t *queues);

/** vhost_backend_send_rarp - SEND_RARP of 6 bytes of MAC; RARP */
int vhost_backend_send_rarp(struct vhost_backend *b, const uint8_t *mac);

/** vhost_backend_net_set_mtu - NET_SET_MTU; MTU */
int vhost_backend_net_set_mtu(struct vhost_backend *b, uint16_t mtu);

/** vhost_backend_set_backend_req_fd - SET_BACKEND_REQ_FD; BACKEND_REQ; a new
 * channel in place of the one made at connect, of which the library makes both
 * ends: vhost_backend_req_fd() changes
 */
int vhost_backend_set_backend_req_fd(struct vhost_backend *b);

/** vhost_backend_iotlb_msg - IOTLB_MSG: update or invalidate; REPLY_ACK, since
 * back-ends do not answer it else
 */
int vhost_backend_iotlb_msg(struct vhost_backend *b,
			    const struct vhost_iotlb_msg *msg);

/**
 * vhost_backend_get_config - GET_CONFIG; protocol feature CONFIG
 * @b: connected
 * @offset: bytes from the start of the configuration space
 * @buf: result
 * @len: bytes, 1 to VHOST_USER_MAX_CONFIG - @offset
 *
 * Back-ends made with QEMU's libvhost-user ignore @offset: read from 0.  They
 * and DPDK refuse more than 256 bytes, and QEMU more than the device has.
 */
int vhost_backend_get_config(struct vhost_backend *b, uint32_t offset,
			     void *buf, uint32_t len);

/** vhost_backend_set_config - SET_CONFIG; CONFIG; @flags is
 * VHOST_USER_CONFIG_DRIVER or _MIGRATION
 */
int vhost_backend_set_config(struct vhost_backend *b, uint32_t offset,
			     const void *buf, uint32_t len, uint32_t flags);

/** vhost_backend_create_crypto_session - CREATE_CRYPTO_SESSION; CRYPTO_SESSION;
 * session->session_id is the result
 */
int vhost_backend_create_crypto_session(
	struct vhost_backend *b, struct vhost_user_crypto_session *session);

/** vhost_backend_close_crypto_session - CLOSE_CRYPTO_SESSION; CRYPTO_SESSION */
int vhost_backend_close_crypto_session(struct vhost_backend *b, uint64_t id);

/** vhost_backend_postcopy_advise - POSTCOPY_ADVISE; PAGEFAULT; @fd is the
 * back-end's userfaultfd, then the caller's
 */
int vhost_backend_postcopy_advise(struct vhost_backend *b, int *fd);

/** vhost_backend_postcopy_listen - POSTCOPY_LISTEN; PAGEFAULT */
int vhost_backend_postcopy_listen(struct vhost_backend *b);

/** vhost_backend_postcopy_end - POSTCOPY_END; PAGEFAULT */
int vhost_backend_postcopy_end(struct vhost_backend *b);

/**
 * vhost_backend_get_inflight_fd - GET_INFLIGHT_FD; INFLIGHT_SHMFD
 * @b: connected
 * @inflight: num_queues and queue_size are sent; all of it is the result
 * @fd: the memory, then the caller's
 *
 * Return: as any request; -ENODATA when the back-end has none to give.
 */
int vhost_backend_get_inflight_fd(struct vhost_backend *b,
				  struct vhost_user_inflight *inflight,
				  int *fd);

/** vhost_backend_set_inflight_fd - SET_INFLIGHT_FD; INFLIGHT_SHMFD; what a
 * back-end before gave
 */
int vhost_backend_set_inflight_fd(struct vhost_backend *b,
				  const struct vhost_user_inflight *inflight,
				  int fd);

/** vhost_backend_gpu_set_socket - GPU_SET_SOCKET */
int vhost_backend_gpu_set_socket(struct vhost_backend *b, int fd);

/** vhost_backend_set_status - SET_STATUS; STATUS */
int vhost_backend_set_status(struct vhost_backend *b, uint8_t status);

/** vhost_backend_get_status - GET_STATUS; STATUS */
int vhost_backend_get_status(struct vhost_backend *b, uint8_t *status);

/** vhost_backend_get_shared_object - GET_SHARED_OBJECT; SHARED_OBJECT; @fd is
 * the caller's then; -ENODATA when the back-end does not have it
 */
int vhost_backend_get_shared_object(struct vhost_backend *b,
				    const struct vhost_user_shared *object,
				    int *fd);

/**
 * vhost_backend_set_device_state_fd - SET_DEVICE_STATE_FD; DEVICE_STATE
 * @b: connected
 * @direction: VHOST_USER_STATE_SAVE or _LOAD
 * @phase: VHOST_USER_PHASE_STOPPED
 * @fd: the back-end's end of a pipe
 * @reply_fd: an fd to use in place of the other end, then the caller's, or -1
 */
int vhost_backend_set_device_state_fd(struct vhost_backend *b,
				      uint32_t direction, uint32_t phase,
				      int fd, int *reply_fd);

/** vhost_backend_check_device_state - CHECK_DEVICE_STATE; DEVICE_STATE; after
 * the end of the transfer
 */
int vhost_backend_check_device_state(struct vhost_backend *b);

/** vhost_backend_get_shmem_config - GET_SHMEM_CONFIG; SHMEM */
int vhost_backend_get_shmem_config(struct vhost_backend *b,
				   struct vhost_user_shmem_config *config);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_VHOST_H */
