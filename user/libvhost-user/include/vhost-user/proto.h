/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvhost-user: messages of the vhost-user protocol.
 *
 * The structures of the messages, as in QEMU's docs/interop/vhost-user.rst, and functions
 * that check them. The functions do no I/O and allocate no memory. Numbers are in the
 * byte order of the machine. Payloads for which Linux has a structure (rings, IOTLB) use
 * the structure of <linux/vhost_types.h>.
 *
 * The same checks are made before a message is sent and after it is received, for both
 * directions. So a message that the receiver would have to refuse is not sent.
 */
#ifndef VHOST_USER_PROTO_H
#define VHOST_USER_PROTO_H

/* The inline functions of <linux/virtio_ring.h> are not C++. */
#if defined(__cplusplus) && !defined(VIRTIO_RING_NO_LEGACY)
#define VIRTIO_RING_NO_LEGACY
#endif
#include <linux/vhost_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Requests of the front end. */
enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SEND_RARP = 19,
	VHOST_USER_NET_SET_MTU = 20,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_IOTLB_MSG = 22,
	VHOST_USER_SET_VRING_ENDIAN = 23,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_CREATE_CRYPTO_SESSION = 26,
	VHOST_USER_CLOSE_CRYPTO_SESSION = 27,
	VHOST_USER_POSTCOPY_ADVISE = 28,
	VHOST_USER_POSTCOPY_LISTEN = 29,
	VHOST_USER_POSTCOPY_END = 30,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_GPU_SET_SOCKET = 33,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_VRING_KICK = 35,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_GET_SHARED_OBJECT = 41,
	VHOST_USER_SET_DEVICE_STATE_FD = 42,
	VHOST_USER_CHECK_DEVICE_STATE = 43,
	VHOST_USER_GET_SHMEM_CONFIG = 44,
	VHOST_USER_MAX
};

/* Requests of the back end, on the channel of SET_BACKEND_REQ_FD. */
enum vhost_user_backend_request {
	VHOST_USER_BACKEND_IOTLB_MSG = 1,
	VHOST_USER_BACKEND_CONFIG_CHANGE_MSG = 2,
	VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
	VHOST_USER_BACKEND_VRING_CALL = 4,
	VHOST_USER_BACKEND_VRING_ERR = 5,
	VHOST_USER_BACKEND_SHARED_OBJECT_ADD = 6,
	VHOST_USER_BACKEND_SHARED_OBJECT_REMOVE = 7,
	VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP = 8,
	VHOST_USER_BACKEND_SHMEM_MAP = 9,
	VHOST_USER_BACKEND_SHMEM_UNMAP = 10,
	VHOST_USER_BACKEND_MAX
};

/*
 * Requests of crosvm's back ends, which the specification does not have. The requests FS_*
 * are those of an old draft of it, and crosvm's back ends do not send them any more.
 */
enum vhost_user_crosvm_request {
	VHOST_USER_CROSVM_FS_MAP = 1002,
	VHOST_USER_CROSVM_FS_UNMAP = 1003,
	VHOST_USER_CROSVM_FS_SYNC = 1004,
	VHOST_USER_CROSVM_FS_IO = 1005,
	VHOST_USER_CROSVM_GPU_MAP = 1006,
	VHOST_USER_CROSVM_EXTERNAL_MAP = 1007,
	VHOST_USER_CROSVM_MAX
};

/* Feature bit of GET_FEATURES: the back end has protocol features. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

/* Protocol features, as bit numbers. */
#define VHOST_USER_PROTOCOL_F_MQ		      0
#define VHOST_USER_PROTOCOL_F_LOG_SHMFD		      1
#define VHOST_USER_PROTOCOL_F_RARP		      2
#define VHOST_USER_PROTOCOL_F_REPLY_ACK		      3
#define VHOST_USER_PROTOCOL_F_MTU		      4
#define VHOST_USER_PROTOCOL_F_BACKEND_REQ	      5
#define VHOST_USER_PROTOCOL_F_CROSS_ENDIAN	      6
#define VHOST_USER_PROTOCOL_F_CRYPTO_SESSION	      7
#define VHOST_USER_PROTOCOL_F_PAGEFAULT		      8
#define VHOST_USER_PROTOCOL_F_CONFIG		      9
#define VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD	      10
#define VHOST_USER_PROTOCOL_F_HOST_NOTIFIER	      11
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD	      12
#define VHOST_USER_PROTOCOL_F_RESET_DEVICE	      13
#define VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS    14
#define VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS     15
#define VHOST_USER_PROTOCOL_F_STATUS		      16
#define VHOST_USER_PROTOCOL_F_XEN_MMAP		      17 /* not implemented */
#define VHOST_USER_PROTOCOL_F_SHARED_OBJECT	      18
#define VHOST_USER_PROTOCOL_F_DEVICE_STATE	      19
#define VHOST_USER_PROTOCOL_F_GET_VRING_BASE_INFLIGHT 20
#define VHOST_USER_PROTOCOL_F_GPA_ADDRESSES	      21 /* not implemented */
#define VHOST_USER_PROTOCOL_F_SHMEM		      22

