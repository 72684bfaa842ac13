// SPDX-License-Identifier: GPL-2.0
/*
 * Memory fds.  The file of a memory fd is a memory object.  It represents a
 * range of I/O virtual addresses.  Pages of mappings are added to the object
 * and removed from it while a server has the file mapped.  A hole shows a
 * scratch page, or an access to it causes SIGBUS, as the administrator chose.
 *
 * The fault handler inserts pages into the server's page tables by frame
 * number, without references to the pages.  So one zap removes pages
 * completely.  Each object has its own inode, because a zap affects all
 * mappings of an inode.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "compat.h"
#include "dma/backing.h"
#include "dma/memory.h"

#define VUSER_FS_MAGIC		0x76757372	/* "vusr" */

/*
 * Maximum number of pages that one fault inserts: as many as the kernel maps around
 * a fault on the page cache.
 */
#define VUSER_FAULT_AROUND	16

/* Size in bytes of the bounce buffer of read() and write(). */
#define VUSER_BOUNCE		(16 * PAGE_SIZE)

/**
 * struct vuser_extent - the pages of one mapping in a memory object
 * @node: the range of the object, in pages
 * @back: the memory of the mapping
 * @first: index of the page of @back that the range starts with
 */
struct vuser_extent {
	struct interval_tree_node node;
	struct vuser_backing *back;
	unsigned long first;
};

/**
 * struct vuser_memory - a memory object; lives as long as its file
 * @lock: protects @extents and @scratch.  A fault holds it for reading while it
 *	finds an extent and inserts the pages; read() and write() hold it for
 *	reading while they copy.  So after a thread has taken it for writing,
 *	removed an extent and zapped the range, no server can access the pages
 *	any more.  Taken inside of the mmap lock.  While it is held, no user
 *	memory is accessed and no thread waits for another process.
 * @extents: struct vuser_extent; no two overlap
 * @scratch: the page that holes show; each object has its own, so that servers
 *	cannot exchange data through it; allocated at the first fault on a hole
 * @inode: inode of the object, for zaps
 * @guard: an access to a hole causes SIGBUS; does not change
 */
struct vuser_memory {
	struct rw_semaphore lock;
	struct rb_root_cached extents;
	struct page *scratch;
	struct inode *inode;
	bool guard;
};

/*
 * The file system is mounted only while memory objects exist.  A mounted file
 * system holds a reference to its module, so a permanent mount would prevent
 * rmmod.
 */
static struct vfsmount *vuser_mount;
static int vuser_mount_count;

static int vuser_fs_init(struct fs_context *fc)
{
	if (!init_pseudo(fc, VUSER_FS_MAGIC))
		return -ENOMEM;
	fc->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return 0;
}

static struct file_system_type vuser_fs_type = {
	.name = "vuser",
	.owner = THIS_MODULE,
	.init_fs_context = vuser_fs_init,
	.kill_sb = kill_anon_super,
};

/* Neither the size nor another attribute of an object can be changed. */
static int vuser_memory_setattr(struct vuser_mnt_idmap *idmap,
				struct dentry *dentry, struct iattr *attr)
{
	return -EPERM;
}

static const struct inode_operations vuser_memory_iops = {
	.setattr = vuser_memory_setattr,
};

static struct vuser_memory *vuser_memory_of(struct file *file)
{
	return file->private_data;
}

/* The extent that contains @page, or NULL; under the object's lock. */
static struct vuser_extent *vuser_extent_at(struct vuser_memory *mem,
					    unsigned long page)
{
	struct interval_tree_node *node;

	node = interval_tree_iter_first(&mem->extents, page, page);
	return node ? container_of(node, struct vuser_extent, node) : NULL;
}

/* The index in the backing of the extent's page that the object shows at @page. */
static unsigned long vuser_extent_index(const struct vuser_extent *ext,
					unsigned long page)
{
	return ext->first + (page - ext->node.start);
}

/* Allocates the scratch page, unless another thread has done so. */
static int vuser_memory_alloc_scratch(struct vuser_memory *mem)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	down_write(&mem->lock);
	if (!mem->scratch)
		swap(mem->scratch, page);
	up_write(&mem->lock);
	if (page)
		__free_page(page);
	return 0;
}

