/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvhost-user: the front end of vhost-user, for one thread.
 *
 * A struct vhost_backend is a connection to a back end. Each request is a function. It
 * sends the request, waits for the answer, and serves the back end's requests while it
 * waits. When REPLY_ACK is negotiated, the back end acknowledges every request. Without
 * REPLY_ACK, the functions for features, for memory, for enabled rings and for rings whose
 * writes are logged send GET_FEATURES after the request and wait for its answer, because
 * the caller must know that the request has taken effect.
 *
 * A request returns 0, or one of these errnos:
 *
 * -EOPNOTSUPP	a protocol feature that the request needs is not negotiated; nothing was
 *		sent
 * -EINVAL	the arguments break a rule of the protocol; nothing was sent
 * -EBUSY	the request was made by a callback while another request waits
 * -ENOTCONN	there is no connection
 * -EREMOTEIO	the back end reported a failure; the connection can still be used
 * -EPROTO	the back end broke the protocol
 * -ETIMEDOUT	the back end did not answer in time
 * -ECONNRESET	the back end closed the connection; also another errno of the socket
 *
 * After the last three the connection is closed and the callback lost() was called;
 * vhost_backend_connect() starts a new connection. vhost_backend_error() returns the
 * text of the last error.
 *
 * The caller keeps the file descriptors that it passes to these functions, and may close
 * them after the call.
 *
 * The structures with a member struct_size follow the rules in
 * Documentation/library-abi.rst: set struct_size to sizeof() of the structure, and all
 * unused members to 0.
 */
#ifndef VHOST_USER_BACKEND_H
#define VHOST_USER_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vhost-user/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pollfd;
struct vhost_backend;

/**
 * struct vhost_backend_ops - requests of the back end, and the end of the connection
 * @struct_size: sizeof(struct vhost_backend_ops)
 * @lost: the connection has ended; @why is 0 after vhost_backend_disconnect(), else a
 *	negative errno. Called once for each connection. The sockets are closed after the
 *	callback returns, so the callback must remove them from the event loop.
 * @config_change: the configuration space of the device has changed
 * @iotlb: a translation is missing or an access failed, as msg->type says
 * @host_notifier: the doorbell of a ring is at area->offset of @fd; -1: remove it
 * @vring_call: the back end has used buffers of the ring
 * @vring_err: the ring has an error
 * @shared_add: the back end offers an object
 * @shared_remove: the back end withdraws an object
 * @shared_lookup: the back end requests an object; return its file descriptor, which the
 *	callback keeps
 * @shmem_map: map a part of @fd in the shared memory map->shmid
 * @shmem_unmap: remove a mapping of shmem_map()
 * @channel_closed: the back end has closed its channel, and sends no more requests; the
 *	connection continues. The channel is closed after the callback returns, so the
 *	callback must remove it from the event loop. If the callback is NULL, the connection
 *	ends with -ECONNRESET.
 * @wait: wait until one of @fds is ready, as poll(2) does, and set revents; @timeout_ms
 *	may be -1. Return 0, -ETIMEDOUT, or another negative errno, which ends the
 *	connection. May return 0 early. NULL: the library calls poll(2). The program can
 *	do other work here, but may not call functions for this connection.
 * @crosvm_fs: enum vhost_user_crosvm_request @request: FS_MAP and FS_IO have a file,
 *	FS_UNMAP and FS_SYNC have not, and get -1
 * @crosvm_gpu_map: map memory of a GPU in the shared memory map->shmid; @fd is its handle
 * @crosvm_external_map: map memory of this process in the shared memory map->shmid
 *
 * All except lost(), shared_lookup(), channel_closed() and wait() return 0 or -errno,
 * which the back end gets if it asked for a reply. A callback that is NULL fails with
 * -EOPNOTSUPP, and so does a request that the library does not know.
 *
 * vhost_backend_process() and requests that wait call the callbacks. While a request
 * waits, a request made by a callback fails with -EBUSY: a callback that needs to make a
 * request must leave this to the event loop. A callback must not free the connection. The
 * library closes a file descriptor that it passed to a callback when the callback
 * returns: duplicate it to keep it.
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
	void (*channel_closed)(void *data);
	int (*wait)(void *data, struct pollfd *fds, unsigned int nr,
		    int timeout_ms);
	int (*crosvm_fs)(void *data, uint32_t request,
			 const struct vhost_user_crosvm_fs *fs, int fd);
	int (*crosvm_gpu_map)(void *data,
			      const struct vhost_user_crosvm_gpu_map *map,
			      int fd);
	int (*crosvm_external_map)(
		void *data, const struct vhost_user_crosvm_external_map *map);
};

/**
 * struct vhost_backend_options - how to negotiate
 * @struct_size: sizeof(struct vhost_backend_options)
 * @wanted: mask of VHOST_USER_PROTOCOL(): protocol features to use if the back end has
 *	them
 * @required: protocol features without which connecting fails
 * @timeout_ms: time to wait for an answer; 0: VHOST_BACKEND_TIMEOUT_MS; -1: no limit
 * @ops: NULL: all requests of the back end are refused; copied
 * @data: passed to the callbacks
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
 * vhost_backend_new - allocate a connection, which is not connected yet
 * @opt: NULL for the defaults; copied
 * @b: result
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM.
 */