/* A bit of a mask, e.g. VHOST_USER_PROTOCOL(MQ) | VHOST_USER_PROTOCOL(CONFIG). */
#define VHOST_USER_PROTOCOL(name) (1ULL << VHOST_USER_PROTOCOL_F_##name)

/* Flags of the header. */
#define VHOST_USER_VERSION	0x1
#define VHOST_USER_VERSION_MASK 0x3
#define VHOST_USER_REPLY	0x4
#define VHOST_USER_NEED_REPLY	0x8

#define VHOST_USER_MAX_FDS     8 /* in one message */
#define VHOST_USER_MAX_REGIONS 8 /* in SET_MEM_TABLE */
#define VHOST_USER_MAX_CONFIG  4096 /* bytes of config space */
#define VHOST_USER_MAX_SHMEM   256 /* shared memory IDs */
#define VHOST_USER_CROSVM_FS   8 /* parts in a request FS_* of crosvm */
#define VHOST_USER_VRING_MASK  0xff /* in SET_VRING_KICK etc.: the ring */
#define VHOST_USER_VRING_NOFD  0x100 /* without a file descriptor */
#define VHOST_USER_STATE_ERROR 0xff /* in SET_DEVICE_STATE_FD: error */
#define VHOST_USER_STATE_NOFD  0x100 /* without a file descriptor */
#define VHOST_USER_UUID_SIZE   16
#define VHOST_USER_CIPHER_KEY  64
#define VHOST_USER_AUTH_KEY    512
#define VHOST_USER_ASYM_KEY    1024

/**
 * struct vhost_user_header - the header of every message
 * @request: enum vhost_user_request or enum vhost_user_backend_request
 * @flags: VHOST_USER_VERSION, _REPLY, _NEED_REPLY
 * @size: length of the payload, bytes
 */
struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

/**
 * struct vhost_user_region - memory that the back end may map
 * @guest_addr: the address that descriptors of rings use
 * @size: bytes
 * @user_addr: the address that SET_VRING_ADDR uses
 * @mmap_offset: offset in the file, bytes
 */
struct vhost_user_region {
	uint64_t guest_addr;
	uint64_t size;
	uint64_t user_addr;
	uint64_t mmap_offset;
};

/* SET_MEM_TABLE: only @nr entries of @regions are sent. */
struct vhost_user_memory {
	uint32_t nr;
	uint32_t padding;
	struct vhost_user_region regions[VHOST_USER_MAX_REGIONS];
};

/* ADD_MEM_REG, REM_MEM_REG */
struct vhost_user_mem_reg {
	uint64_t padding;
	struct vhost_user_region region;
};

/* SET_LOG_BASE */
struct vhost_user_log {
	uint64_t size;
	uint64_t offset;
};

/* GET_CONFIG, SET_CONFIG: only @size bytes of @data are sent. */
struct vhost_user_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t data[VHOST_USER_MAX_CONFIG];
};

/* Flags of SET_CONFIG: write what the driver may write, or all (migration). */
#define VHOST_USER_CONFIG_DRIVER    0
#define VHOST_USER_CONFIG_MIGRATION 1

/*
 * VRING_HOST_NOTIFIER_MSG: @vring is the number of the ring, and VHOST_USER_VRING_NOFD if
 * no fd is sent.
 */
struct vhost_user_vring_area {
	uint64_t vring;
	uint64_t size;
	uint64_t offset;
};

/* GET_INFLIGHT_FD, SET_INFLIGHT_FD; all implementations pad it to 24 bytes. */
struct vhost_user_inflight {
	uint64_t mmap_size;
	uint64_t mmap_offset;
	uint16_t num_queues;
	uint16_t queue_size;
	uint32_t padding;
};

/* GET_SHARED_OBJECT, SHARED_OBJECT_ADD, _REMOVE, _LOOKUP */
struct vhost_user_shared {
	uint8_t uuid[VHOST_USER_UUID_SIZE];
};

/* SET_DEVICE_STATE_FD */
struct vhost_user_device_state {
	uint32_t direction;
	uint32_t phase;
};

#define VHOST_USER_STATE_SAVE	 0
#define VHOST_USER_STATE_LOAD	 1
#define VHOST_USER_PHASE_STOPPED 0

/* SHMEM_MAP, SHMEM_UNMAP */
struct vhost_user_mmap {
	uint8_t shmid;
	uint8_t padding[7];
	uint64_t fd_offset;
	uint64_t shm_offset;
	uint64_t len;
	uint64_t flags;
};

