// SPDX-License-Identifier: BSD-3-Clause
/* Postcopy: the userfaultfd of a back end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <vhost-user/postcopy.h>

#include "../libbase/abi.h"
#include "../libbase/fd.h"
#include "error.h"

/* Faults that one read(2) returns. */
#define FAULTS_AT_ONCE 16

/**
 * struct area - a region in the address space of the back end
 * @base: address
 * @size: bytes
 * @page: bytes of a page of its file
 */
struct area {
	uint64_t base;
	uint64_t size;
	uint64_t page;
};

/**
 * struct vhost_postcopy - the faults of a back end
 * @b: the connection
 * @ops: the callback
 * @data: for the callback
 * @fd: the userfaultfd
 * @nr: entries of @areas
 * @areas: the regions
 */
struct vhost_postcopy {
	struct vhost_backend *b;
	struct vhost_postcopy_ops ops;
	void *data;
	int fd;
	uint32_t nr;
	struct area areas[VHOST_USER_MAX_REGIONS];
};

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

static int advise(struct vhost_postcopy *p)
{
	int ret = vhost_backend_postcopy_advise(p->b, &p->fd);

	if (ret)
		return ret;
	/* The back end may send any file. */
	if (!vu_fd_may_be_userfaultfd(p->fd))
		return vhu_error(p->b, -EPROTO,
				 "POSTCOPY_ADVISE: the back end has not sent a "
				 "userfaultfd");
	return make_nonblocking(p->fd);
}

int vhost_postcopy_new(struct vhost_backend *b,
		       const struct vhost_postcopy_ops *ops, void *data,
		       struct vhost_postcopy **result)
{
	struct vhost_postcopy *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->b = b;
	p->data = data;
	p->fd = -1;
	ret = vu_abi_read(&p->ops, sizeof(p->ops), ops, sizeof(p->ops));
	if (!ret && !p->ops.missing)
		ret = -EINVAL;
	if (!ret)
		ret = advise(p);
	if (ret) {
		vhost_postcopy_free(p);
		return ret;
	}
	*result = p;
	return 0;
}

void vhost_postcopy_free(struct vhost_postcopy *p)
{
	if (!p)
		return;
	vu_fd_close(p->fd);
	free(p);
}

int vhost_postcopy_listen(struct vhost_postcopy *p)
{
	return vhost_backend_postcopy_listen(p->b);
}

/* The size of a page of a file; 0 for a file that cannot have missing pages. */
static uint64_t page_size(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return 0;
	switch (fs.f_type) {
	case HUGETLBFS_MAGIC:
		return fs.f_bsize;
	case TMPFS_MAGIC:
		return sysconf(_SC_PAGESIZE);
	default:
		return 0;
	}
}

/* Another thread may look for an area at the same time. */
static void publish(struct vhost_postcopy *p, const struct area *areas,
		    uint32_t nr)
{
	__atomic_store_n(&p->nr, 0, __ATOMIC_RELEASE);
	memcpy(p->areas, areas, nr * sizeof(*areas));
	__atomic_store_n(&p->nr, nr, __ATOMIC_RELEASE);
}

static uint32_t nr_areas(const struct vhost_postcopy *p)
{
	return __atomic_load_n(&p->nr, __ATOMIC_ACQUIRE);
}

int vhost_postcopy_set_mem_table(struct vhost_postcopy *p,
				 const struct vhost_region *mem, uint32_t nr)
{
	struct area areas[VHOST_USER_MAX_REGIONS];
	uint64_t bases[VHOST_USER_MAX_REGIONS], features;
	uint32_t i;
	int ret;

	if (nr > VHOST_USER_MAX_REGIONS)
		return vhu_error(p->b, -EINVAL,
				 "SET_MEM_TABLE: more than 8 regions");
	for (i = 0; i < nr; i++) {
		areas[i].page = page_size(mem[i].fd);
		if (!areas[i].page)
			return vhu_error(p->b, -EINVAL,
					 "SET_MEM_TABLE: region %u is not on "
					 "tmpfs or hugetlbfs",
					 i);
	}
	ret = vhost_backend_set_mem_table_postcopy(p->b, mem, nr, bases);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		areas[i].base = bases[i];
		areas[i].size = mem[i].region.size;
	}
	publish(p, areas, nr);
	/* The back end touches no page before this message. */
	ret = vhost_backend_ack_mem_table(p->b);
	/*
	 * It does not answer this message. It answers the next one when it has registered
	 * the regions with its userfaultfd, so that pages can be placed.
	 */
	return ret ?: vhost_backend_get_features(p->b, &features);
}

