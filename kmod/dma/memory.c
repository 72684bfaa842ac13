// SPDX-License-Identifier: GPL-2.0
/*
 * Memory fds.  A memory object is a range of a device's address space as a
 * file: mappings' pages are put into it and taken out again while a server has
 * it mapped.  Where nothing is, a scratch page shows, never SIGBUS.
 *
 * Pages appear in the server as frame numbers only, put in by the fault
 * handler, so that taking them out is one zap and leaves nothing behind.  Each
 * object has an inode of its own, because a zap goes by inode.
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

/* A fault puts in as many pages as a page cache fault does. */
#define VUSER_FAULT_AROUND	16

/* read and write are bounced in pieces of this many bytes. */
#define VUSER_BOUNCE		(16 * PAGE_SIZE)

/**
 * struct vuser_extent - a mapping's pages in a memory object
 * @node: pages of the object that it covers
 * @back: the pages, from its first on
 */
struct vuser_extent {
	struct interval_tree_node node;
	struct vuser_backing *back;
};

/**
 * struct vuser_memory - a memory object; lives as long as its file
 * @lock: protects @extents and @scratch.  A fault holds it for reading over
 *	looking and inserting, read and write over copying, so that who took it
 *	for writing to remove an extent, then zapped, knows that nobody can
 *	reach the pages any more.  Inside of the mmap lock; no user memory is
 *	touched under it and nothing is waited for.
 * @extents: what is in it; none overlap
 * @scratch: shown in the holes; of this object alone, so that servers cannot
 *	talk through it; made by the first access to a hole
 * @inode: its inode, for the zap
 */
struct vuser_memory {
	struct rw_semaphore lock;
	struct rb_root_cached extents;
	struct page *scratch;
	struct inode *inode;
};

/*
 * Mounted only while there are objects: a file system holds its module, so a
 * permanent mount would keep the module from ever being unloaded.
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

/* The size of an object is fixed, and nothing else of it is to be changed. */
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

static struct vuser_extent *vuser_extent_at(struct vuser_memory *mem,
					    unsigned long page)
{
	struct interval_tree_node *node;

	node = interval_tree_iter_first(&mem->extents, page, page);
	return node ? container_of(node, struct vuser_extent, node) : NULL;
}

static int vuser_memory_need_scratch(struct vuser_memory *mem)
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
 * Puts in the faulting page and those that follow it in the same block, the
 * VMA and the extent.  Under the object's lock.
 */
static vm_fault_t vuser_memory_insert(struct vm_fault *vmf,
				      struct vuser_extent *ext)
{
	unsigned long index = vmf->pgoff - ext->node.start;
	unsigned long block = VUSER_FAULT_AROUND -
			      vmf->pgoff % VUSER_FAULT_AROUND;
	unsigned long left = (vmf->vma->vm_end - vmf->address) >> PAGE_SHIFT;
	unsigned long i, count;
	vm_fault_t ret;

	count = min3(block, left, ext->back->nr_pages - index);
	for (i = 0; i < count; i++) {
		ret = vmf_insert_pfn(vmf->vma, vmf->address + i * PAGE_SIZE,
				     vuser_backing_pfn(ext->back, index + i,
						       NULL));
		if (ret != VM_FAULT_NOPAGE)
			return i ? VM_FAULT_NOPAGE : ret;
	}
	return VM_FAULT_NOPAGE;
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
		if (ext || mem->scratch)
			break;
		up_read(&mem->lock);
		if (vuser_memory_need_scratch(mem))
			return VM_FAULT_OOM;
	}
	if (ext)
		ret = vuser_memory_insert(vmf, ext);
	else
		ret = vmf_insert_pfn(vmf->vma, vmf->address,
				     page_to_pfn(mem->scratch));
	up_read(&mem->lock);
	return ret;
}

static const struct vm_operations_struct vuser_memory_vmops = {
	.fault = vuser_memory_fault,
};

/*
 * A read-only object is an O_RDONLY file, whose shared mappings come without
 * VM_SHARED and VM_MAYWRITE, so VM_MAYSHARE tells a shared mapping.  A private
 * one is refused: inserting a frame number into it is a bug.
 */
static int vuser_memory_mmap(struct file *file, struct vm_area_struct *vma)
{
	vm_flags_t clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_MAYSHARE) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		clear |= VM_MAYWRITE;
	vuser_vm_flags_mod(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP,
			   clear);
	vma->vm_ops = &vuser_memory_vmops;
	return 0;
}

/* read and write ---------------------------------------------------------- */

