// SPDX-License-Identifier: BSD-3-Clause
/* Checks of the contents of messages. */
#include <linux/virtio_crypto.h>
#include <string.h>

#include "check.h"

#define unused __attribute__((unused))

#define MAX_VRING_NUM	 32768
#define MIN_MTU		 68
#define SHMEM_PAGE	 4096
#define IOTLB_ACCESS_ALL 3

static bool wraps(uint64_t start, uint64_t size)
{
	/* The range may end at 2^64. */
	return size && start + (size - 1) < start;
}

const char *vhu_check_vring_index(const struct vhost_user_msg *msg,
				  uint32_t nr_fds unused,
				  const struct vhost_user_msg *asked unused)
{
	if (msg->payload.state.index > VHOST_USER_VRING_MASK)
		return "the ring's number is above 255";
	return NULL;
}

const char *vhu_check_vring_num(const struct vhost_user_msg *msg,
				uint32_t nr_fds,
				const struct vhost_user_msg *asked)
{
	uint32_t num = msg->payload.state.num;

	if (!num || num > MAX_VRING_NUM)
		return "the ring's size is not 1 to 32768";
	return vhu_check_vring_index(msg, nr_fds, asked);
}

const char *vhu_check_vring_bool(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked)
{
	if (msg->payload.state.num > 1)
		return "the value is neither 0 nor 1";
	return vhu_check_vring_index(msg, nr_fds, asked);
}

const char *vhu_check_vring_zero(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked)
{
	if (msg->payload.state.num)
		return "the reserved number is not 0";
	return vhu_check_vring_index(msg, nr_fds, asked);
}

const char *vhu_check_vring_same(const struct vhost_user_msg *msg,
				 uint32_t nr_fds unused,
				 const struct vhost_user_msg *asked)
{
	if (msg->payload.state.index != asked->payload.state.index)
		return "it is for another ring";
	return NULL;
}

const char *vhu_check_vring_addr(const struct vhost_user_msg *msg,
				 uint32_t nr_fds unused,
				 const struct vhost_user_msg *asked unused)
{
	const struct vhost_vring_addr *addr = &msg->payload.addr;

	if (addr->index > VHOST_USER_VRING_MASK)
		return "the ring's number is above 255";
	if (addr->flags & ~(1U << VHOST_VRING_F_LOG))
		return "reserved flags of the ring are set";
	if (addr->desc_user_addr % 16)
		return "the descriptors are not aligned to 16";
	if (addr->avail_user_addr % 2)
		return "the available ring is not aligned to 2";
	if (addr->used_user_addr % 4)
		return "the used ring is not aligned to 4";
	return NULL;
}

static const char *check_nofd(uint64_t value, uint32_t nr_fds)
{
	if (value & ~(uint64_t)(VHOST_USER_VRING_MASK | VHOST_USER_VRING_NOFD))
		return "reserved bits are set";
	if (nr_fds != (value & VHOST_USER_VRING_NOFD ? 0 : 1))
		return nr_fds ? "it has an fd, but its flag NOFD is set" :
				"it has no fd, but its flag NOFD is not set";
	return NULL;
}

const char *vhu_check_vring_fd(const struct vhost_user_msg *msg,
			       uint32_t nr_fds,
			       const struct vhost_user_msg *asked unused)
{
	return check_nofd(msg->payload.u64, nr_fds);
}

const char *vhu_check_vring_area(const struct vhost_user_msg *msg,
				 uint32_t nr_fds,
				 const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_vring_area *area = &msg->payload.area;

	if (nr_fds && !area->size)
		return "the area is empty";
	if (wraps(area->offset, area->size))
		return "the area wraps";
	return check_nofd(area->vring, nr_fds);
}

static const char *check_region(const struct vhost_user_region *region)
{
	if (!region->size)
		return "a region is empty";
	if (wraps(region->guest_addr, region->size))
		return "a region wraps in guest addresses";
	if (wraps(region->user_addr, region->size))
		return "a region wraps in user addresses";
	if (wraps(region->mmap_offset, region->size))
		return "a region wraps in its file";
	return NULL;
}

static const char *check_regions(const struct vhost_user_memory *memory)
{
	const char *rule = NULL;
	uint32_t i;

	if (memory->padding)
		return "the padding is not 0";
	for (i = 0; i < memory->nr && !rule; i++)
		rule = check_region(&memory->regions[i]);
	return rule;
}

const char *vhu_check_memory(const struct vhost_user_msg *msg, uint32_t nr_fds,
			     const struct vhost_user_msg *asked unused)
{
	if (msg->payload.memory.nr != nr_fds)
		return "the number of fds is not the number of regions";
	return check_regions(&msg->payload.memory);
}

