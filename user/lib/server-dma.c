// SPDX-License-Identifier: BSD-3-Clause
/* The memory of the client: its DMA regions, and accesses to them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <vuser/guard.h>

#include "../libbase/fd.h"
#include "server-dirty.h"
#include "server-dma.h"
#include "server-log.h"
#include "server-request.h"

/* The first entry that ends at or after @iova. dma_lock is held. */
static uint32_t find_slot(const struct vuser_server *server, uint64_t iova)
{
	uint32_t low = 0, high = server->nr_dma, mid;
	const struct vuser_dma_region *region;

	while (low < high) {
		mid = low + (high - low) / 2;
		region = &server->dma[mid]->region;
		if (region->iova + (region->size - 1) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The entry that contains @iova, or NULL. */
static struct vu_dma *find(const struct vuser_server *server, uint64_t iova)
{
	uint32_t slot = find_slot(server, iova);

	if (slot == server->nr_dma || server->dma[slot]->region.iova > iova)
		return NULL;
	return server->dma[slot];
}

static int insert(struct vuser_server *server, struct vu_dma *dma)
{
	const struct vuser_dma_region *region = &dma->region;
	uint32_t slot = find_slot(server, region->iova);
	struct vu_dma **table;
	uint32_t max;

	if (slot < server->nr_dma &&
	    server->dma[slot]->region.iova <= region->iova + (region->size - 1))
		return -EEXIST;
	if (server->nr_dma == server->config.max_dma_maps)
		return -ENOSPC;
	if (server->nr_dma == server->max_dma) {
		max = server->max_dma ? server->max_dma * 2 : 16;
		table = realloc(server->dma, max * sizeof(*table));
		if (!table)
			return -ENOMEM;
		server->dma = table;
		server->max_dma = max;
	}
	memmove(&server->dma[slot + 1], &server->dma[slot],
		(server->nr_dma - slot) * sizeof(*server->dma));
	server->dma[slot] = dma;
	server->nr_dma++;
	return 0;
}

static void dma_free(struct vu_dma *dma)
{
	if (dma->base)
		munmap(dma->base, dma->base_size);
	if (dma->region.fd >= 0)
		vu_fd_close(dma->region.fd);
	free(dma);
}

/* From now on hold() does not find the entry. */
static void set_unmapping(struct vuser_server *server, struct vu_dma *dma)
{
	pthread_mutex_lock(&server->dma_lock);
	dma->unmapping = true;
	pthread_mutex_unlock(&server->dma_lock);
}

/* Remove @dma, which has no users, from the table, and free it. */
static void dma_remove(struct vuser_server *server, struct vu_dma *dma)
{
	uint32_t slot;

	pthread_mutex_lock(&server->dma_lock);
	slot = find_slot(server, dma->region.iova);
	server->nr_dma--;
	memmove(&server->dma[slot], &server->dma[slot + 1],
		(server->nr_dma - slot) * sizeof(*server->dma));
	pthread_mutex_unlock(&server->dma_lock);
	dma_free(dma);
}

/* Whether no thread and no request of the device uses @dma, which is being unmapped. */
static bool is_idle(struct vuser_server *server, const struct vu_dma *dma)
{
	bool idle;

	pthread_mutex_lock(&server->dma_lock);
	idle = !dma->users && !dma->deferred;
	pthread_mutex_unlock(&server->dma_lock);
	return idle;
}

static void wait_idle(struct vuser_server *server, const struct vu_dma *dma)
{
	pthread_mutex_lock(&server->dma_lock);
	while (dma->users)
		pthread_cond_wait(&server->dma_idle, &server->dma_lock);
	pthread_mutex_unlock(&server->dma_lock);
}

/* The device has answered the callback dma_unmap. */
static void unmap_answered(struct vuser_server *server,
			   struct vuser_request *request)
{
	(void)server;
	/* vu_server_dma_settle() removes the region. */
	request->dma->deferred = false;
}

/*
 * Unmap @dma, after a call of the dma_unmap callback. If the region cannot be removed
 * yet, put it on the list for vu_server_dma_settle().
 */
static void unmap(struct vuser_server *server, struct vu_dma *dma)
{
	struct vu_callback callback = { 0 };
	struct vuser_request *request;

	set_unmapping(server, dma);
	dma->announced = true;
	vu_server_request_begin(server, &callback);
	if (server->ops.dma_unmap)
		server->ops.dma_unmap(server->data, &dma->region);
	request = vu_server_request_end(server);
	if (request) {
		request->dma = dma;
		request->resume = unmap_answered;
		dma->deferred = true;
	}
	if (is_idle(server, dma)) {
		dma_remove(server, dma);
		return;
	}
	dma->next = server->unmapping;
	server->unmapping = dma;
}

void vu_server_dma_clear(struct vuser_server *server)
{
	uint32_t i;

	/* hold() must not find any entry from now on. */
	pthread_mutex_lock(&server->dma_lock);
	for (i = 0; i < server->nr_dma; i++)
		server->dma[i]->unmapping = true;
	pthread_mutex_unlock(&server->dma_lock);
	/* Removing an entry moves only those after it, which are handled already. */
	for (i = server->nr_dma; i-- > 0;)
		if (!server->dma[i]->announced)
			unmap(server, server->dma[i]);
}

bool vu_server_dma_settle(struct vuser_server *server)
{
	struct vu_dma **pos = &server->unmapping, *dma;

	while ((dma = *pos)) {
		if (server->freeing)
			wait_idle(server, dma);
		else if (!is_idle(server, dma)) {
			pos = &dma->next;
			continue;
		}
		*pos = dma->next;
		dma_remove(server, dma);
	}
	return !server->unmapping;
}

/* The alignment of mappings of a file: its page size, which may be huge. */
static uint64_t granule_of(const struct stat *st)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t block = st->st_blksize;

	if (block > page && !(block & (block - 1)))
		return block;
	return page;
}

/* Map the memory. Return: 0; -EINVAL when the file is too short; or an errno. */
static int map_file(struct vu_dma *dma, int fd, uint64_t offset)
{
	const struct vuser_dma_region *region = &dma->region;
	uint64_t granule, start, end;
	struct stat st;
	void *base;

	if (fstat(fd, &st))
		return -errno;
	if (offset > INT64_MAX || region->size > INT64_MAX - offset)
		return -EINVAL;
	end = offset + region->size;
	if (S_ISREG(st.st_mode) && end > (uint64_t)st.st_size)
		return -EINVAL;
	granule = granule_of(&st);
	start = offset - offset % granule;
	if (end % granule)
		end += granule - end % granule;
	base = mmap(NULL, end - start, region->prot, MAP_SHARED, fd, start);
	if (base == MAP_FAILED)
		return -errno;
	dma->base = base;
	dma->base_size = end - start;
	dma->region.map = (char *)base + (offset - start);
	return 0;
}

static int prot_of(uint32_t flags)
{
	return (flags & VFIO_USER_DMA_MAP_READ ? PROT_READ : 0) |
	       (flags & VFIO_USER_DMA_MAP_WRITE ? PROT_WRITE : 0);
}

/* Map the memory of @dma, if it came with a file that can be mapped. */
static int map_memory(struct vuser_server *server, struct vu_dma *dma,
		      struct vuser_msg *msg, uint64_t offset)
{
	int fd, ret;

	if (!msg->nr_fds || server->config.no_dma_fds)
		return 0;
	fd = vuser_msg_take_fd(msg, 0);
	ret = map_file(dma, fd, offset);
	if (!ret && server->config.keep_dma_fds) {
		dma->region.fd = fd;
		dma->region.fd_offset = offset;
	} else {
		vu_fd_close(fd);
	}
	if (ret == -EINVAL)
		return ret;
	if (ret)
		vu_server_log(
			server, LOG_WARNING,
			"cannot map DMA region %#jx+%#jx, using messages: %s",
			(uintmax_t)dma->region.iova,
			(uintmax_t)dma->region.size, strerror(-ret));
	return 0;
}

ssize_t vu_server_dma_map(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vfio_user_dma_map map;
	struct vu_dma *dma;
	int ret;

	ret = vuser_decode_dma_map(msg->payload, msg->len, &map);
	if (ret)
		return ret;
	if (msg->nr_fds > 1)
		return -EINVAL;
	dma = calloc(1, sizeof(*dma));
	if (!dma)
		return -ENOMEM;
	dma->region.iova = map.address;
	dma->region.size = map.size;
	dma->region.prot = prot_of(map.flags);
	dma->region.fd = -1;
	ret = map_memory(server, dma, msg, map.offset);
	if (ret)
		goto free;
	pthread_mutex_lock(&server->dma_lock);
	ret = insert(server, dma);
	pthread_mutex_unlock(&server->dma_lock);
	if (ret)
		goto free;
	if (!server->ops.dma_map)
		return 0;
	ret = server->ops.dma_map(server->data, &dma->region);
	if (ret) {
		set_unmapping(server, dma);
		wait_idle(server, dma);
		dma_remove(server, dma);
	}
	return ret;
free:
	dma_free(dma);
	return ret;
}

/* The reply repeats the command. */
static ssize_t encode_unmap(struct vuser_server *server,
			    const struct vu_cmd *cmd)
{
	const size_t len = sizeof(struct vfio_user_dma_unmap);

	memcpy(server->reply, cmd->payload, len);
	return len;
}

/*
 * If regions are still in use, suspend the command until vu_server_dma_settle() has
 * removed them.
 */
static ssize_t reply_unmap(struct vuser_server *server)
{
	if (!server->unmapping)
		return encode_unmap(server, server->cmd);
	server->unmap_cmd = *server->cmd;
	server->unmap_waits = true;
	return VU_LATER;
}

void vu_server_dma_resume(struct vuser_server *server)
{
	struct vu_cmd cmd = server->unmap_cmd;
	int ret;

	server->unmap_waits = false;
	server->nr_reply_fds = 0;
	ret = vu_server_request_reply(server, &cmd, encode_unmap(server, &cmd));
	vu_server_request_clear(&cmd);
	/* The event loop ends the connection. */
	if (ret)
		vu_conn_fail(server->conn, ret);
}

ssize_t vu_server_dma_unmap(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vfio_user_dma_unmap req;
	struct vu_dma *dma;
	int ret;

	ret = vuser_decode_dma_unmap(msg->payload, msg->len, &req);
	if (ret)
		return ret;
	if (req.flags & VFIO_USER_DMA_UNMAP_ALL) {
		vu_server_dma_clear(server);
		return reply_unmap(server);
	}
	/* No lock: only this thread changes the table. */
	dma = find(server, req.address);
	if (!dma || dma->region.iova != req.address ||
	    dma->region.size != req.size)
		return -ENOENT;
	unmap(server, dma);
	return reply_unmap(server);
}

/* Hold the entry that contains @iova; reduce *@len to its end. */
static int hold(struct vuser_server *server, uint64_t iova, size_t *len,
		int prot, struct vu_dma **result)
{
	struct vu_dma *dma;
	uint64_t left;
	int ret = 0;

	pthread_mutex_lock(&server->dma_lock);
	dma = find(server, iova);
	if (!dma || dma->unmapping) {
		ret = -EFAULT;
	} else if ((dma->region.prot & prot) != prot) {
		ret = -EACCES;
	} else {
		left = dma->region.size - (iova - dma->region.iova);
		if (*len > left)
			*len = left;
		dma->users++;
		*result = dma;
	}
	pthread_mutex_unlock(&server->dma_lock);
	return ret;
}

static void release(struct vuser_server *server, struct vu_dma *dma)
{
	pthread_mutex_lock(&server->dma_lock);
	if (!--dma->users && dma->unmapping) {
		pthread_cond_broadcast(&server->dma_idle);
		eventfd_write(server->wake_fd, 1);
	}
	pthread_mutex_unlock(&server->dma_lock);
}

static void *map_at(const struct vu_dma *dma, uint64_t iova)
{
	return (char *)dma->region.map + (iova - dma->region.iova);
}

/*
 * Get a reference to the connection for the server's commands. Return: NULL
 * without a client. *@max is set to the largest number of bytes for one command.
 */
static struct vu_conn *get_conn(struct vuser_server *server, uint32_t *max)
{
	struct vu_conn *conn;

	pthread_mutex_lock(&server->lock);
	conn = server->twin ? server->twin : server->conn;
	if (conn) {
		vu_conn_get(conn);
		*max = server->peer.max_data_xfer_size;
		if (*max > server->config.max_data_xfer_size)
			*max = server->config.max_data_xfer_size;
	}
	pthread_mutex_unlock(&server->lock);
	return conn;
}

/* The errno of a reply. */
static int reply_error(const struct vuser_msg *reply)
{
	if (!(reply->hdr.flags & VFIO_USER_FLAGS_ERROR))
		return 0;
	if (!reply->hdr.error_no || reply->hdr.error_no > 4095)
		return -EIO;
	return -(int)reply->hdr.error_no;
}

/* Send one DMA_READ or DMA_WRITE and wait for the reply. */
static int transfer(struct vuser_server *server, struct vu_conn *conn,
		    uint64_t iova, void *buf, size_t len, bool write)
{
	struct vfio_user_dma_access access;
	struct iovec iov[2] = {
		{ .iov_base = &access, .iov_len = sizeof(access) },
		{ .iov_base = buf, .iov_len = len },
	};
	uint16_t command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ;
	struct vuser_msg reply;
	const void *data;
	int ret;

	vuser_encode_dma_access(&access, sizeof(access), iova, len);
	ret = vu_conn_call(conn, command, iov, write ? 2 : 1,
			   server->config.dma_timeout_ms, &reply);
	if (ret == -ETIMEDOUT)
		return ret;
	if (ret)
		return -ENOTCONN;
	ret = reply_error(&reply);
	if (ret)
		goto out;
	if (write) {
		ret = vuser_decode_dma_write_reply(reply.payload, reply.len,
						   iova, len);
	} else {
		ret = vuser_decode_dma_read_reply(reply.payload, reply.len,
						  iova, len, &data);
		if (!ret)
			memcpy(buf, data, len);
	}
	if (ret) {
		vu_conn_fail(conn, -EPROTO);
		ret = -ENOTCONN;
	}
out:
	vuser_msg_clear(&reply);
	return ret;
}

static int by_message(struct vuser_server *server, uint64_t iova, void *buf,
		      size_t len, bool write)
{
	struct vu_conn *conn;
	int ret = 0;
	uint32_t max;
	size_t part;

	conn = get_conn(server, &max);
	if (!conn)
		return -ENOTCONN;
	while (len && !ret) {
		part = len < max ? len : max;
		ret = transfer(server, conn, iova, buf, part, write);
		iova += part;
		buf = (char *)buf + part;
		len -= part;
	}
	vu_conn_put(conn);
	return ret;
}

/* Copy, unless the client has truncated its file. */
static int copy(const struct vuser_server *server, void *dst, const void *src,
		size_t len)
{
	struct iovec to = { .iov_base = dst, .iov_len = len };
	struct iovec from = { .iov_base = (void *)src, .iov_len = len };
	ssize_t part;

	if (!server->config.no_sigbus)
		return vuser_guard_copy(dst, src, len) ? -EIO : 0;
	/*
	 * Without a handler of SIGBUS, let the kernel copy: it returns EFAULT. One call
	 * copies less than 2 GiB.
	 */
	while (to.iov_len) {
		part = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
		if (part <= 0)
			return -EIO;
		to.iov_base = (char *)to.iov_base + part;
		from.iov_base = (char *)from.iov_base + part;
		to.iov_len -= part;
		from.iov_len -= part;
	}
	return 0;
}

static int access_memory(struct vuser_server *server, uint64_t iova, void *buf,
			 size_t len, bool write)
{
	struct vu_dma *dma;
	size_t part;
	int ret = 0;

	while (len && !ret) {
		part = len;
		ret = hold(server, iova, &part, write ? PROT_WRITE : PROT_READ,
			   &dma);
		if (ret)
			break;
		if (!dma->region.map)
			ret = by_message(server, iova, buf, part, write);
		else if (write)
			ret = copy(server, map_at(dma, iova), buf, part);
		else
			ret = copy(server, buf, map_at(dma, iova), part);
		/* Not before the write: a report may come between the two. */
		if (write)
			vu_server_dirty_mark(server, iova, part);
		release(server, dma);
		iova += part;
		buf = (char *)buf + part;
		len -= part;
	}
	if (ret == -EFAULT && !vuser_server_connected(server))
		ret = -ENOTCONN;
	return ret;
}

int vuser_dma_read(struct vuser_server *server, uint64_t iova, void *buf,
		   size_t len)
{
	return access_memory(server, iova, buf, len, false);
}

int vuser_dma_write(struct vuser_server *server, uint64_t iova, const void *buf,
		    size_t len)
{
	return access_memory(server, iova, (void *)buf, len, true);
}

/* Make a reference of an entry that is held. On an error, release the entry. */
static int refer(struct vuser_server *server, struct vu_dma *dma, uint64_t iova,
		 size_t len, int prot, struct vuser_dma_ref *ref)
{
	void *ptr = map_at(dma, iova);
	int ret = vu_server_dirty_hold(server, ptr, iova, len, prot);

	if (ret) {
		release(server, dma);
		return ret;
	}
	ref->ptr = ptr;
	ref->region = &dma->region;
	return 0;
}

/* Get a reference to the part of a range that one region contains. */
static int get_part(struct vuser_server *server, uint64_t iova, size_t len,
		    int prot, struct vuser_dma_ref *ref, struct iovec *iov)
{
	struct vu_dma *dma;
	int ret = hold(server, iova, &len, prot, &dma);

	if (ret)
		return ret;
	if (!dma->region.map) {
		release(server, dma);
		return -EOPNOTSUPP;
	}
	ret = refer(server, dma, iova, len, prot, ref);
	if (ret)
		return ret;
	iov->iov_base = ref->ptr;
	iov->iov_len = len;
	return 0;
}

int vuser_dma_sg_get(struct vuser_server *server, uint64_t iova, size_t len,
		     int prot, struct vuser_dma_ref *refs, struct iovec *iov,
		     int max)
{
	int nr = 0, ret = 0;

	while (len && !ret) {
		ret = nr < max ? get_part(server, iova, len, prot, &refs[nr],
					  &iov[nr]) :
				 -ENOBUFS;
		if (ret)
			break;
		iova += iov[nr].iov_len;
		len -= iov[nr].iov_len;
		nr++;
	}
	if (!ret)
		return nr;
	vuser_dma_sg_put(server, refs, nr);
	if (ret == -EFAULT && !vuser_server_connected(server))
		ret = -ENOTCONN;
	return ret;
}

void vuser_dma_sg_put(struct vuser_server *server, struct vuser_dma_ref *refs,
		      int nr)
{
	while (nr-- > 0)
		vuser_dma_put(server, &refs[nr]);
}

/* Copy between @buf and the bytes from @offset on of a scatter list. */
static int sg_copy(struct vuser_server *server, const struct iovec *iov, int nr,
		   size_t offset, void *buf, size_t len, bool write)
{
	char *pos = buf, *mem;
	size_t part;
	int ret = 0;

	for (; nr > 0 && len && !ret; nr--, iov++) {
		if (offset >= iov->iov_len) {
			offset -= iov->iov_len;
			continue;
		}
		part = iov->iov_len - offset;
		if (part > len)
			part = len;
		mem = (char *)iov->iov_base + offset;
		ret = copy(server, write ? mem : pos, write ? pos : mem, part);
		offset = 0;
		pos += part;
		len -= part;
	}
	return !ret && len ? -EINVAL : ret;
}

int vuser_dma_sg_read(struct vuser_server *server, const struct iovec *iov,
		      int nr, size_t offset, void *buf, size_t len)
{
	return sg_copy(server, iov, nr, offset, buf, len, false);
}

int vuser_dma_sg_write(struct vuser_server *server, const struct iovec *iov,
		       int nr, size_t offset, const void *buf, size_t len)
{
	return sg_copy(server, iov, nr, offset, (void *)buf, len, true);
}

int vuser_dma_get(struct vuser_server *server, uint64_t iova, size_t len,
		  int prot, struct vuser_dma_ref *ref)
{
	struct vu_dma *dma;
	size_t part = len;
	int ret;

	ret = hold(server, iova, &part, prot, &dma);
	if (ret == -EFAULT && !vuser_server_connected(server))
		return -ENOTCONN;
	if (ret)
		return ret;
	if (part < len)
		ret = -EFAULT;
	else if (!dma->region.map)
		ret = -EOPNOTSUPP;
	if (ret) {
		release(server, dma);
		return ret;
	}
	return refer(server, dma, iova, len, prot, ref);
}

void vuser_dma_put(struct vuser_server *server, struct vuser_dma_ref *ref)
{
	struct vu_dma *dma = (struct vu_dma *)((char *)ref->region -
					       offsetof(struct vu_dma, region));

	vu_server_dirty_release(server, ref->ptr);
	release(server, dma);
	ref->region = NULL;
	ref->ptr = NULL;
}