int vhost_postcopy_fd(const struct vhost_postcopy *p)
{
	return p->fd;
}

/* Report the page of an address of the back end. */
static int report(struct vhost_postcopy *p, uint64_t addr)
{
	const struct area *area;
	uint32_t i, nr = nr_areas(p);
	uint64_t start, end;

	for (i = 0; i < nr; i++) {
		area = &p->areas[i];
		if (addr < area->base || addr - area->base >= area->size)
			continue;
		/* A region may start or end inside a huge page. */
		start = addr - area->base;
		start -= addr % area->page < start ? addr % area->page : start;
		end = addr - area->base + (area->page - addr % area->page);
		if (end > area->size)
			end = area->size;
		return p->ops.missing(p->data, i, start, end - start);
	}
	return -EPROTO;
}

int vhost_postcopy_process(struct vhost_postcopy *p)
{
	struct uffd_msg msgs[FAULTS_AT_ONCE];
	ssize_t got = read(p->fd, msgs, sizeof(msgs)), i;
	int ret = 0;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (i = 0; i < got / (ssize_t)sizeof(*msgs) && !ret; i++)
		ret = msgs[i].event == UFFD_EVENT_PAGEFAULT ?
			      report(p, msgs[i].arg.pagefault.address) :
			      -EPROTO;
	return ret;
}

static const struct area *find_area(const struct vhost_postcopy *p,
				    uint32_t region, uint64_t offset,
				    uint64_t size)
{
	const struct area *area;

	if (region >= nr_areas(p))
		return NULL;
	area = &p->areas[region];
	return size && offset <= area->size && size <= area->size - offset ?
		       area :
		       NULL;
}

static int wake(struct vhost_postcopy *p, uint64_t addr, uint64_t size)
{
	struct uffdio_range range = { .start = addr, .len = size };

	return ioctl(p->fd, UFFDIO_WAKE, &range) ? -errno : 0;
}

/*
 * Copy one page. The kernel makes the page, fills it and adds it to the file in one step,
 * and leaves a page alone that is in the file. It reads @buf in this process and uses @addr
 * in the back end.
 */
static int copy_page(struct vhost_postcopy *p, uint64_t addr, const void *buf,
		     uint64_t size)
{
	struct uffdio_copy copy = {
		.dst = addr,
		.src = (uintptr_t)buf,
		.len = size,
	};

	if (!ioctl(p->fd, UFFDIO_COPY, &copy))
		return 0;
	return errno == EEXIST ? wake(p, addr, size) : -errno;
}

int vhost_postcopy_place(struct vhost_postcopy *p, uint32_t region,
			 uint64_t offset, const void *buf, uint64_t size)
{
	const struct area *area = find_area(p, region, offset, size);
	uint64_t done;
	int ret = 0;

	if (!area || offset % area->page || size % area->page)
		return -EINVAL;
	for (done = 0; done < size && !ret; done += area->page)
		ret = copy_page(p, area->base + offset + done,
				(const char *)buf + done, area->page);
	return ret;
}

int vhost_postcopy_wake(struct vhost_postcopy *p, uint32_t region,
			uint64_t offset, uint64_t size)
{
	const struct area *area = find_area(p, region, offset, size);
	uint64_t first, end;

	if (!area)
		return -EINVAL;
	first = area->base + offset;
	end = first + size;
	first -= first % area->page;
	end += (area->page - end % area->page) % area->page;
	return wake(p, first, end - first);
}

int vhost_postcopy_end(struct vhost_postcopy *p)
{
	return vhost_backend_postcopy_end(p->b);
}