/* Faults ------------------------------------------------------------------ */

/*
 * Inserts the faulting page and the pages after it, up to the end of the block
 * of VUSER_FAULT_AROUND pages, of the page table, of the VMA or of the extent.  The
 * caller holds the object's lock.
 */
static vm_fault_t vuser_memory_insert(struct vm_fault *vmf,
				      struct vuser_extent *ext)
{
	unsigned long index = vuser_extent_index(ext, vmf->pgoff);
	unsigned long block = VUSER_FAULT_AROUND -
			      vmf->pgoff % VUSER_FAULT_AROUND;
	unsigned long end = min(vmf->vma->vm_end,
				(vmf->address & PMD_MASK) + PMD_SIZE);
	unsigned long left = (end - vmf->address) >> PAGE_SHIFT;
	unsigned long i, count;
	vm_fault_t ret;

	count = min3(block, left, ext->node.last - vmf->pgoff + 1);
	for (i = 0; i < count; i++) {
		ret = vmf_insert_pfn(vmf->vma, vmf->address + i * PAGE_SIZE,
				     vuser_backing_pfn(ext->back, index + i,
						       NULL));
		if (ret != VM_FAULT_NOPAGE)
			return i ? VM_FAULT_NOPAGE : ret;
	}
	return VM_FAULT_NOPAGE;
}

#ifdef VUSER_INSERT_HUGE
/*
 * The frame of the huge page around the faulting address, or 0 if the object does not
 * have one: all of it must belong to one mapping, be contiguous and lie in the VMA.
 * The caller holds the object's lock.
 */
static unsigned long vuser_memory_huge_pfn(struct vuser_memory *mem,
					   struct vm_fault *vmf)
{
	unsigned long addr = vmf->address & PMD_MASK, page, pfn, count;
	struct vuser_extent *ext;

	if (addr < vmf->vma->vm_start || addr + PMD_SIZE > vmf->vma->vm_end)
		return 0;
	page = vmf->pgoff - ((vmf->address - addr) >> PAGE_SHIFT);
	ext = vuser_extent_at(mem, page);
	if (!ext || ext->node.last - page < HPAGE_PMD_NR - 1)
		return 0;
	pfn = vuser_backing_pfn(ext->back, vuser_extent_index(ext, page), &count);
	return count >= HPAGE_PMD_NR && IS_ALIGNED(pfn, HPAGE_PMD_NR) ? pfn : 0;
}

/*
 * Inserts the huge page around the faulting address, if there is one.  If not, the
 * kernel calls vuser_memory_fault() next.
 */
static vm_fault_t vuser_memory_huge_fault(struct vm_fault *vmf,
					  unsigned int order)
{
	struct vuser_memory *mem = vuser_memory_of(vmf->vma->vm_file);
	vm_fault_t ret = VM_FAULT_FALLBACK;
	unsigned long pfn;

	if (order != HPAGE_PMD_ORDER)
		return VM_FAULT_FALLBACK;
	down_read(&mem->lock);
	pfn = vuser_memory_huge_pfn(mem, vmf);
	if (pfn)
		ret = vuser_insert_huge(vmf, pfn);
	up_read(&mem->lock);
	return ret;
}

/*
 * Handles a fault on a single page if the page table has a huge page there, or may get
 * one from another thread: vmf_insert_pfn() must not meet a huge page.  The caller
 * holds the object's lock, so all threads decide alike.  Returns false if there is a
 * page table for single pages, or will be.
 */
static bool vuser_memory_fault_huge(struct vuser_memory *mem,
				    struct vm_fault *vmf, vm_fault_t *ret)
{
	pmd_t pmd = pmdp_get_lockless(vmf->pmd);
	unsigned long pfn;

	if (!pmd_none(pmd) && !pmd_trans_huge(pmd))
		return false;
	pfn = vuser_memory_huge_pfn(mem, vmf);
	if (!pfn && pmd_none(pmd))
		return false;
	/* If there is no huge page, vuser_memory_del() will zap the old one: try again. */
	*ret = pfn ? vuser_insert_huge(vmf, pfn) : VM_FAULT_NOPAGE;
	return true;
}
#else
static bool vuser_memory_fault_huge(struct vuser_memory *mem,
				    struct vm_fault *vmf, vm_fault_t *ret)
{
	return false;
}
#endif