#define VHOST_USER_MMAP_WRITE 1

/* GET_SHMEM_CONFIG: the index in @sizes is the ID; @nr sizes are not 0. */
struct vhost_user_shmem_config {
	uint32_t nr;
	uint32_t padding;
	uint64_t sizes[VHOST_USER_MAX_SHMEM];
};

/*
 * FS_MAP, FS_UNMAP, FS_SYNC, FS_IO of crosvm: parts of a file and of the shared memory. A part
 * with a length of 0 is not used.
 */
struct vhost_user_crosvm_fs {
	uint64_t fd_offset[VHOST_USER_CROSVM_FS];
	uint64_t shm_offset[VHOST_USER_CROSVM_FS];
	uint64_t len[VHOST_USER_CROSVM_FS];
	uint64_t flags[VHOST_USER_CROSVM_FS];
};

#define VHOST_USER_CROSVM_FS_READ  1
#define VHOST_USER_CROSVM_FS_WRITE 2

/* GPU_MAP of crosvm: memory of a GPU, by a handle of Vulkan. */
struct vhost_user_crosvm_gpu_map {
	uint8_t shmid;
	uint8_t padding[7];
	uint64_t shm_offset;
	uint64_t len;
	uint32_t memory_idx;
	uint32_t handle_type;
	uint8_t device_uuid[VHOST_USER_UUID_SIZE];
	uint8_t driver_uuid[VHOST_USER_UUID_SIZE];
};

/*
 * EXTERNAL_MAP of crosvm: @pointer is an address in the process of the front end, which has
 * the back end in a thread. The back end must be trusted: no check can show that the address
 * is one that the front end wants to share.
 */
struct vhost_user_crosvm_external_map {
	uint8_t shmid;
	uint8_t padding[7];
	uint64_t shm_offset;
	uint64_t len;
	uint64_t pointer;
};

/*
 * CREATE_CRYPTO_SESSION. The specification does not describe its payload: this is what
 * QEMU 7.1 and later sends and DPDK 24.11 and later accepts. QEMU and DPDK send pointers
 * of their own processes, which no receiver can use. This library sends 0 instead.
 */
struct vhost_user_crypto_session {
	uint64_t op_code;
	union {
		struct {
			uint32_t cipher_algo;
			uint32_t cipher_key_len;
			uint32_t hash_algo;
			uint32_t digest_len;
			uint32_t auth_key_len;
			uint32_t aad_len;
			uint8_t op_type;
			uint8_t direction;
			uint8_t hash_mode;
			uint8_t chain_order;
			uint32_t padding;
			uint64_t pointers[2];
			uint8_t cipher_key[VHOST_USER_CIPHER_KEY];
			uint8_t auth_key[VHOST_USER_AUTH_KEY];
		} sym;
		struct {
			uint32_t algo;
			uint32_t key_type;
			uint32_t key_len;
			uint32_t padding;
			uint64_t pointer;
			uint32_t rsa_padding_algo;
			uint32_t rsa_hash_algo;
			uint8_t key[VHOST_USER_ASYM_KEY];
		} asym;
	};
	int64_t session_id;
};

/* op_code: VIRTIO_CRYPTO_OPCODE() of linux/virtio_crypto.h */

/** union vhost_user_payload - the payload of a message */
union vhost_user_payload {
	uint64_t u64;
	struct vhost_vring_state state;
	struct vhost_vring_addr addr;
	struct vhost_iotlb_msg iotlb;
	struct vhost_user_memory memory;
	struct vhost_user_mem_reg mem_reg;
	struct vhost_user_log log;
	struct vhost_user_config config;
	struct vhost_user_vring_area area;
	struct vhost_user_inflight inflight;
	struct vhost_user_shared shared;
	struct vhost_user_device_state device_state;
	struct vhost_user_mmap mmap;
	struct vhost_user_shmem_config shmem;
	struct vhost_user_crypto_session crypto;
	struct vhost_user_crosvm_fs crosvm_fs;
	struct vhost_user_crosvm_gpu_map crosvm_gpu;
	struct vhost_user_crosvm_external_map crosvm_external;
};

/** struct vhost_user_msg - a message without its file descriptors */
struct vhost_user_msg {
	struct vhost_user_header hdr;
	union vhost_user_payload payload;
};

/**
 * enum vhost_user_kind - the sender and the direction of a message
 * @VHOST_USER_REQUEST: a request of the front end
 * @VHOST_USER_ANSWER: the back end's answer to VHOST_USER_REQUEST
 * @VHOST_USER_BACKEND_REQUEST: a request of the back end, on its channel
 * @VHOST_USER_BACKEND_ANSWER: the front end's answer to VHOST_USER_BACKEND_REQUEST
 * @VHOST_USER_POSTCOPY_ANSWER: the back end's answer to SET_MEM_TABLE or ADD_MEM_REG
 *	after POSTCOPY_LISTEN
 */