/* Copies between @buf and the object, up to the end of a page. */
static void vuser_memory_copy_page(struct vuser_memory *mem, loff_t pos,
				   void *buf, size_t len, bool write)
{
	struct vuser_extent *ext = vuser_extent_at(mem, pos >> PAGE_SHIFT);

	if (ext)
		vuser_backing_copy(ext->back,
				   pos - ((u64)ext->node.start << PAGE_SHIFT),
				   buf, len, write);
	else if (!write)
		memset(buf, 0, len);
}

static void vuser_memory_copy(struct vuser_memory *mem, loff_t pos, void *buf,
			      size_t len, bool write)
{
	size_t part;

	down_read(&mem->lock);
	while (len) {
		part = min_t(size_t, len, PAGE_SIZE - offset_in_page(pos));
		vuser_memory_copy_page(mem, pos, buf, part, write);
		pos += part;
		buf += part;
		len -= part;
	}
	up_read(&mem->lock);
}

/*
 * By a bounce buffer: the caller's memory may be such that touching it waits
 * for somebody, and the object's lock is taken by faults and unmaps.
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
		vuser_memory_copy(mem, iocb->ki_pos, buf, len, false);
		part = copy_to_iter(buf, len, to);
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
		vuser_memory_copy(mem, iocb->ki_pos, buf, part, true);
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

/* The object ends with its last file; by then nothing is in it. */
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

/* Whole huge pages at huge addresses: some servers take nothing else. */
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
	/* A file of a fixed size, as servers expect it, not of no type. */
	inode->i_mode = S_IFREG | 0600;
	inode->i_op = &vuser_memory_iops;
	inode->i_size = size;
	return inode;
}

/**
 * vuser_memory_open() - make a memory object
 * @size: bytes, page aligned, not 0
 * @write: servers may write to it
 *
 * The object is empty and lives as long as its file.
 *
 * Context: process.
 * Return: its file, or an ERR_PTR().
 */
struct file *vuser_memory_open(u64 size, bool write)
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
	/* Only open() takes the module for a file, but any close gives it. */
	__module_get(THIS_MODULE);
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->private_data = mem;
	mem->inode = inode;
	return file;

err_fs:
	simple_release_fs(&vuser_mount, &vuser_mount_count);
err_free:
	kfree(mem);
	return ERR_PTR(ret);
}

static void vuser_memory_zap(struct vuser_memory *mem, u64 offset, u64 size)
{
	unmap_mapping_range(mem->inode->i_mapping, offset, size, 1);
}

/**
 * vuser_memory_add() - put a mapping's pages into an object
 * @file: the object
 * @offset: where, bytes, page aligned
 * @back: the pages; stay until vuser_memory_del() took them out
 *
 * Context: process; takes page table locks.
 * Return: 0, also when that very mapping is there already; -EEXIST when
 * something else is, or -ENOMEM.
 */
int vuser_memory_add(struct file *file, u64 offset, struct vuser_backing *back)
{
	struct vuser_memory *mem = vuser_memory_of(file);
	struct interval_tree_node *node;
	struct vuser_extent *ext;
	int ret = 0;

	ext = kmalloc(sizeof(*ext), GFP_KERNEL_ACCOUNT);
	if (!ext)
		return -ENOMEM;
	ext->node.start = offset >> PAGE_SHIFT;
	ext->node.last = ext->node.start + back->nr_pages - 1;
	ext->back = back;

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
	/* The scratch page goes where a server looked before. */
	vuser_memory_zap(mem, offset, (u64)back->nr_pages << PAGE_SHIFT);
	return 0;
}

/**
 * vuser_memory_del() - take pages out of an object
 * @file: the object
 * @offset: from where, bytes, page aligned
 * @size: bytes; no mapping that was added is covered in part
 *
 * When this returns no server can reach the pages any more by the object.
 *
 * Context: process; takes page table locks; waits for nobody.
 */
void vuser_memory_del(struct file *file, u64 offset, u64 size)
{
	unsigned long start = offset >> PAGE_SHIFT;
	unsigned long last = (offset + size - 1) >> PAGE_SHIFT;
	struct vuser_memory *mem = vuser_memory_of(file);
	struct interval_tree_node *node;
	bool found = false;

	down_write(&mem->lock);
	while ((node = interval_tree_iter_first(&mem->extents, start, last))) {
		interval_tree_remove(node, &mem->extents);
		kfree(container_of(node, struct vuser_extent, node));
		found = true;
	}
	up_write(&mem->lock);
	if (found)
		vuser_memory_zap(mem, offset, size);
}