static bool same_region(const struct vhost_user_region *a,
			const struct vhost_user_region *b)
{
	return a->guest_addr == b->guest_addr && a->size == b->size;
}

const char *vhu_check_memory_bases(const struct vhost_user_msg *msg,
				   uint32_t nr_fds unused,
				   const struct vhost_user_msg *asked)
{
	const struct vhost_user_memory *memory = &msg->payload.memory;
	const struct vhost_user_memory *sent = &asked->payload.memory;
	uint32_t i;

	if (memory->nr != sent->nr)
		return "it has a different number of regions";
	for (i = 0; i < memory->nr; i++)
		if (!same_region(&memory->regions[i], &sent->regions[i]))
			return "it is for other regions";
	return check_regions(memory);
}

const char *vhu_check_mem_reg(const struct vhost_user_msg *msg,
			      uint32_t nr_fds unused,
			      const struct vhost_user_msg *asked unused)
{
	if (msg->payload.mem_reg.padding)
		return "the padding is not 0";
	return check_region(&msg->payload.mem_reg.region);
}

const char *vhu_check_mem_reg_base(const struct vhost_user_msg *msg,
				   uint32_t nr_fds,
				   const struct vhost_user_msg *asked)
{
	if (!same_region(&msg->payload.mem_reg.region,
			 &asked->payload.mem_reg.region))
		return "it is for another region";
	return vhu_check_mem_reg(msg, nr_fds, asked);
}

const char *vhu_check_log(const struct vhost_user_msg *msg,
			  uint32_t nr_fds unused,
			  const struct vhost_user_msg *asked unused)
{
	if (!msg->payload.log.size)
		return "the log is empty";
	if (wraps(msg->payload.log.offset, msg->payload.log.size))
		return "the log wraps in its file";
	return NULL;
}

static const char *check_iotlb(const struct vhost_iotlb_msg *iotlb)
{
	if (iotlb->perm > IOTLB_ACCESS_ALL)
		return "the permissions are not 0 to 3";
	if (wraps(iotlb->iova, iotlb->size))
		return "the range wraps";
	return NULL;
}

const char *vhu_check_iotlb_update(const struct vhost_user_msg *msg,
				   uint32_t nr_fds unused,
				   const struct vhost_user_msg *asked unused)
{
	const struct vhost_iotlb_msg *iotlb = &msg->payload.iotlb;

	if (iotlb->type != VHOST_IOTLB_UPDATE &&
	    iotlb->type != VHOST_IOTLB_INVALIDATE)
		return "the type is neither update nor invalidate";
	if (!iotlb->size)
		return "the range is empty";
	if (iotlb->type == VHOST_IOTLB_UPDATE &&
	    wraps(iotlb->uaddr, iotlb->size))
		return "the range wraps in user addresses";
	return check_iotlb(iotlb);
}

const char *vhu_check_iotlb_miss(const struct vhost_user_msg *msg,
				 uint32_t nr_fds unused,
				 const struct vhost_user_msg *asked unused)
{
	const struct vhost_iotlb_msg *iotlb = &msg->payload.iotlb;

	if (iotlb->type != VHOST_IOTLB_MISS &&
	    iotlb->type != VHOST_IOTLB_ACCESS_FAIL)
		return "the type is neither miss nor access failure";
	return check_iotlb(iotlb);
}

const char *vhu_check_config(const struct vhost_user_msg *msg,
			     uint32_t nr_fds unused,
			     const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_config *config = &msg->payload.config;

	if (!config->size)
		return "the range is empty";
	if (config->offset >= VHOST_USER_MAX_CONFIG ||
	    config->size > VHOST_USER_MAX_CONFIG - config->offset)
		return "the range exceeds 4096 bytes";
	if (config->flags > VHOST_USER_CONFIG_MIGRATION)
		return "reserved flags of the range are set";
	return NULL;
}

const char *vhu_check_config_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked)
{
	const struct vhost_user_config *config = &msg->payload.config;

	/* A size of 0 reports that the request failed. */
	if (!config->size)
		return NULL;
	if (config->offset != asked->payload.config.offset ||
	    config->size != asked->payload.config.size)
		return "it is for another range";
	return vhu_check_config(msg, nr_fds, asked);
}