/*
 * Inserts single pages of @ext; if @ext is NULL, handles a fault on a hole.  The caller
 * holds the object's lock.
 */
static vm_fault_t vuser_memory_fault_page(struct vuser_memory *mem,
					  struct vm_fault *vmf,
					  struct vuser_extent *ext)
{
	if (ext)
		return vuser_memory_insert(vmf, ext);
	if (mem->guard)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(mem->scratch));
}

static vm_fault_t vuser_memory_fault(struct vm_fault *vmf)
{
	struct vuser_memory *mem = vuser_memory_of(vmf->vma->vm_file);
	loff_t size = i_size_read(mem->inode);
	struct vuser_extent *ext;
	vm_fault_t ret;

	if (vmf->pgoff >= size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	for (;;) {
		down_read(&mem->lock);
		ext = vuser_extent_at(mem, vmf->pgoff);
		if (ext || mem->scratch || mem->guard)
			break;
		up_read(&mem->lock);
		if (vuser_memory_alloc_scratch(mem))
			return VM_FAULT_OOM;
	}
	if (!vuser_memory_fault_huge(mem, vmf, &ret))
		ret = vuser_memory_fault_page(mem, vmf, ext);
	up_read(&mem->lock);
	return ret;
}

static const struct vm_operations_struct vuser_memory_vmops = {
	.fault = vuser_memory_fault,
#ifdef VUSER_INSERT_HUGE
	.huge_fault = vuser_memory_huge_fault,
#endif
};

/*
 * Refuses private mappings: inserting a frame number into one is a BUG().
 * Checks VM_MAYSHARE, because a shared mapping of an O_RDONLY file (a read-only
 * object) has neither VM_SHARED nor VM_MAYWRITE.
 */
static int vuser_memory_mmap(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_t clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_MAYSHARE) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		clear |= VM_MAYWRITE;
	/*
	 * VM_DONTCOPY: fork copies a huge page without looking at it again under the
	 * lock of the page table, so the copy could miss a zap.  VM_HUGEPAGE allows
	 * huge pages if transparent huge pages are set to "madvise".
	 */
	vuser_vm_flags_mod(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTCOPY |
			   VM_DONTDUMP | VM_HUGEPAGE, clear);
	vma->vm_ops = &vuser_memory_vmops;
	return 0;
}

/* read and write ---------------------------------------------------------- */

/*
 * Copies between @buf and the object, within one page.  The caller holds the object's
 * lock.  A hole reads as zeroes, and a write to a hole is dropped; if holes are
 * guarded, returns -EFAULT.
 */
static int vuser_memory_copy_page(struct vuser_memory *mem, loff_t pos, void *buf,
				  size_t len, bool write)
{
	struct vuser_extent *ext = vuser_extent_at(mem, pos >> PAGE_SHIFT);

	if (ext)
		return vuser_backing_copy(ext->back,
					  ((u64)vuser_extent_index(ext, pos >> PAGE_SHIFT)
					   << PAGE_SHIFT) + offset_in_page(pos),
					  buf, len, write);
	if (mem->guard)
		return -EFAULT;
	if (!write)
		memset(buf, 0, len);
	return 0;
}

/*
 * Copies between @buf and the object, which contains the whole range.  Returns the
 * number of bytes before the first error.
 */
static size_t vuser_memory_copy(struct vuser_memory *mem, loff_t pos, void *buf,
				size_t len, bool write)
{
	size_t part, done = 0;

	down_read(&mem->lock);
	while (done < len) {
		part = min_t(size_t, len - done, PAGE_SIZE - offset_in_page(pos));
		if (vuser_memory_copy_page(mem, pos, buf, part, write))
			break;
		pos += part;
		buf += part;
		done += part;
	}
	up_read(&mem->lock);
	return done;
}

/*
 * Uses a bounce buffer, so that the caller's memory is not accessed under the
 * object's lock.  An access to that memory may wait for another process, while
 * faults and unmaps need the lock.
 */