int vhost_backend_new(const struct vhost_backend_options *opt,
		      struct vhost_backend **b);

/**
 * vhost_backend_free - close the connection without a call of lost(), and free
 * it
 * @b: the connection, or NULL
 */
void vhost_backend_free(struct vhost_backend *b);

/**
 * vhost_backend_connect - connect to a back end and negotiate
 * @b: the connection
 * @path: path of its socket file
 *
 * Negotiates the protocol features, makes the channel for requests of the back end if
 * BACKEND_REQ is negotiated, gets the numbers of queues and of memory slots, and sends
 * SET_OWNER. When it fails, lost() is not called. After the end of a connection, this
 * function can be called again.
 *
 * Return: as all requests; -EISCONN when a back end is connected already; -EOPNOTSUPP
 * when the back end lacks a required protocol feature; or an errno of connect(2).
 */
int vhost_backend_connect(struct vhost_backend *b, const char *path);

/**
 * vhost_backend_connect_fd - negotiate on a connected socket
 * @b: the connection
 * @fd: the socket; the library owns it, also after an error
 *
 * Return: as vhost_backend_connect().
 */
int vhost_backend_connect_fd(struct vhost_backend *b, int fd);

/**
 * vhost_backend_disconnect - close the connection; calls lost() with 0
 * @b: the connection
 */
void vhost_backend_disconnect(struct vhost_backend *b);

/**
 * vhost_backend_connected - whether a back end is connected
 * @b: the connection
 *
 * Return: true if a back end is connected.
 */
bool vhost_backend_connected(const struct vhost_backend *b);

/**
 * vhost_backend_fd - the socket to wait on for POLLIN
 * @b: the connection
 *
 * Return: the socket; -1 without a connection.
 */
int vhost_backend_fd(const struct vhost_backend *b);

/**
 * vhost_backend_req_fd - the channel for the back end's requests, to wait on
 * for POLLIN
 * @b: the connection
 *
 * Return: the channel; -1 without a channel.
 */
int vhost_backend_req_fd(const struct vhost_backend *b);

/**
 * vhost_backend_process - handle what has arrived on both sockets, without
 * waiting
 * @b: the connection
 *
 * On vhost_backend_fd() only the end of the connection can arrive. At most 64
 * requests of the back end are served in one call.
 *
 * Return: 0; -ENOTCONN; or the errno with which the connection has ended.
 */
int vhost_backend_process(struct vhost_backend *b);

/**
 * vhost_backend_error - the text of the last error
 * @b: the connection
 *
 * Return: the text, valid until the next call; never NULL.
 */
const char *vhost_backend_error(const struct vhost_backend *b);

/**
 * vhost_backend_features - the device features that the back end offers
 * @b: the connection
 *
 * Return: a mask, with VHOST_USER_F_PROTOCOL_FEATURES.
 */
uint64_t vhost_backend_features(const struct vhost_backend *b);

/**
 * vhost_backend_protocol - the negotiated protocol features
 * @b: the connection
 *
 * Return: a mask of VHOST_USER_PROTOCOL().
 */
uint64_t vhost_backend_protocol(const struct vhost_backend *b);

/**
 * vhost_backend_offered - the protocol features that the back end offers
 * @b: the connection
 *
 * Return: a mask of VHOST_USER_PROTOCOL().
 */
uint64_t vhost_backend_offered(const struct vhost_backend *b);