static bool is_create_session(uint64_t op_code)
{
	switch (op_code) {
	case VIRTIO_CRYPTO_CIPHER_CREATE_SESSION:
	case VIRTIO_CRYPTO_HASH_CREATE_SESSION:
	case VIRTIO_CRYPTO_MAC_CREATE_SESSION:
	case VIRTIO_CRYPTO_AEAD_CREATE_SESSION:
		return true;
	default:
		return false;
	}
}

const char *vhu_check_crypto(const struct vhost_user_msg *msg,
			     uint32_t nr_fds unused,
			     const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_crypto_session *session = &msg->payload.crypto;

	if (session->op_code == VIRTIO_CRYPTO_AKCIPHER_CREATE_SESSION)
		return session->asym.key_len > VHOST_USER_ASYM_KEY ?
			       "the key is longer than 1024 bytes" :
			       NULL;
	if (!is_create_session(session->op_code))
		return "the operation does not create a session";
	if (session->sym.cipher_key_len > VHOST_USER_CIPHER_KEY)
		return "the cipher's key is longer than 64 bytes";
	if (session->sym.auth_key_len > VHOST_USER_AUTH_KEY)
		return "the authentication key is longer than 512 bytes";
	return NULL;
}

const char *vhu_check_crypto_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds unused,
				    const struct vhost_user_msg *asked)
{
	if (msg->payload.crypto.op_code != asked->payload.crypto.op_code)
		return "it is for another operation";
	return NULL;
}

const char *
vhu_check_inflight_request(const struct vhost_user_msg *msg,
			   uint32_t nr_fds unused,
			   const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_inflight *inflight = &msg->payload.inflight;

	if (!inflight->num_queues || !inflight->queue_size)
		return "the number of queues or their size is 0";
	return NULL;
}

const char *vhu_check_inflight(const struct vhost_user_msg *msg,
			       uint32_t nr_fds,
			       const struct vhost_user_msg *asked)
{
	const struct vhost_user_inflight *inflight = &msg->payload.inflight;

	if (!inflight->mmap_size)
		return "the memory is empty";
	if (wraps(inflight->mmap_offset, inflight->mmap_size))
		return "the memory wraps in its file";
	return vhu_check_inflight_request(msg, nr_fds, asked);
}

const char *vhu_check_inflight_answer(const struct vhost_user_msg *msg,
				      uint32_t nr_fds,
				      const struct vhost_user_msg *asked)
{
	const struct vhost_user_inflight *inflight = &msg->payload.inflight;
	const struct vhost_user_inflight *request = &asked->payload.inflight;

	/* The back end has no such memory. */
	if (!inflight->mmap_size)
		return nr_fds ? "the memory is empty" : NULL;
	if (!nr_fds)
		return "the memory has no fd";
	if (inflight->num_queues != request->num_queues ||
	    inflight->queue_size != request->queue_size)
		return "it is for other queues";
	return vhu_check_inflight(msg, nr_fds, asked);
}

const char *vhu_check_mac(const struct vhost_user_msg *msg,
			  uint32_t nr_fds unused,
			  const struct vhost_user_msg *asked unused)
{
	static const uint8_t zero[2];

	if (memcmp((const uint8_t *)&msg->payload.u64 + 6, zero, sizeof(zero)))
		return "the padding is not 0";
	return NULL;
}

const char *vhu_check_mtu(const struct vhost_user_msg *msg,
			  uint32_t nr_fds unused,
			  const struct vhost_user_msg *asked unused)
{
	if (msg->payload.u64 < MIN_MTU || msg->payload.u64 > UINT16_MAX)
		return "the MTU is not 68 to 65535";
	return NULL;
}

const char *vhu_check_status(const struct vhost_user_msg *msg,
			     uint32_t nr_fds unused,
			     const struct vhost_user_msg *asked unused)
{
	if (msg->payload.u64 > UINT8_MAX)
		return "the status has more than 8 bits";
	return NULL;
}

const char *vhu_check_slots(const struct vhost_user_msg *msg,
			    uint32_t nr_fds unused,
			    const struct vhost_user_msg *asked unused)
{
	return msg->payload.u64 ? NULL : "the number of memory slots is 0";
}

const char *vhu_check_shared_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds unused,
				    const struct vhost_user_msg *asked)
{
	if (msg->hdr.size &&
	    memcmp(msg->payload.shared.uuid, asked->payload.shared.uuid,
		   VHOST_USER_UUID_SIZE))
		return "it is for another object";
	return NULL;
}

const char *vhu_check_lookup_answer(const struct vhost_user_msg *msg,
				    uint32_t nr_fds,
				    const struct vhost_user_msg *asked unused)
{
	if (nr_fds != (msg->payload.u64 ? 0 : 1))
		return nr_fds ? "it reports a failure and has an fd" :
				"it has no fd";
	return NULL;
}