static ssize_t vuser_memory_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vuser_memory *mem = vuser_memory_of(iocb->ki_filp);
	loff_t size = i_size_read(mem->inode);
	ssize_t done = 0;
	size_t len, part;
	void *buf;

	buf = kvmalloc(VUSER_BOUNCE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(to) && iocb->ki_pos < size) {
		if (fatal_signal_pending(current))
			break;
		len = min3((u64)iov_iter_count(to), (u64)VUSER_BOUNCE,
			   (u64)(size - iocb->ki_pos));
		part = vuser_memory_copy(mem, iocb->ki_pos, buf, len, false);
		part = copy_to_iter(buf, part, to);
		iocb->ki_pos += part;
		done += part;
		if (part != len) {
			done = done ?: -EFAULT;
			break;
		}
	}
	kvfree(buf);
	return done;
}

/* Uses a bounce buffer, as vuser_memory_read_iter(). */
static ssize_t vuser_memory_write_iter(struct kiocb *iocb,
				       struct iov_iter *from)
{
	struct vuser_memory *mem = vuser_memory_of(iocb->ki_filp);
	loff_t size = i_size_read(mem->inode);
	ssize_t done = 0;
	size_t len, part;
	void *buf;

	if (iocb->ki_pos >= size && iov_iter_count(from))
		return -EFBIG;
	buf = kvmalloc(VUSER_BOUNCE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(from) && iocb->ki_pos < size) {
		if (fatal_signal_pending(current))
			break;
		len = min3((u64)iov_iter_count(from), (u64)VUSER_BOUNCE,
			   (u64)(size - iocb->ki_pos));
		part = copy_from_iter(buf, len, from);
		part = vuser_memory_copy(mem, iocb->ki_pos, buf, part, true);
		iocb->ki_pos += part;
		done += part;
		if (part != len) {
			done = done ?: -EFAULT;
			break;
		}
	}
	kvfree(buf);
	return done;
}

/* Frees the object with its file.  All pages were removed before. */
static int vuser_memory_release(struct inode *inode, struct file *file)
{
	struct vuser_memory *mem = vuser_memory_of(file);

	WARN_ON_ONCE(!RB_EMPTY_ROOT(&mem->extents.rb_root));
	if (mem->scratch)
		__free_page(mem->scratch);
	kfree(mem);
	simple_release_fs(&vuser_mount, &vuser_mount_count);
	return 0;
}

/* Aligns mappings to huge pages, because some servers accept no others. */
static unsigned long vuser_memory_unmapped_area(struct file *file,
						unsigned long addr,
						unsigned long len,
						unsigned long pgoff,
						unsigned long flags)
{
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}

static const struct file_operations vuser_memory_fops = {
	.owner = THIS_MODULE,
	.release = vuser_memory_release,
	.mmap = vuser_memory_mmap,
	.get_unmapped_area = vuser_memory_unmapped_area,
	.read_iter = vuser_memory_read_iter,
	.write_iter = vuser_memory_write_iter,
	.llseek = generic_file_llseek,
};

/* Making, filling and emptying -------------------------------------------- */

static struct inode *vuser_memory_inode(u64 size)
{
	struct inode *inode = alloc_anon_inode(vuser_mount->mnt_sb);

	if (IS_ERR(inode))
		return inode;
	/* Servers expect a regular file; an anonymous inode has no type. */
	inode->i_mode = S_IFREG | 0600;
	inode->i_op = &vuser_memory_iops;
	inode->i_size = size;
	return inode;
}

/**
 * vuser_memory_open() - create an empty memory object
 * @size: bytes, page aligned, not 0
 * @write: servers may write to the memory; otherwise the file is O_RDONLY
 * @guard: an access to a hole of a mapping of the file causes SIGBUS; otherwise a hole
 *	shows a scratch page
 *
 * The object lives as long as its file.
 *
 * Context: process; may sleep.
 * Return: the file, with one reference; or an ERR_PTR(): -ENOMEM, or an error
 * from mounting the file system.
 */
struct file *vuser_memory_open(u64 size, bool write, bool guard)
{
	struct vuser_memory *mem;
	struct inode *inode;
	struct file *file;
	int ret;

	mem = kzalloc(sizeof(*mem), GFP_KERNEL_ACCOUNT);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	init_rwsem(&mem->lock);
	mem->extents = RB_ROOT_CACHED;