/**
 * vhost_backend_has - whether protocol features are negotiated
 * @b: the connection
 * @mask: of VHOST_USER_PROTOCOL()
 *
 * Return: true if all of @mask are negotiated.
 */
bool vhost_backend_has(const struct vhost_backend *b, uint64_t mask);

/**
 * vhost_backend_queues - the number of queues, from GET_QUEUE_NUM while
 * connecting
 * @b: the connection
 *
 * Return: the number; 0 without MQ.
 */
uint64_t vhost_backend_queues(const struct vhost_backend *b);

/**
 * vhost_backend_mem_slots - how many regions the back end can have at one time
 * @b: the connection
 *
 * Return: the answer to GET_MAX_MEM_SLOTS while connecting;
 * VHOST_USER_MAX_REGIONS without CONFIGURE_MEM_SLOTS.
 */
uint64_t vhost_backend_mem_slots(const struct vhost_backend *b);

/*
 * Requests. The protocol feature that a request needs follows the name of the request.
 */

/**
 * vhost_backend_get_features - GET_FEATURES
 * @b: the connection
 * @features: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_features(struct vhost_backend *b, uint64_t *features);

/**
 * vhost_backend_set_features - SET_FEATURES
 * @b: the connection
 * @features: feature bits of virtio, and VHOST_F_LOG_ALL while writes are logged
 *
 * Adds VHOST_USER_F_PROTOCOL_FEATURES if the back end offers it. Without this
 * feature, a back end enables all rings at once.
 *
 * Return: as all requests.
 */
int vhost_backend_set_features(struct vhost_backend *b, uint64_t features);

/**
 * vhost_backend_get_protocol_features - GET_PROTOCOL_FEATURES
 * @b: the connection
 * @mask: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_protocol_features(struct vhost_backend *b,
					uint64_t *mask);

/**
 * vhost_backend_set_protocol_features - SET_PROTOCOL_FEATURES, which
 * vhost_backend_connect() has sent
 * @b: the connection
 * @mask: of VHOST_USER_PROTOCOL()
 *
 * Return: as all requests.
 */
int vhost_backend_set_protocol_features(struct vhost_backend *b, uint64_t mask);

/**
 * vhost_backend_set_owner - SET_OWNER, which vhost_backend_connect() has sent
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_set_owner(struct vhost_backend *b);

/**
 * vhost_backend_reset_owner - RESET_OWNER; deprecated, and back ends disagree on its
 * effect
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_reset_owner(struct vhost_backend *b);

/**
 * vhost_backend_reset_device - RESET_DEVICE; RESET_DEVICE
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_reset_device(struct vhost_backend *b);

/**
 * struct vhost_region - a memory region with its file
 * @region: region.mmap_offset is an offset in @fd
 * @fd: memory that can be mapped
 */
struct vhost_region {
	struct vhost_user_region region;
	int fd;
};

/**
 * vhost_backend_set_mem_table - SET_MEM_TABLE
 * @b: the connection
 * @mem: the regions, which replace all earlier regions
 * @nr: entries of @mem, 0 to VHOST_USER_MAX_REGIONS
 *
 * Return: as all requests; -EINVAL also for a region that is empty or wraps.
 */
int vhost_backend_set_mem_table(struct vhost_backend *b,
				const struct vhost_region *mem, uint32_t nr);

/**
 * vhost_backend_set_mem_table_postcopy - SET_MEM_TABLE after POSTCOPY_LISTEN;
 * PAGEFAULT
 * @b: the connection
 * @mem: the regions
 * @nr: entries of @mem
 * @bases: result: the address of each region in the back end, for userfaultfd
 *
 * Call vhost_backend_ack_mem_table() when faults can be served.
 *
 * Return: as all requests.
 */
int vhost_backend_set_mem_table_postcopy(struct vhost_backend *b,
					 const struct vhost_region *mem,
					 uint32_t nr, uint64_t *bases);

/**
 * vhost_backend_ack_mem_table - acknowledge the addresses after SET_MEM_TABLE;
 * PAGEFAULT
 * @b: the connection
 *
 * The back end does not answer this message.
 *
 * Return: as all requests.
 */
int vhost_backend_ack_mem_table(struct vhost_backend *b);