const char *vhu_check_device_state(const struct vhost_user_msg *msg,
				   uint32_t nr_fds unused,
				   const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_device_state *state =
		&msg->payload.device_state;

	if (state->direction > VHOST_USER_STATE_LOAD)
		return "the direction is neither save nor load";
	if (state->phase != VHOST_USER_PHASE_STOPPED)
		return "the phase is not 0";
	return NULL;
}

const char *
vhu_check_device_state_answer(const struct vhost_user_msg *msg, uint32_t nr_fds,
			      const struct vhost_user_msg *asked unused)
{
	if (nr_fds && msg->payload.u64 & VHOST_USER_STATE_ERROR)
		return "it reports a failure and has an fd";
	return check_nofd(msg->payload.u64, nr_fds);
}

const char *vhu_check_shmem(const struct vhost_user_msg *msg,
			    uint32_t nr_fds unused,
			    const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_shmem_config *shmem = &msg->payload.shmem;
	uint32_t i, nr = 0;

	if (shmem->padding)
		return "the padding is not 0";
	for (i = 0; i < VHOST_USER_MAX_SHMEM; i++) {
		if (shmem->sizes[i] % SHMEM_PAGE)
			return "a size is not a multiple of 4096";
		nr += !!shmem->sizes[i];
	}
	return nr == shmem->nr ? NULL : "the number of sizes is wrong";
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	while (len && !bytes[len - 1])
		len--;
	return !len;
}

const char *vhu_check_mmap(const struct vhost_user_msg *msg,
			   uint32_t nr_fds unused,
			   const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_mmap *map = &msg->payload.mmap;

	if (!all_zero(map->padding, sizeof(map->padding)))
		return "the padding is not 0";
	if (!map->len)
		return "the mapping is empty";
	if (wraps(map->fd_offset, map->len))
		return "the mapping wraps in its file";
	if (wraps(map->shm_offset, map->len))
		return "the mapping wraps in the shared memory";
	if (map->flags & ~(uint64_t)VHOST_USER_MMAP_WRITE)
		return "reserved flags of the mapping are set";
	return NULL;
}

static const char *check_shm(uint64_t offset, uint64_t len)
{
	if (!len)
		return "the mapping is empty";
	if (wraps(offset, len))
		return "the mapping wraps in the shared memory";
	return NULL;
}

/* The padding and the range come first in a mapping of crosvm. */
static const char *check_crosvm(const uint8_t *padding, size_t size,
				uint64_t offset, uint64_t len)
{
	return all_zero(padding, size) ? check_shm(offset, len) :
					 "the padding is not 0";
}

const char *vhu_check_crosvm_gpu(const struct vhost_user_msg *msg,
				 uint32_t nr_fds unused,
				 const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_crosvm_gpu_map *map = &msg->payload.crosvm_gpu;

	return check_crosvm(map->padding, sizeof(map->padding), map->shm_offset,
			    map->len);
}

const char *vhu_check_crosvm_external(const struct vhost_user_msg *msg,
				      uint32_t nr_fds unused,
				      const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_crosvm_external_map *map =
		&msg->payload.crosvm_external;

	if (!map->pointer)
		return "the pointer is 0";
	if (wraps(map->pointer, map->len))
		return "the mapping wraps in memory";
	return check_crosvm(map->padding, sizeof(map->padding), map->shm_offset,
			    map->len);
}

static const char *check_fs_part(const struct vhost_user_crosvm_fs *fs,
				 unsigned int i)
{
	if (fs->flags[i] &
	    ~(uint64_t)(VHOST_USER_CROSVM_FS_READ | VHOST_USER_CROSVM_FS_WRITE))
		return "reserved flags of a part are set";
	if (wraps(fs->fd_offset[i], fs->len[i]))
		return "a part wraps in its file";
	if (wraps(fs->shm_offset[i], fs->len[i]))
		return "a part wraps in the shared memory";
	return NULL;
}

const char *vhu_check_crosvm_fs(const struct vhost_user_msg *msg,
				uint32_t nr_fds unused,
				const struct vhost_user_msg *asked unused)
{
	const struct vhost_user_crosvm_fs *fs = &msg->payload.crosvm_fs;
	const char *rule = NULL;
	bool used = false;
	unsigned int i;

	for (i = 0; i < VHOST_USER_CROSVM_FS && !rule; i++) {
		used |= fs->len[i];
		rule = check_fs_part(fs, i);
	}
	return used || rule ? rule : "all parts are empty";
}