	ret = simple_pin_fs(&vuser_fs_type, &vuser_mount, &vuser_mount_count);
	if (ret)
		goto err_free;
	inode = vuser_memory_inode(size);
	if (IS_ERR(inode)) {
		ret = PTR_ERR(inode);
		goto err_fs;
	}
	file = alloc_file_pseudo(inode, vuser_mount, "vuser-memory",
				 write ? O_RDWR : O_RDONLY,
				 &vuser_memory_fops);
	if (IS_ERR(file)) {
		iput(inode);
		ret = PTR_ERR(file);
		goto err_fs;
	}
	/*
	 * The last fput() drops a reference to the module.  open() would have
	 * taken it, alloc_file_pseudo() does not.
	 */
	__module_get(THIS_MODULE);
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->private_data = mem;
	mem->inode = inode;
	mem->guard = guard;
	return file;

err_fs:
	simple_release_fs(&vuser_mount, &vuser_mount_count);
err_free:
	kfree(mem);
	return ERR_PTR(ret);
}

/* Removes a range, in bytes, from the page tables of all servers. */
static void vuser_memory_zap(struct vuser_memory *mem, u64 offset, u64 size)
{
	unmap_mapping_range(mem->inode->i_mapping, offset, size, 1);
}

/**
 * vuser_memory_add() - add pages of a mapping to a memory object
 * @file: file of the object
 * @offset: offset in the object, in bytes, page aligned
 * @back: memory of the mapping; must not be released before vuser_memory_del()
 *	has removed it
 * @first: offset of the pages in @back, in bytes, page aligned
 * @size: bytes, page aligned, not 0
 *
 * Context: process; may sleep; takes the object's lock and page table locks.
 * Return: 0, also when the object has these pages already; -EEXIST when it has
 * another mapping in the range; -ENOMEM.
 */
int vuser_memory_add(struct file *file, u64 offset, struct vuser_backing *back,
		     u64 first, u64 size)
{
	struct vuser_memory *mem = vuser_memory_of(file);
	struct interval_tree_node *node;
	struct vuser_extent *ext;
	int ret = 0;

	ext = kmalloc(sizeof(*ext), GFP_KERNEL_ACCOUNT);
	if (!ext)
		return -ENOMEM;
	ext->node.start = offset >> PAGE_SHIFT;
	ext->node.last = (offset + size - 1) >> PAGE_SHIFT;
	ext->back = back;
	ext->first = first >> PAGE_SHIFT;

	down_write(&mem->lock);
	node = interval_tree_iter_first(&mem->extents, ext->node.start,
					ext->node.last);
	if (!node)
		interval_tree_insert(&ext->node, &mem->extents);
	else if (container_of(node, struct vuser_extent, node)->back != back)
		ret = -EEXIST;
	up_write(&mem->lock);
	if (node) {
		kfree(ext);
		return ret;
	}
	/* Remove the scratch page where a server has accessed the hole. */
	vuser_memory_zap(mem, offset, size);
	return 0;
}

/**
 * vuser_memory_del() - remove the pages of a range from a memory object
 * @file: file of the object
 * @offset: start of the range in the object, in bytes, page aligned
 * @size: bytes; the range contains the pages of each mapping completely or not at all
 *
 * After this function returns, no server can access the pages through the
 * object.
 *
 * Context: process; may sleep, but does not wait for a server; takes the
 * object's lock and page table locks.
 * Return: true if the object has no mapping any more.
 */
bool vuser_memory_del(struct file *file, u64 offset, u64 size)
{
	unsigned long start = offset >> PAGE_SHIFT;
	unsigned long last = (offset + size - 1) >> PAGE_SHIFT;
	struct vuser_memory *mem = vuser_memory_of(file);
	struct interval_tree_node *node;
	bool found = false, empty;

	down_write(&mem->lock);
	while ((node = interval_tree_iter_first(&mem->extents, start, last))) {
		interval_tree_remove(node, &mem->extents);
		kfree(container_of(node, struct vuser_extent, node));
		found = true;
	}
	empty = RB_EMPTY_ROOT(&mem->extents.rb_root);
	up_write(&mem->lock);
	if (found)
		vuser_memory_zap(mem, offset, size);
	return empty;
}