/**
 * vhost_backend_get_max_mem_slots - GET_MAX_MEM_SLOTS; CONFIGURE_MEM_SLOTS
 * @b: the connection
 * @slots: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_max_mem_slots(struct vhost_backend *b, uint64_t *slots);

/**
 * vhost_backend_add_mem_reg - ADD_MEM_REG; CONFIGURE_MEM_SLOTS
 * @b: the connection
 * @mem: the region
 *
 * Return: as all requests.
 */
int vhost_backend_add_mem_reg(struct vhost_backend *b,
			      const struct vhost_region *mem);

/**
 * vhost_backend_add_mem_reg_postcopy - ADD_MEM_REG after POSTCOPY_LISTEN;
 * CONFIGURE_MEM_SLOTS, PAGEFAULT
 * @b: the connection
 * @mem: the region
 * @base: result: the address of the region in the back end, for userfaultfd
 *
 * Return: as all requests.
 */
int vhost_backend_add_mem_reg_postcopy(struct vhost_backend *b,
				       const struct vhost_region *mem,
				       uint64_t *base);

/**
 * vhost_backend_rem_mem_reg - REM_MEM_REG; CONFIGURE_MEM_SLOTS
 * @b: the connection
 * @region: with the addresses and the size of a region that was added
 *
 * Return: as all requests.
 */
int vhost_backend_rem_mem_reg(struct vhost_backend *b,
			      const struct vhost_user_region *region);

/**
 * vhost_backend_set_log_base - SET_LOG_BASE; LOG_SHMFD
 * @b: the connection
 * @size: of the log, bytes; one bit stands for 4 KiB of guest addresses
 * @offset: of the log in @fd, bytes
 * @fd: memory that can be mapped
 *
 * Return: as all requests.
 */
int vhost_backend_set_log_base(struct vhost_backend *b, uint64_t size,
			       uint64_t offset, int fd);

/**
 * vhost_backend_set_log_fd - SET_LOG_FD
 * @b: the connection
 * @fd: eventfd that the back end signals when it has changed the log
 *
 * Return: as all requests.
 */
int vhost_backend_set_log_fd(struct vhost_backend *b, int fd);

/**
 * vhost_backend_set_vring_num - SET_VRING_NUM
 * @b: the connection
 * @vring: the ring
 * @num: entries of the ring
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_num(struct vhost_backend *b, uint32_t vring,
				uint32_t num);

/**
 * vhost_backend_set_vring_addr - SET_VRING_ADDR
 * @b: the connection
 * @addr: the ring and its addresses
 *
 * Return: as all requests; -EINVAL also for addresses that are not aligned to
 * 16 (descriptors), 2 (available ring) and 4 (used ring).
 */
int vhost_backend_set_vring_addr(struct vhost_backend *b,
				 const struct vhost_vring_addr *addr);

/**
 * vhost_backend_set_vring_base - SET_VRING_BASE: where a ring continues
 * @b: the connection
 * @vring: the ring
 * @base: of a split ring, the available index in 16 bits. Of a packed ring:
 *        bits 0-14 the available index, 15 its wrap counter, 16-30 the used
 *        index, 31 its wrap counter; see vhost_packed_base().
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t base);

/**
 * vhost_packed_base - the base of a packed ring
 * @avail: the available index
 * @avail_wrap: its wrap counter
 * @used: the used index
 * @used_wrap: its wrap counter
 *
 * Return: the base, for vhost_backend_set_vring_base().
 */
static inline uint32_t vhost_packed_base(uint16_t avail, bool avail_wrap,
					 uint16_t used, bool used_wrap)
{
	return (avail & 0x7fff) | (uint32_t)avail_wrap << 15 |
	       (uint32_t)(used & 0x7fff) << 16 | (uint32_t)used_wrap << 31;
}

/**
 * vhost_backend_get_vring_base - GET_VRING_BASE: stop a ring
 * @b: the connection
 * @vring: the ring
 * @base: result, as for vhost_backend_set_vring_base()
 *
 * Return: as all requests.
 */
int vhost_backend_get_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t *base);

