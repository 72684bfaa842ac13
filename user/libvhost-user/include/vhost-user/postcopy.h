/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvhost-user: postcopy, for front ends that own the memory.
 *
 * After a migration with postcopy, a device runs before all of its memory has arrived. The
 * file of a region has holes: the pages that are missing. A thread of the back end that
 * touches a missing page waits, and the kernel reports this on the userfaultfd of the back
 * end, which the front end holds. The front end gets the page, places it in the file, and
 * this wakes the thread. The steps are
 *
 *	vhost_postcopy_new()		POSTCOPY_ADVISE
 *	vhost_postcopy_listen()		POSTCOPY_LISTEN
 *	vhost_postcopy_set_mem_table()	SET_MEM_TABLE; from now on, pages may be missing
 *	vhost_postcopy_process()	in another thread, when vhost_postcopy_fd() is readable
 *	vhost_postcopy_place()		for each missing page, in any order
 *	vhost_postcopy_end()		POSTCOPY_END, when all pages have arrived
 *	vhost_postcopy_free()
 *
 * The thread of the back end that handles requests may touch missing pages, too, and does
 * not answer while it waits. So a thread of its own must call vhost_postcopy_process(), from
 * vhost_postcopy_listen() on. vhost_postcopy_fd(), _process(), _place() and _wake() use only
 * the userfaultfd, so they may be called while another thread makes a request. The other
 * functions make requests, and belong to the thread that uses the connection.
 *
 * The functions that make requests return the errnos of <vhost-user/backend.h>.
 */
#ifndef VHOST_USER_POSTCOPY_H
#define VHOST_USER_POSTCOPY_H

#include <stddef.h>
#include <stdint.h>

#include <vhost-user/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vhost_postcopy;

/**
 * struct vhost_postcopy_ops - faults of the back end
 * @struct_size: sizeof(struct vhost_postcopy_ops)
 * @missing: threads of the back end wait for the pages of the region number @region from
 *	@offset on, in bytes from the start of the region, to @offset + @size. Place them
 *	now or later, also if they have been placed before: a page may arrive between the
 *	fault and its report. Return 0, or a negative errno, which ends
 *	vhost_postcopy_process().
 */
struct vhost_postcopy_ops {
	size_t struct_size;
	int (*missing)(void *data, uint32_t region, uint64_t offset,
		       uint64_t size);
};

/**
 * vhost_postcopy_new - POSTCOPY_ADVISE: get the userfaultfd of the back end; PAGEFAULT
 * @b: the connection, which must exist as long as the result
 * @ops: copied
 * @data: passed to the callback
 * @result: result
 *
 * Return: as all requests; -EPROTO also if the back end has sent another file; -ENOMEM.
 */
int vhost_postcopy_new(struct vhost_backend *b,
		       const struct vhost_postcopy_ops *ops, void *data,
		       struct vhost_postcopy **result);

/**
 * vhost_postcopy_free - close the userfaultfd
 * @p: from vhost_postcopy_new(), or NULL
 *
 * Without vhost_postcopy_end(), threads of the back end that touch a missing page wait
 * until the back end closes its own copy of the file.
 */
void vhost_postcopy_free(struct vhost_postcopy *p);

/**
 * vhost_postcopy_listen - POSTCOPY_LISTEN: the device runs here next; PAGEFAULT, REPLY_ACK
 * @p: from vhost_postcopy_new()
 *
 * Return: as all requests.
 */
int vhost_postcopy_listen(struct vhost_postcopy *p);

/**
 * vhost_postcopy_set_mem_table - SET_MEM_TABLE after vhost_postcopy_listen(); PAGEFAULT
 * @p: from vhost_postcopy_new()
 * @mem: the regions, whose files are on tmpfs or hugetlbfs, and have holes
 * @nr: entries of @mem, 0 to VHOST_USER_MAX_REGIONS
 *
 * The regions replace all earlier regions. No page of an earlier region may be missing.
 *
 * Return: as all requests; -EINVAL also for another kind of file.
 */
int vhost_postcopy_set_mem_table(struct vhost_postcopy *p,
				 const struct vhost_region *mem, uint32_t nr);

/**
 * vhost_postcopy_fd - the userfaultfd, to wait on for POLLIN
 * @p: from vhost_postcopy_new()
 *
 * Return: the file descriptor, which does not block.
 */
int vhost_postcopy_fd(const struct vhost_postcopy *p);

/**
 * vhost_postcopy_process - call missing() for the faults that have been reported
 * @p: from vhost_postcopy_new()
 *
 * Return: 0; -EPROTO for a fault outside the regions; the error of missing(); or an errno
 * of read(2).
 */
int vhost_postcopy_process(struct vhost_postcopy *p);

/**
 * vhost_postcopy_place - place pages that have arrived, and wake the threads that wait for
 * them
 * @p: from vhost_postcopy_new()
 * @region: number of the region
 * @offset: in bytes from the start of the region
 * @buf: the contents
 * @size: bytes
 *
 * @offset and @size are multiples of the size of a page of the file. A page that is in the
 * file already stays as it is, so no thread sees half of a page, and a late page does not
 * undo what the back end wrote.
 *
 * Return: 0; -EINVAL; -EAGAIN: the back end is changing its mappings, so call the function
 * again; -ENOSPC: the file cannot grow; or another errno of the ioctl UFFDIO_COPY.
 */
int vhost_postcopy_place(struct vhost_postcopy *p, uint32_t region,
			 uint64_t offset, const void *buf, uint64_t size);

/**
 * vhost_postcopy_wake - wake the threads that wait for pages which are in the file
 * @p: from vhost_postcopy_new()
 * @region: number of the region
 * @offset: in bytes from the start of the region
 * @size: bytes
 *
 * If several back ends share a file, place a page with one of them, then wake the others.
 *
 * Return: 0; -EINVAL; or an errno of the ioctl UFFDIO_WAKE.
 */
int vhost_postcopy_wake(struct vhost_postcopy *p, uint32_t region,
			uint64_t offset, uint64_t size);

/**
 * vhost_postcopy_end - POSTCOPY_END: all pages have arrived; PAGEFAULT
 * @p: from vhost_postcopy_new()
 *
 * Return: as all requests.
 */
int vhost_postcopy_end(struct vhost_postcopy *p);

#ifdef __cplusplus
}
#endif

#endif /* VHOST_USER_POSTCOPY_H */