enum vhost_user_kind {
	VHOST_USER_REQUEST,
	VHOST_USER_ANSWER,
	VHOST_USER_BACKEND_REQUEST,
	VHOST_USER_BACKEND_ANSWER,
	VHOST_USER_POSTCOPY_ANSWER,
};

/**
 * vhost_user_request_name - the name of a request, for messages
 * @kind: the kind of the message
 * @request: the request in the header
 *
 * Return: e.g. "GET_FEATURES"; "?" for an unknown request.
 */
const char *vhost_user_request_name(enum vhost_user_kind kind,
				    uint32_t request);

/**
 * vhost_user_decode_header - check a header, before the payload is received
 * @kind: the expected kind
 * @buf: sizeof(struct vhost_user_header) bytes
 * @hdr: result
 * @rule: result of -EPROTO: the rule that is broken, in words
 *
 * Return: 0: hdr->size is a size that the payload of this request can have, at most
 * sizeof(union vhost_user_payload); -EPROTO.
 */
int vhost_user_decode_header(enum vhost_user_kind kind, const void *buf,
			     struct vhost_user_header *hdr, const char **rule);

/**
 * vhost_user_decode - check a complete message
 * @kind: the expected kind
 * @buf: the message, from its header on, in any alignment
 * @len: length of @buf, bytes; must match the header
 * @nr_fds: file descriptors that came with the message
 * @asked: for VHOST_USER_ANSWER, _BACKEND_ANSWER and _POSTCOPY_ANSWER the request that
 *	the message must answer, else NULL
 * @msg: result; the bytes after the payload are 0
 * @rule: result of -EPROTO: the rule that is broken, in words
 *
 * Checks the version, the flags, the request, the exact size, the number of file
 * descriptors and the values. Sizes must not be 0 or wrap, addresses of rings must be
 * aligned, padding must be 0, and an answer must fit the request.
 *
 * Return: 0; -EPROTO.
 */
int vhost_user_decode(enum vhost_user_kind kind, const void *buf, size_t len,
		      uint32_t nr_fds, const struct vhost_user_msg *asked,
		      struct vhost_user_msg *msg, const char **rule);

/**
 * vhost_user_encode - complete a message before it is sent
 * @kind: the kind of the message
 * @msg: the caller sets the request, the payload, and VHOST_USER_NEED_REPLY in the flags
 *	if it wants a reply; this function sets the other flags and the size
 * @nr_fds: file descriptors to send with it
 * @asked: as for vhost_user_decode()
 * @rule: result of -EPROTO: the rule that is broken, in words
 *
 * Send msg->hdr, then msg->hdr.size bytes of msg->payload. To report the failure of a
 * GET_CONFIG, answer it with a config.size of 0.
 *
 * Return: 0; -EPROTO when the receiver would have to refuse the message.
 */
int vhost_user_encode(enum vhost_user_kind kind, struct vhost_user_msg *msg,
		      uint32_t nr_fds, const struct vhost_user_msg *asked,
		      const char **rule);

/**
 * vhost_user_protocol_name - the name of a protocol feature, for messages
 * @bit: number of the bit
 *
 * Return: e.g. "REPLY_ACK"; "?" for an unknown feature.
 */
const char *vhost_user_protocol_name(unsigned int bit);

/**
 * vhost_user_protocol_needed - the protocol features that a request needs
 * @kind: VHOST_USER_REQUEST or VHOST_USER_BACKEND_REQUEST
 * @request: the request
 *
 * Return: a mask; all features in it must be negotiated. It is 0 for most requests.
 */
uint64_t vhost_user_protocol_needed(enum vhost_user_kind kind,
				    uint32_t request);

/**
 * vhost_user_has_answer - whether a request is answered even without REPLY_ACK
 * @kind: VHOST_USER_REQUEST or VHOST_USER_BACKEND_REQUEST
 * @request: the request
 *
 * Return: true if the request is answered even without REPLY_ACK.
 */
bool vhost_user_has_answer(enum vhost_user_kind kind, uint32_t request);

/**
 * vhost_user_settle_protocol - select protocol features that work together
 * @mask: features that the back end offers and the front end wants
 *
 * Return: @mask without the features that need a feature which is not in @mask, and
 * without the features that this library does not implement. For example, in-band
 * notifications need a channel for the back end and REPLY_ACK. XEN_MMAP and GPA_ADDRESSES
 * change the meaning of messages, and bits that have no name here may do so.
 */
uint64_t vhost_user_settle_protocol(uint64_t mask);

#ifdef __cplusplus
}
#endif

#endif /* VHOST_USER_PROTO_H */