/**
 * vhost_backend_set_vring_kick - SET_VRING_KICK
 * @b: the connection
 * @vring: the ring
 * @fd: eventfd; -1: the back end must poll the ring
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_kick(struct vhost_backend *b, uint32_t vring,
				 int fd);

/**
 * vhost_backend_set_vring_call - SET_VRING_CALL
 * @b: the connection
 * @vring: the ring
 * @fd: eventfd; -1: none
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_call(struct vhost_backend *b, uint32_t vring,
				 int fd);

/**
 * vhost_backend_set_vring_err - SET_VRING_ERR
 * @b: the connection
 * @vring: the ring
 * @fd: eventfd; -1: none
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_err(struct vhost_backend *b, uint32_t vring,
				int fd);

/**
 * vhost_backend_set_vring_enable - SET_VRING_ENABLE
 * @b: the connection
 * @vring: the ring
 * @enable: true: enable the ring; false: disable it
 *
 * When this function returns, the back end has enabled the ring, also if it has no
 * REPLY_ACK. Kick the ring then: back ends may drop earlier kicks.
 *
 * Return: as all requests; -EOPNOTSUPP when the back end does not offer
 * VHOST_USER_F_PROTOCOL_FEATURES: then rings are always enabled.
 */
int vhost_backend_set_vring_enable(struct vhost_backend *b, uint32_t vring,
				   bool enable);

/**
 * vhost_backend_set_vring_endian - SET_VRING_ENDIAN; CROSS_ENDIAN
 * @b: the connection
 * @vring: the ring
 * @big: true: big endian; false: little endian
 *
 * Return: as all requests.
 */
int vhost_backend_set_vring_endian(struct vhost_backend *b, uint32_t vring,
				   bool big);

/**
 * vhost_backend_vring_kick - VRING_KICK; INBAND_NOTIFICATIONS
 * @b: the connection
 * @vring: the ring
 *
 * Return: as all requests.
 */
int vhost_backend_vring_kick(struct vhost_backend *b, uint32_t vring);

/**
 * vhost_backend_get_queue_num - GET_QUEUE_NUM; MQ
 * @b: the connection
 * @queues: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_queue_num(struct vhost_backend *b, uint64_t *queues);

/**
 * vhost_backend_send_rarp - SEND_RARP; RARP
 * @b: the connection
 * @mac: address, 6 bytes
 *
 * Return: as all requests.
 */
int vhost_backend_send_rarp(struct vhost_backend *b, const uint8_t *mac);

/**
 * vhost_backend_net_set_mtu - NET_SET_MTU; MTU
 * @b: the connection
 * @mtu: bytes
 *
 * Return: as all requests.
 */
int vhost_backend_net_set_mtu(struct vhost_backend *b, uint16_t mtu);

/**
 * vhost_backend_set_backend_req_fd - SET_BACKEND_REQ_FD; BACKEND_REQ
 * @b: the connection
 *
 * Makes a new channel and closes the previous channel: vhost_backend_req_fd() changes.
 * vhost_backend_connect() has made the first channel.
 *
 * Return: as all requests.
 */
int vhost_backend_set_backend_req_fd(struct vhost_backend *b);

/**
 * vhost_backend_iotlb_msg - IOTLB_MSG; REPLY_ACK
 * @b: the connection
 * @msg: an update or an invalidation
 *
 * The request needs REPLY_ACK, since back ends do not answer it without REPLY_ACK.
 *
 * Return: as all requests.
 */
int vhost_backend_iotlb_msg(struct vhost_backend *b,
			    const struct vhost_iotlb_msg *msg);

/**
 * vhost_backend_get_config - GET_CONFIG; CONFIG
 * @b: the connection
 * @offset: from the start of the configuration space, bytes
 * @buf: result
 * @len: bytes, 1 to VHOST_USER_MAX_CONFIG - @offset
 *
 * Back ends that use QEMU's libvhost-user ignore @offset: read from 0. They and
 * DPDK refuse more than 256 bytes, and QEMU more than the device has.
 *
 * Return: as all requests.
 */
int vhost_backend_get_config(struct vhost_backend *b, uint32_t offset,
			     void *buf, uint32_t len);

/**
 * vhost_backend_set_config - SET_CONFIG; CONFIG
 * @b: the connection
 * @offset: from the start of the configuration space, bytes
 * @buf: the data
 * @len: bytes
 * @flags: VHOST_USER_CONFIG_DRIVER or _MIGRATION
 *
 * Return: as all requests.
 */
int vhost_backend_set_config(struct vhost_backend *b, uint32_t offset,
			     const void *buf, uint32_t len, uint32_t flags);

/**
 * vhost_backend_create_crypto_session - CREATE_CRYPTO_SESSION; CRYPTO_SESSION
 * @b: the connection
 * @session: session->session_id is the result
 *
 * Return: as all requests.
 */
