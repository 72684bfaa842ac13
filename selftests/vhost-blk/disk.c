// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

#define SECTOR 512
#define NAME   "vuser-vhost-blk"

int disk_open(struct disk *disk, const char *path)
{
	struct stat st;

	disk->fd = open(path, O_RDWR | O_CLOEXEC);
	if (disk->fd < 0 || fstat(disk->fd, &st))
		return -errno;
	disk->sectors = st.st_size / SECTOR;
	return 0;
}

uint64_t disk_features(void)
{
	return 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_BLK_SIZE |
	       1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_MQ;
}

void disk_config(const struct disk *disk, uint16_t queues,
		 struct virtio_blk_config *config)
{
	memset(config, 0, sizeof(*config));
	config->capacity = disk->sectors;
	/* Two buffers of a chain are the header and the status. */
	config->seg_max = CHAIN_MAX - 2;
	config->blk_size = SECTOR;
	config->num_queues = queues;
}

/* Copy @len bytes from the first buffers and remove them from the chain. */
static bool pull(struct chain *chain, void *buf, size_t len)
{
	unsigned int i;
	size_t part;

	for (i = 0; i < chain->nr_out && len; i++) {
		struct iovec *iov = &chain->iov[i];

		part = iov->iov_len < len ? iov->iov_len : len;
		memcpy(buf, iov->iov_base, part);
		iov->iov_base = (char *)iov->iov_base + part;
		iov->iov_len -= part;
		buf = (char *)buf + part;
		len -= part;
	}
	return !len;
}

/* Return the last writable byte and remove it from its buffer. */
static uint8_t *take_status(struct chain *chain)
{
	struct iovec *last;

	while (chain->nr > chain->nr_out) {
		last = &chain->iov[chain->nr - 1];
		if (last->iov_len) {
			last->iov_len--;
			return (uint8_t *)last->iov_base + last->iov_len;
		}
		chain->nr--;
	}
	return NULL;
}

static size_t total(const struct iovec *iov, unsigned int nr)
{
	size_t size = 0;

	while (nr--)
		size += iov[nr].iov_len;
	return size;
}

static uint8_t move(struct disk *disk, struct iovec *iov, unsigned int nr,
		    uint64_t sector, bool write)
{
	size_t size = total(iov, nr);
	ssize_t done;

	if (size % SECTOR || sector > disk->sectors ||
	    size / SECTOR > disk->sectors - sector)
		return VIRTIO_BLK_S_IOERR;
	done = write ? pwritev(disk->fd, iov, nr, sector * SECTOR) :
		       preadv(disk->fd, iov, nr, sector * SECTOR);
	return done == (ssize_t)size ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static uint8_t identify(struct iovec *iov, unsigned int nr)
{
	char id[VIRTIO_BLK_ID_BYTES] = NAME;

	if (!nr || iov->iov_len < sizeof(id))
		return VIRTIO_BLK_S_IOERR;
	memcpy(iov->iov_base, id, sizeof(id));
	return VIRTIO_BLK_S_OK;
}

bool disk_run(struct disk *disk, struct chain *chain, uint32_t *written)
{
	struct virtio_blk_outhdr hdr;
	uint8_t *status = take_status(chain);
	struct iovec *in = chain->iov + chain->nr_out;
	unsigned int nr_in = chain->nr - chain->nr_out;
	uint32_t size;

	if (!status || !pull(chain, &hdr, sizeof(hdr)))
		return false;
	*written = 1;
	size = 0;
	switch (hdr.type) {
	case VIRTIO_BLK_T_IN:
		*status = move(disk, in, nr_in, hdr.sector, false);
		size = total(in, nr_in);
		break;
	case VIRTIO_BLK_T_OUT:
		*status =
			move(disk, chain->iov, chain->nr_out, hdr.sector, true);
		break;
	case VIRTIO_BLK_T_FLUSH:
		*status = fdatasync(disk->fd) ? VIRTIO_BLK_S_IOERR :
						VIRTIO_BLK_S_OK;
		break;
	case VIRTIO_BLK_T_GET_ID:
		*status = identify(in, nr_in);
		size = VIRTIO_BLK_ID_BYTES;
		break;
	default:
		*status = VIRTIO_BLK_S_UNSUPP;
	}
	if (*status == VIRTIO_BLK_S_OK)
		*written += size;
	return true;
}