int vhost_backend_create_crypto_session(
	struct vhost_backend *b, struct vhost_user_crypto_session *session);

/**
 * vhost_backend_close_crypto_session - CLOSE_CRYPTO_SESSION; CRYPTO_SESSION
 * @b: the connection
 * @id: of the session
 *
 * Return: as all requests.
 */
int vhost_backend_close_crypto_session(struct vhost_backend *b, uint64_t id);

/**
 * vhost_backend_postcopy_advise - POSTCOPY_ADVISE; PAGEFAULT
 * @b: the connection
 * @fd: result: the userfaultfd of the back end, which the caller owns
 *
 * Return: as all requests.
 */
int vhost_backend_postcopy_advise(struct vhost_backend *b, int *fd);

/**
 * vhost_backend_postcopy_listen - POSTCOPY_LISTEN; PAGEFAULT, REPLY_ACK
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_postcopy_listen(struct vhost_backend *b);

/**
 * vhost_backend_postcopy_end - POSTCOPY_END; PAGEFAULT
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_postcopy_end(struct vhost_backend *b);

/**
 * vhost_backend_get_inflight_fd - GET_INFLIGHT_FD; INFLIGHT_SHMFD
 * @b: the connection
 * @inflight: num_queues and queue_size are sent; all members are the result
 * @fd: result: the memory, which the caller owns
 *
 * Return: as all requests; -ENODATA when the back end has no such memory.
 */
int vhost_backend_get_inflight_fd(struct vhost_backend *b,
				  struct vhost_user_inflight *inflight,
				  int *fd);

/**
 * vhost_backend_set_inflight_fd - SET_INFLIGHT_FD; INFLIGHT_SHMFD
 * @b: the connection
 * @inflight: as an earlier back end sent it, see vhost_backend_get_inflight_fd()
 * @fd: the memory
 *
 * Return: as all requests.
 */
int vhost_backend_set_inflight_fd(struct vhost_backend *b,
				  const struct vhost_user_inflight *inflight,
				  int fd);

/**
 * vhost_backend_gpu_set_socket - GPU_SET_SOCKET
 * @b: the connection
 * @fd: the socket
 *
 * Return: as all requests.
 */
int vhost_backend_gpu_set_socket(struct vhost_backend *b, int fd);

/**
 * vhost_backend_set_status - SET_STATUS; STATUS
 * @b: the connection
 * @status: the device status of virtio
 *
 * Return: as all requests.
 */
int vhost_backend_set_status(struct vhost_backend *b, uint8_t status);

/**
 * vhost_backend_get_status - GET_STATUS; STATUS
 * @b: the connection
 * @status: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_status(struct vhost_backend *b, uint8_t *status);

/**
 * vhost_backend_get_shared_object - GET_SHARED_OBJECT; SHARED_OBJECT
 * @b: the connection
 * @object: the object
 * @fd: result: its memory, which the caller owns
 *
 * Return: as all requests; -ENODATA when the back end does not have the object.
 */
int vhost_backend_get_shared_object(struct vhost_backend *b,
				    const struct vhost_user_shared *object,
				    int *fd);

/**
 * vhost_backend_set_device_state_fd - SET_DEVICE_STATE_FD; DEVICE_STATE
 * @b: the connection
 * @direction: VHOST_USER_STATE_SAVE or _LOAD
 * @phase: VHOST_USER_PHASE_STOPPED
 * @fd: the back end's end of a pipe
 * @reply_fd: result: a file descriptor to use instead of the other end of the
 *            pipe, which the caller owns; or -1
 *
 * Return: as all requests.
 */
int vhost_backend_set_device_state_fd(struct vhost_backend *b,
				      uint32_t direction, uint32_t phase,
				      int fd, int *reply_fd);

/**
 * vhost_backend_check_device_state - CHECK_DEVICE_STATE after a transfer;
 * DEVICE_STATE
 * @b: the connection
 *
 * Return: as all requests.
 */
int vhost_backend_check_device_state(struct vhost_backend *b);

/**
 * vhost_backend_get_shmem_config - GET_SHMEM_CONFIG; SHMEM
 * @b: the connection
 * @config: result
 *
 * Return: as all requests.
 */
int vhost_backend_get_shmem_config(struct vhost_backend *b,
				   struct vhost_user_shmem_config *config);

#ifdef __cplusplus
}
#endif

#endif /* VHOST_USER_BACKEND_H */
